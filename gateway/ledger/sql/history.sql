-- name: event_insert
-- Append one event with its leaf.
INSERT INTO event (kind, at, message_id, delivery_id, actor, leaf, leaf_hash, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: event_list_since
-- Events after a cursor, up to another, that concern some agencies' messages or deliveries, oldest first; who read
-- what, and who took evidence of it, is nobody's business but the gateway's.
SELECT e.seq, e.kind, e.at, e.message_id, e.delivery_id, e.leaf
FROM event AS e
LEFT JOIN message AS m ON m.id = e.message_id
LEFT JOIN delivery AS d ON d.id = e.delivery_id
WHERE e.seq > :after AND e.seq <= :upto AND e.kind NOT IN ('document.read', 'document.exported')
  AND (m.sender_id IN (SELECT value FROM json_each(:agencies))
       OR d.recipient_id IN (SELECT value FROM json_each(:agencies)))
ORDER BY e.seq
LIMIT :limit;

-- name: event_read_span
-- The last of so many events after a cursor, and how many there are.
SELECT MAX(seq), COUNT(*) FROM (SELECT seq FROM event WHERE seq > :after ORDER BY seq LIMIT :span);

-- name: event_last_seq
-- The newest event.
SELECT COALESCE(MAX(seq), 0) FROM event;

-- name: event_list_kinds
-- What kinds of events came after a number, and the last of each; of a bounded span.
SELECT kind, MAX(seq) FROM (SELECT seq, kind FROM event WHERE seq > :after ORDER BY seq LIMIT :span) GROUP BY kind;

-- name: event_list_concerned
-- By kind, the offices that some events are about: who sent the document and who gets it, which of an event that names
-- no line is each of its recipients; of one about a status, whose document that was as well.
SELECT e.kind, m.sender_id FROM event AS e JOIN message AS m ON m.id = e.message_id
WHERE e.seq > :after AND e.seq <= :upto
UNION
SELECT e.kind, m.sender_id FROM event AS e JOIN delivery AS d ON d.id = e.delivery_id JOIN message AS m ON m.id = d.message_id
WHERE e.seq > :after AND e.seq <= :upto
UNION
SELECT e.kind, d.recipient_id FROM event AS e JOIN delivery AS d ON d.id = e.delivery_id
WHERE e.seq > :after AND e.seq <= :upto
UNION
SELECT e.kind, d.recipient_id FROM event AS e JOIN delivery AS d ON d.message_id = e.message_id
WHERE e.seq > :after AND e.seq <= :upto AND e.delivery_id IS NULL;

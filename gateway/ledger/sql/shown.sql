-- name: event_list_told
-- The story of one message for a person: its own events, those of its lines, and why people acted; not what tries and
-- statuses tell. Of a very long one its acceptance, what people did, and the newest of the rest; how many there are.
-- Evidence that auditors took is left out (today's events of that name no document; older ones did).
SELECT e.seq, e.kind, e.at, e.delivery_id, e.actor, e.leaf, COALESCE(e.note, ''), s.total
FROM (
    SELECT seq, count(*) OVER () AS total
    FROM (
        SELECT seq, kind, actor, at, delivery_id FROM event WHERE message_id = :message
        UNION
        SELECT seq, kind, actor, at, delivery_id FROM event
        WHERE delivery_id IN (SELECT id FROM delivery WHERE message_id = :message)) AS f
    WHERE kind NOT IN ('delivery.claimed', 'status.recorded')
      AND NOT (kind = 'delivery.deferred' AND EXISTS (
          SELECT 1 FROM delivery AS d JOIN attempt AS a ON a.dispatch_id = d.dispatch_id
          WHERE d.id = f.delivery_id AND a.ended_at = f.at AND a.outcome = 'deferred'))
      AND (kind <> 'document.exported' OR actor NOT IN (SELECT 'user:' || id FROM user WHERE role = 'auditor'))
    ORDER BY CASE WHEN kind = 'document.accepted' THEN 0 WHEN kind = 'document.read' THEN 2
                  WHEN actor GLOB 'user:*' OR actor GLOB 'operator:*' THEN 1 ELSE 2 END, seq DESC
    LIMIT :limit) AS s
JOIN event AS e ON e.seq = s.seq
ORDER BY e.seq DESC;

-- name: event_list_told_of_lines
-- The same of some lines of it (:lines) alone, with its acceptance.
SELECT e.seq, e.kind, e.at, e.delivery_id, e.actor, e.leaf, COALESCE(e.note, ''), s.total
FROM (
    SELECT seq, count(*) OVER () AS total
    FROM (
        SELECT seq, kind, actor, at, delivery_id FROM event WHERE message_id = :message AND kind = 'document.accepted'
        UNION
        SELECT seq, kind, actor, at, delivery_id FROM event
        WHERE delivery_id IN (SELECT value FROM json_each(:lines))) AS f
    WHERE kind NOT IN ('delivery.claimed', 'status.recorded')
      AND NOT (kind = 'delivery.deferred' AND EXISTS (
          SELECT 1 FROM delivery AS d JOIN attempt AS a ON a.dispatch_id = d.dispatch_id
          WHERE d.id = f.delivery_id AND a.ended_at = f.at AND a.outcome = 'deferred'))
    ORDER BY CASE WHEN kind = 'document.accepted' THEN 0
                  WHEN actor GLOB 'user:*' OR actor GLOB 'operator:*' THEN 1 ELSE 2 END, seq DESC
    LIMIT :limit) AS s
JOIN event AS e ON e.seq = s.seq
ORDER BY e.seq DESC;

-- name: attempt_list_told
-- The newest tries of what carries some lines (:lines), the oldest of these first; and how many there are.
SELECT a.dispatch_id, a.started_at, a.ended_at, COALESCE(a.outcome, ''), COALESCE(a.reason, ''), COALESCE(a.detail, ''),
       COALESCE(a.peer, '{}'), s.total
FROM (
    SELECT rowid AS place, count(*) OVER () AS total FROM attempt
    WHERE dispatch_id IN (SELECT dispatch_id FROM delivery WHERE id IN (SELECT value FROM json_each(:lines)))
    ORDER BY started_at DESC, rowid DESC LIMIT :limit) AS s
JOIN attempt AS a ON a.rowid = s.place
ORDER BY a.rowid;

-- name: status_list_told
-- The newest statuses about some lines (:lines), the oldest of these first; and how many there are.
SELECT t.delivery_id, t.code, t.reporter_id, t.recorded_at, t.description, s.total
FROM (
    SELECT rowid AS place, count(*) OVER () AS total FROM status
    WHERE delivery_id IN (SELECT value FROM json_each(:lines))
    ORDER BY recorded_at DESC, rowid DESC LIMIT :limit) AS s
JOIN status AS t ON t.rowid = s.place
ORDER BY t.rowid;

-- name: delivery_list_booked
-- Lines of one message that an office has registered, whatever it has said since.
SELECT d.id FROM delivery AS d
WHERE d.message_id = ? AND EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code BETWEEN '03' AND '06');

-- name: message_list_relations
-- Documents among some messages, the earliest first; of :agencies (NULL: all), what they sent or were sent, but for
-- lines that are kept from recipients (:hidden).
SELECT m.id, m.business_type, m.sender_id, m.sender_code, m.code_number, m.code_notation, m.document_ref,
       COALESCE(m.promulgated_on, '')
FROM message AS m
WHERE m.id IN (SELECT value FROM json_each(:ids)) AND m.kind = 'document'
  AND (:agencies IS NULL OR +m.sender_id IN (SELECT value FROM json_each(:agencies))
       OR EXISTS (SELECT 1 FROM delivery AS d
                  WHERE d.message_id = m.id AND +d.recipient_id IN (SELECT value FROM json_each(:agencies))
                    AND +d.state NOT IN (SELECT value FROM json_each(:hidden))))
ORDER BY m.accepted_at, m.id;

-- name: message_list_answering
-- Documents that name this one first among those that they answer, the earliest first.
SELECT m.id FROM message AS m INDEXED BY message_by_answer
WHERE m.kind = 'document' AND m.answers_ref = :document_ref AND m.answers_ref > ''
ORDER BY m.accepted_at, m.id LIMIT :limit;

-- name: message_list_answering_number
-- Documents that name first a number, issuer and day, and no DocumentId: JSON list of such texts; and what they name.
SELECT m.id, m.envelope -> '$.responses_for[0]' FROM message AS m INDEXED BY message_by_answered_number
WHERE m.kind = 'document' AND m.answers_number > ''
  AND m.answers_number IN (SELECT value FROM json_each(:named))
ORDER BY m.accepted_at, m.id LIMIT :limit;

-- name: message_list_named
-- Documents that somebody may mean who names one by DocumentId, or by number, notation and day (a pattern).
SELECT id FROM (
    SELECT m.id FROM message AS m INDEXED BY message_by_document_ref
    WHERE m.document_ref = :document_ref AND m.document_ref <> '' AND m.kind = 'document' LIMIT 50)
UNION ALL
SELECT id FROM (
    SELECT m.id FROM message AS m INDEXED BY message_by_number
    WHERE m.code_number = :number AND m.code_number <> '' AND m.code_notation = :notation AND m.kind = 'document'
      AND COALESCE(m.promulgated_on, '') LIKE :day LIMIT 50);

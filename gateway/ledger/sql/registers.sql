-- name: register_day_list_last
-- The days that were closed last, newest first: day, closing event, last event looked at, secret.
SELECT day, seq, until_seq, seed FROM register_day ORDER BY day DESC LIMIT ?;

-- name: register_day_list_before
-- A day and the two that were closed before it, newest first.
SELECT day, seq, until_seq, seed FROM register_day WHERE day <= ? ORDER BY day DESC LIMIT 3;

-- name: register_day_list
-- Days from one to another, oldest first, with their closing leaves.
SELECT d.day, d.seq, d.until_seq, d.seed, e.leaf FROM register_day AS d JOIN event AS e ON e.seq = d.seq
WHERE d.day BETWEEN :first AND :last ORDER BY d.day;

-- name: register_day_insert
-- A day is closed: day, last event looked at, secret; its event is the one that was appended last.
INSERT INTO register_day (day, seq, until_seq, seed) VALUES (?, (SELECT MAX(seq) FROM event), ?, ?);

-- name: register_insert
-- What an agency sent on it.
INSERT INTO register (day, agency_id, entries) VALUES (?, ?, ?);

-- name: register_list_of_day
-- The registers of a day, in their order.
SELECT agency_id, entries FROM register WHERE day = ? ORDER BY agency_id;

-- name: register_read_span
-- The last of so many events after a cursor that may be entries, of times between two; NULL when there is none.
SELECT MAX(seq) FROM (
    SELECT seq FROM event INDEXED BY event_of_registers
    WHERE kind IN ('document.accepted', 'document.readdressed') AND seq > :after AND seq <= :until
      AND at >= :earliest AND at < :latest
    ORDER BY seq LIMIT :limit
);

-- name: register_list_lines
-- The lines that documents of these events opened: leaf, time, document, sender, number, notation, recipient.
SELECT (SELECT r.first_index + e.seq - r.first_seq FROM log_run AS r WHERE r.first_seq <= e.seq
        ORDER BY r.first_seq DESC LIMIT 1),
       e.at, m.id, m.sender_id, m.code_number, m.code_notation, COALESCE(d.recipient_id, '')
FROM event AS e INDEXED BY event_of_registers
JOIN message AS m ON m.id = e.message_id AND m.kind = 'document'
LEFT JOIN delivery AS d ON d.message_id = m.id AND d.created_at = e.at
WHERE e.kind IN ('document.accepted', 'document.readdressed') AND e.seq > :after AND e.seq <= :until
  AND e.at >= :earliest AND e.at < :latest AND (:agency IS NULL OR m.sender_id = :agency)
ORDER BY e.seq, d.seq;

-- name: register_find_first_since
-- The first event after a cursor that may be an entry and is not older than an instant.
SELECT seq FROM event INDEXED BY event_of_registers
WHERE kind IN ('document.accepted', 'document.readdressed') AND seq > :after AND at >= :since ORDER BY seq LIMIT 1;

-- name: register_find_unsequenced
-- An event that may be an entry, older than an instant, and no leaf yet.
SELECT seq FROM event INDEXED BY event_of_registers
WHERE kind IN ('document.accepted', 'document.readdressed') AND seq > :after AND at < :before ORDER BY seq LIMIT 1;

-- name: register_list_sent
-- Documents that a sender sent between two instants, to a recipient where that is given; with their numbers.
SELECT m.id, m.code_number, m.code_notation FROM message AS m
WHERE m.sender_id = :agency AND m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until
  AND (:recipient IS NULL OR EXISTS (
        SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.recipient_id = :recipient))
ORDER BY m.accepted_at;

-- name: event_oldest_instant
-- The instant of the first event; NULL before it.
SELECT at FROM event ORDER BY seq LIMIT 1;

-- name: reading_find_known
-- Which of some readings are repeats: [[message, delivery, actor, act], …].
SELECT DISTINCT r.message_id, r.delivery_id, r.actor, r.act FROM json_each(?) AS asked
JOIN reading AS r ON r.message_id = asked.value ->> 0 AND r.delivery_id = asked.value ->> 1
  AND r.actor = asked.value ->> 2 AND r.act = asked.value ->> 3;

-- name: reading_add
-- One more reading of its hour.
INSERT INTO reading (message_id, delivery_id, actor, act, part, channel, hour, first_at, last_at, times)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 1)
ON CONFLICT (message_id, delivery_id, actor, act, part, channel, hour) DO UPDATE
SET last_at = MAX(last_at, excluded.last_at), times = times + 1;

-- name: listing_insert
-- A listing that showed something new.
INSERT INTO listing (recipient_id, first_seq, last_seq, seqs, actor, channel, at) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: reading_list_of_message
-- Who has read one message, the earliest first.
SELECT message_id, delivery_id, actor, act, part, channel, first_at, last_at, times FROM reading
WHERE message_id = ? ORDER BY first_at, actor;

-- name: reading_list_newest
-- What was read of late, the newest hour first: since, actors (NULL: anybody's), limit.
SELECT message_id, delivery_id, actor, act, part, channel, first_at, last_at, times
FROM reading INDEXED BY reading_by_hour
WHERE hour >= :since AND (:actors IS NULL OR actor IN (SELECT value FROM json_each(:actors)))
ORDER BY hour DESC, last_at DESC LIMIT :limit;

-- name: listing_list_of_message
-- To whom its lines were first shown in a list; of each recipient so many listings behind the line are looked at.
SELECT d.id, l.actor, l.channel, MIN(l.at), d.recipient_id
FROM delivery AS d JOIN listing AS l ON l.id IN (
    SELECT c.id FROM listing AS c INDEXED BY listing_by_line
    WHERE c.recipient_id = d.recipient_id AND c.last_seq >= d.seq ORDER BY c.last_seq LIMIT 500)
WHERE d.message_id = ? AND l.first_seq <= d.seq AND EXISTS (SELECT 1 FROM json_each(l.seqs) WHERE value = d.seq)
GROUP BY d.id, l.actor, l.channel ORDER BY MIN(l.at);

-- name: credential_list_named
-- Whose some credentials are: [id, …].
SELECT c.id, c.agency_id, c.label FROM credential AS c WHERE c.id IN (SELECT value FROM json_each(:ids))
UNION
SELECT s.id, s.agency_id, s.label FROM shared_secret AS s WHERE s.id IN (SELECT value FROM json_each(:ids));

-- name: credential_list_ids_of_agency
-- Everything by which an agency's systems are, or were, known.
SELECT id FROM credential WHERE agency_id = :agency UNION SELECT id FROM shared_secret WHERE agency_id = :agency;

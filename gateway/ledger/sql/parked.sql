-- name: status_list_parked
-- Parked statuses that wait for a person, oldest first; what each says of its document: after (one of them, or ""), limit.
SELECT s.id, s.message_id, s.code, m.sender_code, s.description, s.reported_at, s.recorded_at, s.parked,
       m.document_ref, m.code_number, m.code_notation,
       COALESCE(m.envelope ->> '$.responses_for[0].organ_id', ''),
       COALESCE(m.envelope ->> '$.responses_for[0].promulgation_date', ''),
       COALESCE(s.resolution, ''), s.resolved_at, COALESCE(s.resolved_by, ''), COALESCE(s.resolved_why, '')
FROM status AS s JOIN message AS m ON m.id = s.message_id
WHERE s.parked IS NOT NULL AND s.resolution IS NULL
  AND (:after = '' OR (s.recorded_at, s.id) > (SELECT b.recorded_at, b.id FROM status AS b WHERE b.id = :after))
ORDER BY s.recorded_at, s.id LIMIT :limit;

-- name: status_list_parked_all
-- The same with those that a person has resolved.
SELECT s.id, s.message_id, s.code, m.sender_code, s.description, s.reported_at, s.recorded_at, s.parked,
       m.document_ref, m.code_number, m.code_notation,
       COALESCE(m.envelope ->> '$.responses_for[0].organ_id', ''),
       COALESCE(m.envelope ->> '$.responses_for[0].promulgation_date', ''),
       COALESCE(s.resolution, ''), s.resolved_at, COALESCE(s.resolved_by, ''), COALESCE(s.resolved_why, '')
FROM status AS s INDEXED BY status_parked JOIN message AS m ON m.id = s.message_id
WHERE s.parked IS NOT NULL
ORDER BY s.recorded_at LIMIT :limit;

-- name: status_get_parked
-- One parked status, by its own id or that of the message it came in.
SELECT s.id, s.message_id, s.reporter_id, s.code, s.reported_at, s.description, COALESCE(s.resolution, ''),
       m.arrived_by, s.recorded_at
FROM status AS s JOIN message AS m ON m.id = s.message_id
WHERE s.parked IS NOT NULL AND (s.id = :key OR s.message_id = :key);

-- name: status_resolve
-- Mark a parked status, unless somebody did before.
UPDATE status SET resolution = :resolution, resolved_at = :at, resolved_by = :by, resolved_why = :why
WHERE id = :id AND parked IS NOT NULL AND resolution IS NULL
RETURNING id;

-- name: event_list_told
-- The story of one message for a person: its own events, those of its lines, and why people acted. Of a very long one
-- the newest.
SELECT seq, kind, at, delivery_id, actor, leaf, COALESCE(note, '') FROM event WHERE message_id = :message
UNION
SELECT seq, kind, at, delivery_id, actor, leaf, COALESCE(note, '') FROM event
WHERE delivery_id IN (SELECT id FROM delivery WHERE message_id = :message)
ORDER BY 1 DESC LIMIT :limit;

-- name: message_list_relations
-- Documents among some messages, the earliest first: id, business type, number, notation, when accepted.
SELECT id, business_type, code_number, code_notation, accepted_at FROM message
WHERE id IN (SELECT value FROM json_each(?)) AND kind = 'document' ORDER BY accepted_at, id;

-- name: rendition_find
-- The dialect of a message, its rendition in another (NULLs: none yet), and its envelope: dialect, message.
SELECT m.envelope ->> '$.dialect', r.sha256, r.size, m.envelope
FROM message AS m LEFT JOIN rendition AS r ON r.message_id = m.id AND r.dialect = ?
WHERE m.id = ?;

-- name: rendition_insert_new
-- Keep a rendition unless there is one.
INSERT INTO rendition (message_id, dialect, sha256, size, created_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING RETURNING message_id;

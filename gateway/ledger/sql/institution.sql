-- name: checkpoint_signature_insert
-- Keep a signature: leaves, instant, SHA-256 of the certificate, CMS.
INSERT INTO checkpoint_signature (size, at, certificate, cms) VALUES (?, ?, ?, ?) ON CONFLICT (size) DO NOTHING;

-- name: checkpoint_signature_read_latest
-- What the institution signed last: leaves, instant, certificate, CMS, the note as the log signed it.
SELECT s.size, s.at, s.certificate, s.cms, c.note
FROM checkpoint_signature AS s JOIN checkpoint AS c ON c.size = s.size ORDER BY s.size DESC LIMIT 1;

-- name: checkpoint_signature_read
-- The signature over the checkpoint of so many leaves.
SELECT s.size, s.at, s.certificate, s.cms, c.note
FROM checkpoint_signature AS s JOIN checkpoint AS c ON c.size = s.size WHERE s.size = ?;

-- name: checkpoint_find_signed_covering
-- Of the checkpoints that a leaf is under and the institution signed, the first: with a time stamp, where there is one.
SELECT s.size FROM checkpoint_signature AS s
WHERE s.size > ?
ORDER BY NOT EXISTS (SELECT 1 FROM checkpoint_stamp AS t WHERE t.size = s.size), s.size LIMIT 1;

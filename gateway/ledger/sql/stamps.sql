-- name: checkpoint_list_unstamped
-- Checkpoints of more than so many leaves without a time stamp, the newest first: leaves, note.
SELECT c.size, c.note FROM checkpoint AS c
WHERE c.size > :after AND NOT EXISTS (SELECT 1 FROM checkpoint_stamp AS s WHERE s.size = c.size)
ORDER BY c.size DESC LIMIT :limit;

-- name: checkpoint_count_unstamped
-- Of the same: how many, since when, from how many leaves on; and the leaves of the newest checkpoint.
SELECT COUNT(*), MIN(c.at), MIN(c.size), (SELECT COALESCE(MAX(size), 0) FROM checkpoint) FROM checkpoint AS c
WHERE c.size > :after AND NOT EXISTS (SELECT 1 FROM checkpoint_stamp AS s WHERE s.size = c.size);

-- name: checkpoint_stamp_insert
-- Keep a stamp: leaves, server, not later than, token.
INSERT INTO checkpoint_stamp (size, server, at, token) VALUES (?, ?, ?, ?) ON CONFLICT (size, server) DO NOTHING;

-- name: stamp_list_newest
-- The newest stamps over checkpoints and over receipts, so many of each: server, answer.
SELECT server, token FROM (SELECT server, token FROM checkpoint_stamp ORDER BY size DESC LIMIT :limit)
UNION ALL
SELECT server, token FROM (SELECT server, token FROM receipt_stamp ORDER BY first_seq DESC LIMIT :limit);

-- name: checkpoint_stamp_find_earliest
-- The earliest stamp over a leaf, among those of the first checkpoints that cover it.
SELECT size, server, at FROM (
    SELECT size, server, at FROM checkpoint_stamp WHERE size > ? ORDER BY size LIMIT 2000
) ORDER BY at, size LIMIT 1;

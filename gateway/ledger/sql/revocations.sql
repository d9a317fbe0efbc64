-- name: revocation_answer_insert_new
-- Keep what came with a signature, once: SHA-256, now, DER.
INSERT INTO revocation_answer (sha256, first_at, der) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: revocation_answer_put
-- Keep what a CA said, so that it is looked up: SHA-256, now, DER, subject, kind, its time, its successor's.
INSERT INTO revocation_answer (sha256, first_at, der, subject, kind, this_update, next_update, used)
VALUES (?, ?, ?, ?, ?, ?, ?, 0)
ON CONFLICT (sha256) DO UPDATE SET subject = excluded.subject, kind = excluded.kind,
    this_update = excluded.this_update, next_update = excluded.next_update
WHERE revocation_answer.subject IS NULL;

-- name: revocation_answer_mark_placed
-- The files of these subjects are in their place: now, subjects.
UPDATE revocation_answer SET placed_at = ? WHERE subject IN (SELECT value FROM json_each(?)) RETURNING sha256;

-- name: revocation_answer_find_placed
-- Whether a file of these subjects came to its place at an instant or later.
SELECT 1 FROM revocation_answer WHERE subject IN (SELECT value FROM json_each(?)) AND placed_at >= ? LIMIT 1;

-- name: revocation_answer_mark_used
-- A verdict rests on it.
UPDATE revocation_answer SET used = 1 WHERE sha256 = ? AND used = 0;

-- name: revocation_answer_list_newest
-- Those that are at hand, newest first: how many.
SELECT sha256 FROM revocation_answer ORDER BY first_at DESC LIMIT ?;

-- name: revocation_answer_list_named
-- All that are looked up.
SELECT sha256, subject, kind, this_update, next_update, length(der) FROM revocation_answer
WHERE subject IS NOT NULL ORDER BY subject, this_update;

-- name: revocation_answer_read
-- The bytes of one.
SELECT der FROM revocation_answer WHERE sha256 = ?;

-- name: revocation_answer_delete_superseded
-- Forget what no verdict rests on, was kept before an instant, and has a successor.
DELETE FROM revocation_answer
WHERE used = 0 AND subject IS NOT NULL AND first_at < ?
  AND EXISTS (SELECT 1 FROM revocation_answer AS newer
              WHERE newer.subject = revocation_answer.subject AND newer.this_update > revocation_answer.this_update)
RETURNING sha256;

-- name: revocation_source_list_all
-- Where lists are fetched, and how it goes.
SELECT url, issuer_sha256, issuer, authority, wanted_at, answered_at, until, failing_since, fault
FROM revocation_source ORDER BY url, issuer_sha256;

-- name: revocation_source_put
-- Fetch a list from now on, or say how that went; a wish is never set back.
INSERT INTO revocation_source (url, issuer_sha256, issuer, authority, created_at, wanted_at, answered_at, until,
                               failing_since, fault)
VALUES (:url, :issuer_sha256, :issuer, :authority, :now, :wanted_at, :answered_at, :until, :failing_since, :fault)
ON CONFLICT (url, issuer_sha256) DO UPDATE SET wanted_at = max(wanted_at, excluded.wanted_at),
    answered_at = excluded.answered_at, until = excluded.until, failing_since = excluded.failing_since,
    fault = excluded.fault
RETURNING url;

-- name: revocation_source_delete
-- Fetch it no more: URL, SHA-256 of its CA.
DELETE FROM revocation_source WHERE url = ? AND issuer_sha256 = ? RETURNING url;

-- name: copy_check_pages
-- SQLite's own examination of a copy: one row "ok" when all is well.
PRAGMA quick_check(10);

-- name: copy_read_facts
-- What a manifest says of the ledger.
SELECT (SELECT COUNT(*) FROM message), (SELECT COUNT(*) FROM delivery),
       (SELECT COALESCE(MAX(id), '') FROM boot);

-- name: copy_read_versions
-- Which migrations made the copy, and which program it needs.
SELECT key, value FROM meta WHERE key IN ('schema_version', 'compat_version');

-- name: copy_read_last_event
-- Number, instant and leaf hash of the newest event.
SELECT seq, at, leaf_hash FROM event ORDER BY seq DESC LIMIT 1;

-- name: copy_list_body_keys
-- The keys of bodies: id, what they are encrypted under, themselves.
SELECT id, wrapper, wrapped FROM body_key ORDER BY number;

-- name: copy_list_offers
-- Every body that the copy keeps of what peers offer, with its length.
SELECT DISTINCT sha256, size FROM offer WHERE sha256 IS NOT NULL;

-- name: copy_list_bodies
-- Every body that the copy names, with its length: messages and renditions.
SELECT sha256, MAX(size) FROM (
    SELECT sha256, size FROM message UNION ALL SELECT sha256, size FROM rendition
) GROUP BY sha256 ORDER BY sha256;

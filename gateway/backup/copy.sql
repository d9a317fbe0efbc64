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

-- name: copy_list_desk_files
-- Scans and files of the clerks' desk, with their length.
SELECT sha256, MAX(size) FROM desk_file GROUP BY sha256;

-- name: copy_list_purged
-- Bodies that a copy names and that are destroyed by order: nothing else needs them.
SELECT sha256 FROM (
    SELECT d.sha256 FROM purge_document AS d WHERE d.purged_at IS NOT NULL
    UNION
    SELECT r.sha256 FROM purge_document AS d JOIN rendition AS r ON r.message_id = d.message_id
    WHERE d.purged_at IS NOT NULL
) AS gone
WHERE NOT EXISTS (
    SELECT 1 FROM message AS m WHERE m.sha256 = gone.sha256 AND NOT EXISTS (
        SELECT 1 FROM purge_document AS d WHERE d.message_id = m.id AND d.purged_at IS NOT NULL)
) AND NOT EXISTS (
    SELECT 1 FROM rendition AS r WHERE r.sha256 = gone.sha256 AND NOT EXISTS (
        SELECT 1 FROM purge_document AS d WHERE d.message_id = r.message_id AND d.purged_at IS NOT NULL)
) AND NOT EXISTS (
    SELECT 1 FROM offer AS o WHERE o.sha256 = gone.sha256 AND NOT EXISTS (
        SELECT 1 FROM purge_document AS d WHERE d.message_id = o.message_id AND d.purged_at IS NOT NULL)
);

-- name: copy_list_owners
-- Whose some bytes are, by digest: messages, those that copies in other dialects were made of.
SELECT sha256, id FROM message WHERE sha256 IN (SELECT value FROM json_each(:digests))
UNION
SELECT sha256, message_id FROM rendition WHERE sha256 IN (SELECT value FROM json_each(:digests));

-- name: copy_list_made_of
-- The digests of some messages and of the copies in other dialects made of them.
SELECT sha256 FROM message WHERE id IN (SELECT value FROM json_each(:messages))
UNION
SELECT sha256 FROM rendition WHERE message_id IN (SELECT value FROM json_each(:messages));

-- name: copy_list_bodies
-- Every body that the copy names, with its length: messages and renditions.
SELECT sha256, MAX(size) FROM (
    SELECT sha256, size FROM message UNION ALL SELECT sha256, size FROM rendition
) GROUP BY sha256 ORDER BY sha256;

-- name: copy_list_files
-- Files of ledgers that were taken over: folder, name, digest, length.
SELECT l.folder, f.name, f.sha256, f.size FROM foreign_file AS f JOIN foreign_ledger AS l ON l.origin = f.origin
ORDER BY l.folder, f.name;

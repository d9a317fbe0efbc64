-- name: fsck_message_page
-- A page of messages in the order of their ids, and how many lines each has.
SELECT id, kind, sha256, size, sender_id, sender_code, business_type, document_ref, code_number, code_notation,
       promulgated_on, subject, subject_folded, priority, content_key, caller, envelope, findings, directory_version,
       trace_id, received_at, accepted_at,
       (SELECT COUNT(*) FROM delivery AS d WHERE d.message_id = message.id)
FROM message WHERE id > :after AND id <= :last ORDER BY id LIMIT :limit;

-- name: fsck_body_keys
-- The keys of bodies: id, what they are encrypted under, themselves.
SELECT id, wrapper, wrapped FROM body_key ORDER BY number;

-- name: fsck_message_last
-- Where an examination that begins now ends.
SELECT COALESCE(MAX(id), '') FROM message;

-- name: fsck_ledger_counts
-- What there is to examine.
SELECT (SELECT COUNT(*) FROM message WHERE id <= :last), (SELECT COUNT(*) FROM event);

-- name: fsck_receipts_of_messages
-- The receipts of some messages.
SELECT message_id, transfer, xades, sha256, answer FROM receipt
WHERE message_id IN (SELECT value FROM json_each(?));

-- name: fsck_renditions_of_messages
-- The copies in other dialects of some messages.
SELECT message_id, dialect, sha256, size, created_at FROM rendition
WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY message_id, dialect;

-- name: fsck_deliveries_of_messages
-- The lines of some messages, in the ledger's order.
SELECT id, message_id, recipient_id, recipient_code, endpoint_id, dispatch_id, state, expects_status,
       COALESCE(reason, ''), COALESCE(business_status, ''), created_at, state_at, in_inbox, fetched_at,
       priority
FROM delivery WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY seq;

-- name: fsck_dispatches_of_messages
-- The transmissions of some messages.
SELECT id, message_id, endpoint_id, recipient_id, state, series, attempt_id, boot_id
FROM dispatch WHERE message_id IN (SELECT value FROM json_each(?));

-- name: fsck_attempts_of_messages
-- Every try of some messages.
SELECT a.id, a.dispatch_id, a.boot_id, a.series, a.started_at, a.ended_at, COALESCE(a.outcome, '')
FROM attempt AS a JOIN dispatch AS p ON p.id = a.dispatch_id
WHERE p.message_id IN (SELECT value FROM json_each(?));

-- name: fsck_statuses_of_messages
-- What was reported about the lines of some messages, in the order it was recorded.
SELECT s.id, s.message_id, s.delivery_id, s.reporter_id, s.code, s.moved, COALESCE(s.flag, ''), COALESCE(s.parked, ''),
       COALESCE(s.resolution, ''), s.resolved_at
FROM status AS s JOIN delivery AS d ON d.id = s.delivery_id
WHERE d.message_id IN (SELECT value FROM json_each(?)) ORDER BY s.rowid;

-- name: fsck_statuses_in_messages
-- What some status messages reported.
SELECT id, message_id, delivery_id, reporter_id, code, moved, COALESCE(flag, ''), COALESCE(parked, ''),
       COALESCE(resolution, ''), resolved_at
FROM status WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY rowid;

-- name: fsck_receiver_proofs_of_messages
-- What receivers proved of some messages, and how statuses among them came.
SELECT id, message_id, sha256, file FROM receiver_proof
WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY message_id, id;

-- name: fsck_purges_of_messages
-- Which of some messages were destroyed by order, how the order ended, whether anything else needs the
-- bytes, and the order.
SELECT d.message_id, d.sha256, COALESCE(p.outcome, ''), EXISTS (
    SELECT 1 FROM message AS m WHERE m.sha256 = d.sha256 AND NOT EXISTS (
        SELECT 1 FROM purge_document AS o WHERE o.message_id = m.id AND o.purged_at IS NOT NULL)),
       d.purge_id
FROM purge_document AS d JOIN purge AS p ON p.id = d.purge_id
WHERE d.purged_at IS NOT NULL AND d.message_id IN (SELECT value FROM json_each(?));

-- name: fsck_purge_documents
-- The documents and papers of all orders to destroy.
SELECT purge_id, message_id FROM purge_document UNION ALL SELECT purge_id, entry_id FROM purge_paper ORDER BY 1, 2;

-- name: fsck_purged_papers
-- Papers that were destroyed: line, digest of the scan, order, whether the line has a scan.
SELECT p.entry_id, p.sha256, p.purge_id, e.scan_id IS NOT NULL FROM purge_paper AS p JOIN desk_entry AS e ON e.id = p.entry_id
WHERE p.purged_at IS NOT NULL ORDER BY 1;

-- name: fsck_events_of_messages
-- The history of some messages and of their lines.
SELECT seq, kind, at, message_id, delivery_id, leaf FROM event
WHERE message_id IN (SELECT value FROM json_each(:ids))
UNION
SELECT seq, kind, at, message_id, delivery_id, leaf FROM event
WHERE delivery_id IN (SELECT id FROM delivery WHERE message_id IN (SELECT value FROM json_each(:ids)))
ORDER BY 1;

-- name: fsck_event_page
-- A page of the history.
SELECT seq, kind, at, message_id, delivery_id, actor, leaf, leaf_hash FROM event
WHERE seq > :after ORDER BY seq LIMIT :limit;

-- name: fsck_digests_known
-- Which of some digests are bodies of messages, renditions, offers or files of the desk.
SELECT sha256 FROM message WHERE sha256 IN (SELECT value FROM json_each(:digests))
UNION
SELECT sha256 FROM rendition WHERE sha256 IN (SELECT value FROM json_each(:digests))
UNION
SELECT sha256 FROM offer WHERE sha256 IN (SELECT value FROM json_each(:digests))
UNION
SELECT sha256 FROM desk_file WHERE sha256 IN (SELECT value FROM json_each(:digests));

-- name: fsck_offer_page
-- A page of offers whose bytes are kept, and how a finding names each.
SELECT id, sha256, size, 'offer ' || id FROM offer WHERE sha256 IS NOT NULL AND id > :after AND NOT EXISTS (
    SELECT 1 FROM purge_document AS d WHERE d.message_id = offer.message_id AND d.purged_at IS NOT NULL)
ORDER BY id LIMIT :limit;

-- name: fsck_desk_file_page
-- A page of scans of papers and files of drafts, likewise.
SELECT f.id, f.sha256, f.size, 'desk file ' || f.id
       || COALESCE((SELECT ' (line ' || e.number || '/' || e.year || ' of ' || e.office_id || ')' FROM desk_entry AS e
                    WHERE e.scan_id = f.id LIMIT 1), '')
FROM desk_file AS f
WHERE f.id > :after AND (EXISTS (SELECT 1 FROM desk_entry AS e WHERE e.scan_id = f.id)
                         OR EXISTS (SELECT 1 FROM desk_draft_file AS d WHERE d.file_id = f.id))
ORDER BY f.id LIMIT :limit;

-- name: fsck_database_check
-- SQLite's own examination: pages, order of keys, constraints; one row "ok" when all is well.
PRAGMA quick_check(100);

-- name: fsck_foreign_keys
-- Rows that refer to rows that do not exist.
PRAGMA foreign_key_check;

-- name: fsck_schema_list
-- What the database consists of, without SQLite's own tables, the migrations' runner's, and the two of Litestream.
SELECT type, name, sql FROM sqlite_schema
WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND tbl_name <> 'meta'
  AND NOT (type = 'table' AND name IN ('_litestream_seq', '_litestream_lock'))
ORDER BY type, name;

-- name: fsck_meta_list
-- What the migrations' runner wrote.
SELECT key, value FROM meta;

-- name: fsck_log_tree
-- The tree of the transparency log.
SELECT size, root, frontier, seq, epoch FROM log_tree WHERE id = 1;

-- name: fsck_log_runs
-- Which events are which leaves.
SELECT first_seq, first_index, count FROM log_run ORDER BY first_seq;

-- name: fsck_own_certificates
-- Every certificate that was in force, with the instant from which on: purpose, SHA-256, DER, since.
SELECT purpose, sha256, der, since FROM own_certificate ORDER BY purpose, since, rowid;

-- name: fsck_log_tiles
-- Some tiles, asked for as [[level, index], …].
SELECT t.level, t.idx, t.hashes FROM json_each(?) AS asked
JOIN log_tile AS t ON t.level = asked.value ->> 0 AND t.idx = asked.value ->> 1;

-- name: fsck_checkpoint_last
-- The largest tree that was signed.
SELECT COALESCE(MAX(size), 0) FROM checkpoint;

-- name: fsck_checkpoint_page
-- A page of what was signed, with the lines of witnesses.
SELECT size, root, note, (SELECT group_concat(line, '') FROM cosignature AS s WHERE s.size = c.size)
FROM checkpoint AS c WHERE size > :after AND size <= :last ORDER BY size LIMIT :limit;

-- name: fsck_renewals
-- Renewals of the log's head, oldest first, with the checkpoint that each is over: number, text, roots, stamps, answer.
SELECT r.number, r.text, r.chunks, r.stamps, r.token, c.note
FROM log_renewal AS r LEFT JOIN checkpoint AS c ON c.size = r.size ORDER BY r.number;

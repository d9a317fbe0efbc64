-- name: line_find_older
-- Numbers of lines that the index finds, newest first, between two numbers.
SELECT s.rowid FROM search AS s WHERE s.search MATCH :match AND s.rowid > :low AND s.rowid < :high
ORDER BY s.rowid DESC LIMIT :limit;

-- name: line_find_newer
-- The same, oldest first.
SELECT s.rowid FROM search AS s WHERE s.search MATCH :match AND s.rowid > :low AND s.rowid < :high
ORDER BY s.rowid LIMIT :limit;

-- name: line_find_reach_older
-- How many of the newest lines the index finds, up to a limit, and the last of those.
SELECT COUNT(*), MIN(f.line) FROM (
    SELECT s.rowid AS line FROM search AS s WHERE s.search MATCH :match AND s.rowid > :low AND s.rowid < :high
    ORDER BY s.rowid DESC LIMIT :limit) AS f;

-- name: line_find_reach_newer
-- The same of the oldest.
SELECT COUNT(*), MAX(f.line) FROM (
    SELECT s.rowid AS line FROM search AS s WHERE s.search MATCH :match AND s.rowid > :low AND s.rowid < :high
    ORDER BY s.rowid LIMIT :limit) AS f;

-- name: line_list_older
-- Numbers of all lines between two numbers, newest first.
SELECT seq FROM delivery WHERE seq > :low AND seq < :high ORDER BY seq DESC LIMIT :limit;

-- name: line_list_newer
-- The same, oldest first.
SELECT seq FROM delivery WHERE seq > :low AND seq < :high ORDER BY seq LIMIT :limit;

-- name: line_list_of_recipient_older
-- Numbers of a recipient's lines in a state other than those on the way, newest first.
SELECT d.seq FROM delivery AS d INDEXED BY delivery_by_recipient_state
WHERE d.recipient_id = :recipient AND d.state = :state AND d.state NOT IN ('queued', 'in_flight')
  AND d.seq > :low AND d.seq < :high
ORDER BY d.seq DESC LIMIT :limit;

-- name: line_list_of_recipient_newer
-- The same, oldest first.
SELECT d.seq FROM delivery AS d INDEXED BY delivery_by_recipient_state
WHERE d.recipient_id = :recipient AND d.state = :state AND d.state NOT IN ('queued', 'in_flight')
  AND d.seq > :low AND d.seq < :high
ORDER BY d.seq LIMIT :limit;

-- name: line_list_open
-- Numbers of lines in states that few are in, no more than a limit, in no order.
SELECT d.seq FROM json_each(:states) AS s
CROSS JOIN delivery AS d INDEXED BY delivery_open ON d.state = s.value
WHERE d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
LIMIT :limit;

-- name: line_list_of_rare_status
-- The same by business statuses that few have.
SELECT d.seq FROM json_each(:statuses) AS s
CROSS JOIN delivery AS d INDEXED BY delivery_by_rare_status ON d.business_status = s.value
WHERE d.business_status IN ('02', '13', '15', '16')
LIMIT :limit;

-- name: line_list_fitting
-- Those of some lines that fit the rest of a filter and that somebody may see, in the order given; what is NULL does
-- not filter. A recipient does not see what is kept from it.
SELECT d.seq FROM json_each(:seqs) AS v
CROSS JOIN delivery AS d ON d.seq = v.value
CROSS JOIN message AS m ON m.id = d.message_id
WHERE d.created_at >= :since AND d.created_at < :until
  AND (:states IS NULL OR d.state IN (SELECT value FROM json_each(:states)))
  AND (:statuses IS NULL OR COALESCE(d.business_status, 'none') IN (SELECT value FROM json_each(:statuses)))
  AND (:reasons IS NULL OR COALESCE(NULLIF(d.reason, ''), 'none') IN (SELECT value FROM json_each(:reasons)))
  AND d.state_at >= :changed
  AND (:kind IS NULL OR m.kind = :kind)
  AND (:senders IS NULL OR +m.sender_id IN (SELECT value FROM json_each(:senders)))
  AND (:recipients IS NULL OR +d.recipient_id IN (SELECT value FROM json_each(:recipients)))
  AND (:channels IS NULL OR +d.endpoint_id IN (SELECT value FROM json_each(:channels)))
  AND (:urgencies IS NULL OR m.priority IN (SELECT value FROM json_each(:urgencies)))
  AND (:scope IS NULL OR +m.sender_id IN (SELECT value FROM json_each(:scope))
       OR (+d.recipient_id IN (SELECT value FROM json_each(:scope))
           AND d.state NOT IN ('withdrawn', 'held', 'quarantined')))
LIMIT :limit;

-- name: line_list_texts
-- What some lines are searched by, as the index would take it.
SELECT t.seq, t.facts, t.number, t.subject, t.extra FROM search_text AS t
WHERE t.seq IN (SELECT value FROM json_each(?));

-- name: line_list_shown
-- Lines as the ledger shows them, newest first.
SELECT d.seq, d.id, d.message_id, m.kind, m.sender_id, m.sender_code, d.recipient_id, d.recipient_code, m.code_number,
       m.code_notation, m.promulgated_on, m.subject, m.business_type, COALESCE(m.envelope ->> 'doc_type_name', ''),
       m.priority, d.state, d.expects_status, COALESCE(d.reason, ''), COALESCE(d.business_status, ''), d.endpoint_id,
       m.size, m.accepted_at, d.created_at, d.state_at
FROM delivery AS d CROSS JOIN message AS m ON m.id = d.message_id
WHERE d.seq IN (SELECT value FROM json_each(?)) ORDER BY d.seq DESC;

-- name: line_last_accepted_before
-- A line of the last document that was accepted before an instant.
SELECT d.seq FROM message AS m CROSS JOIN delivery AS d ON d.message_id = m.id
WHERE m.kind = 'document' AND m.accepted_at < ? ORDER BY m.accepted_at DESC LIMIT 1;

-- name: line_first_accepted_after
-- A line of the first document that was accepted after an instant.
SELECT d.seq FROM message AS m CROSS JOIN delivery AS d ON d.message_id = m.id
WHERE m.kind = 'document' AND m.accepted_at > ? ORDER BY m.accepted_at LIMIT 1;

-- name: search_read_extent
-- Which lines the index holds, and the number of the newest line.
SELECT x.low, x.high, COALESCE((SELECT MAX(seq) FROM delivery), 0) FROM search_extent AS x;

-- name: search_last_to_add
-- The last line of the next portion of new ones; NULL where none waits.
SELECT MAX(seq) FROM (SELECT seq FROM delivery WHERE seq > :high ORDER BY seq LIMIT :limit);

-- name: search_first_to_add
-- The first line of the next portion of old ones; NULL where all are in.
SELECT MIN(seq) FROM (SELECT seq FROM delivery WHERE seq < :low ORDER BY seq DESC LIMIT :limit);

-- name: search_list_lines
-- The lines of a portion.
SELECT seq FROM delivery WHERE seq BETWEEN :first AND :last ORDER BY seq;

-- name: search_probe_lines
-- Read what the index would take of some lines; it fails where a page of it is damaged.
SELECT SUM(length(t.facts) + length(t.number) + length(t.subject) + length(t.extra)) FROM search_text AS t
WHERE t.seq BETWEEN :first AND :last;

-- name: search_add_lines
-- Take a portion of lines into the index.
INSERT INTO search (rowid, facts, number, subject, extra)
SELECT t.seq, t.facts, t.number, t.subject, t.extra FROM search_text AS t
WHERE t.seq BETWEEN :first AND :last AND t.seq NOT IN (SELECT value FROM json_each(:without));

-- name: search_set_extent
-- From which line to which the index goes now.
UPDATE search_extent SET low = :low, high = :high WHERE id = 1;

-- name: search_delete_securely
-- From now on what leaves the index leaves its pages, too; SQLite before 3.42 cannot.
INSERT INTO search (search, rank) SELECT 'secure-delete', 1
WHERE CAST(substr(sqlite_version(), 3) AS REAL) >= 42 OR sqlite_version() >= '4';

-- name: saved_view_list
-- Somebody's views, by name.
SELECT name, filter, columns, saved_at FROM saved_view WHERE owner = ? ORDER BY name;

-- name: saved_view_keep
-- Keep a view; one of the same name goes.
INSERT INTO saved_view (owner, name, filter, columns, saved_at) VALUES (:owner, :name, :filter, :columns, :now)
ON CONFLICT (owner, name) DO UPDATE SET filter = excluded.filter, columns = excluded.columns,
    saved_at = excluded.saved_at;

-- name: saved_view_count_others
-- How many views of other names somebody has.
SELECT COUNT(*) FROM saved_view WHERE owner = ? AND name <> ?;

-- name: saved_view_forget
-- A view goes.
DELETE FROM saved_view WHERE owner = ? AND name = ? RETURNING name;

-- name: axis_begin_transaction
-- The one way in which writes begin.
BEGIN IMMEDIATE;

-- name: axis_commit_transaction
-- What was written is there, whatever becomes of the process.
COMMIT;

-- name: axis_rollback_transaction
-- Nothing was written.
ROLLBACK;

-- name: axis_read_version
-- Zero where the schema was not made yet.
SELECT count(*) FROM sqlite_schema WHERE name = 'agency';

-- name: sent_insert
-- A message that was taken.
INSERT INTO sent (system_id, message_type, from_code, title, notation, document_id, status_code, sha256, size, sent_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: sent_list_after
-- What the journal may lack after a crash.
SELECT id, system_id, message_type, from_code, document_id, sha256, size, status_code FROM sent WHERE id > ? ORDER BY id;

-- name: sent_list_recipients
-- To whom the newest document of that name went, for a status of its own sender.
SELECT DISTINCT line.code
FROM line
WHERE line.sent_id = (
    SELECT id FROM sent WHERE document_id = ? AND status_code = '' ORDER BY id DESC LIMIT 1
);

-- name: sent_read
-- What a status about a message has to say.
SELECT from_code, notation, document_id, status_code, sent_at FROM sent WHERE id = ?;

-- name: sent_read_about
-- The same, by the entry in which it was received.
SELECT sent.from_code, sent.notation, sent.document_id, sent.status_code, sent.sent_at
FROM entry JOIN sent ON sent.id = entry.sent_id
WHERE entry.id = ?;

-- name: entry_insert
-- A message in a system's list.
INSERT INTO entry (sent_id, system_id, message_type, from_code, recipients, sha256, status, words, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, 'initial', '', ?, ?);

-- name: entry_list_waiting
-- A system's list, oldest first.
SELECT id, message_type, from_code, recipients, status, words, created_at, updated_at
FROM entry
WHERE system_id = ?1 AND status IN ('initial', 'processing') AND (?2 = '' OR message_type = ?2)
ORDER BY id;

-- name: entry_count_waiting
-- The length of that list.
SELECT count(*) FROM entry
WHERE system_id = ?1 AND status IN ('initial', 'processing') AND (?2 = '' OR message_type = ?2);

-- name: entry_read
-- One entry of a system.
SELECT sha256, status, message_type FROM entry WHERE id = ? AND system_id = ?;

-- name: entry_list_of_sent
-- Where a message went.
SELECT id, system_id FROM entry WHERE sent_id = ? ORDER BY id;

-- name: entry_settle
-- What a system told of an entry; final words stay.
UPDATE entry SET status = ?, words = ?, updated_at = ?
WHERE id = ? AND system_id = ? AND status IN ('initial', 'processing');

-- name: line_insert
-- A recipient of a message, and which entry carries it.
INSERT INTO line (sent_id, place, code, entry_id, fault) VALUES (?, ?, ?, ?, ?);

-- name: line_list_sent
-- The sent list, recipient by recipient.
SELECT sent.id, line.entry_id, sent.message_type, sent.from_code, line.code, sent.title, sent.notation, sent.sent_at,
    entry.status, entry.words, entry.updated_at, line.fault
FROM sent
JOIN line ON line.sent_id = sent.id
LEFT JOIN entry ON entry.id = line.entry_id
WHERE sent.system_id = ?1 AND (?2 = '' OR sent.message_type = ?2) AND (?3 = 0 OR sent.id = ?3)
ORDER BY sent.id, line.place;

-- name: line_list_codes
-- To whom a message went.
SELECT code FROM line WHERE sent_id = ? ORDER BY place;

-- name: errand_insert
-- A status that a played office will report.
INSERT INTO errand (due_at, entry_id, reporter, code, words) VALUES (?, ?, ?, ?, ?);

-- name: errand_list_due
-- Those whose time has come.
SELECT id, entry_id, reporter, code, words FROM errand WHERE due_at <= ? ORDER BY due_at, id LIMIT 100;

-- name: errand_next_due
-- When the next one is due.
SELECT min(due_at) FROM errand;

-- name: errand_delete
-- It is done.
DELETE FROM errand WHERE id = ?;

-- name: secret_read
-- A secret that was changed while the axis ran.
SELECT secret FROM secret WHERE system_id = ?;

-- name: secret_write
-- From now on this one, and no other.
INSERT INTO secret (system_id, secret) VALUES (?, ?)
ON CONFLICT (system_id) DO UPDATE SET secret = excluded.secret;

-- name: axis_count_all
-- For whoever watches.
SELECT
    (SELECT count(*) FROM sent),
    (SELECT count(*) FROM entry),
    (SELECT count(*) FROM entry WHERE status IN ('initial', 'processing')),
    (SELECT count(*) FROM errand),
    (SELECT count(*) FROM agency WHERE NOT deleted);

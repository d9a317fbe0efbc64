-- name: check_due_insert
-- Let documents wait for a look at their signatures.
INSERT INTO check_due (message_id, created_at, held, turn) VALUES (?1, ?2, ?3, ?3 = '{}');

-- name: check_due_list
-- The oldest that are to be examined, those that hold a delivery back first: how many.
SELECT c.message_id, m.sha256, m.sender_id, m.sender_code, m.envelope ->> '$.sender.organ_name', c.created_at,
       c.waiting_since, c.decided_at
FROM check_due AS c JOIN message AS m ON m.id = c.message_id
WHERE c.turn < 2 ORDER BY c.turn, c.created_at, c.message_id LIMIT ?;

-- name: check_due_count
-- How many are to be examined.
SELECT count(*) FROM check_due WHERE turn < 2;

-- name: check_due_count_waiting
-- Those that wait for what CAs have not said: how many, since when, and how many were decided without it.
SELECT count(*) FILTER (WHERE decided_at IS NULL), min(waiting_since) FILTER (WHERE decided_at IS NULL),
       count(*) FILTER (WHERE decided_at IS NOT NULL)
FROM check_due WHERE turn = 2;

-- name: check_due_list_waiting
-- The same, the oldest first, with what they wait for: how many.
SELECT c.message_id, m.sender_code, m.code_number, m.code_notation, m.subject, c.created_at, c.waiting_since,
       c.due_at, c.decided_at, c.held,
       (SELECT group_concat(w.authority, ', ') FROM (SELECT DISTINCT authority FROM check_wait
                                                     WHERE message_id = c.message_id ORDER BY authority) AS w)
FROM check_due AS c JOIN message AS m ON m.id = c.message_id
WHERE c.turn = 2 ORDER BY c.created_at, c.message_id LIMIT ?;

-- name: check_due_find_waiting
-- Since when a document waits for CAs, which, and whether it was decided without them.
SELECT c.waiting_since,
       (SELECT group_concat(w.authority, ', ') FROM (SELECT DISTINCT authority FROM check_wait
                                                     WHERE message_id = c.message_id ORDER BY authority) AS w),
       c.decided_at
FROM check_due AS c WHERE c.message_id = ? AND c.turn = 2;

-- name: check_due_take
-- The deliveries that wait for a verdict; it comes now.
DELETE FROM check_due WHERE message_id = ? RETURNING held, created_at, waiting_since, decided_at;

-- name: check_due_insert_decided
-- A verdict that may still change when CAs answer: message, accepted, held for it, waiting since, due, decided.
INSERT INTO check_due (message_id, created_at, held, turn, waiting_since, due_at, decided_at)
VALUES (?, ?, ?, 2, ?, ?, ?);

-- name: check_due_wait
-- Let a document wait for what CAs have not said: id, now, due.
UPDATE check_due SET turn = 2, waiting_since = coalesce(waiting_since, :now), due_at = :due
WHERE message_id = :id RETURNING message_id;

-- name: check_wait_delete
-- What a document waits for is found out anew.
DELETE FROM check_wait WHERE message_id = ? RETURNING subject;

-- name: check_wait_insert
-- Which answers would do: message, subject, authority.
INSERT INTO check_wait (message_id, subject, authority) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: check_due_wake_by_subjects
-- Examine again what waits for one of these answers.
UPDATE check_due SET turn = (held = '{}')
WHERE turn = 2
  AND message_id IN (SELECT message_id FROM check_wait WHERE subject IN (SELECT value FROM json_each(?)))
RETURNING message_id;

-- name: check_due_find_overdue
-- Whether something waits no longer than until now.
SELECT 1 FROM check_due WHERE turn = 2 AND due_at <= ? LIMIT 1;

-- name: check_due_wake_overdue
-- Examine it again; what was decided holds up no document that was not.
UPDATE check_due SET turn = (held = '{}' OR decided_at IS NOT NULL) WHERE turn = 2 AND due_at <= ? RETURNING message_id;

-- name: check_due_delete_decided
-- Look no more at what was decided before an instant: nobody has answered since.
DELETE FROM check_due WHERE turn = 2 AND decided_at < ? RETURNING message_id;

-- name: verdict_insert
-- Keep a verdict.
INSERT INTO verdict (message_id, checked_at, verdict, signatures, sha256, report) VALUES (?, ?, ?, ?, ?, ?);

-- name: verdict_get_newest
-- The newest verdict on a message.
SELECT checked_at, verdict, sha256, report FROM verdict WHERE message_id = ? ORDER BY checked_at DESC LIMIT 1;

-- name: verdict_list_newest
-- The reports of the newest verdicts on some messages: ids.
SELECT v.message_id, v.report FROM json_each(?) AS w
JOIN verdict AS v ON v.message_id = w.value
    AND v.checked_at = (SELECT MAX(x.checked_at) FROM verdict AS x WHERE x.message_id = w.value);

-- name: check_due_insert
-- Let documents wait for a look at their signatures.
INSERT INTO check_due (message_id, created_at, held) VALUES (?, ?, ?);

-- name: check_due_list
-- The oldest that wait, those that hold a delivery back first: how many.
SELECT c.message_id, m.sha256, m.sender_id, m.sender_code, m.envelope ->> '$.sender.organ_name', c.created_at
FROM check_due AS c JOIN message AS m ON m.id = c.message_id
ORDER BY c.held = '{}', c.created_at, c.message_id LIMIT ?;

-- name: check_due_count
-- How many wait.
SELECT count(*) FROM check_due;

-- name: check_due_take
-- The deliveries that wait for a verdict; it comes now.
DELETE FROM check_due WHERE message_id = ? RETURNING held;

-- name: verdict_insert
-- Keep a verdict.
INSERT INTO verdict (message_id, checked_at, verdict, signatures, sha256, report) VALUES (?, ?, ?, ?, ?, ?);

-- name: verdict_get_newest
-- The newest verdict on a message.
SELECT checked_at, verdict, sha256, report FROM verdict WHERE message_id = ? ORDER BY checked_at DESC LIMIT 1;

-- name: revocation_answer_insert_new
-- Keep a list or an answer once.
INSERT INTO revocation_answer (sha256, first_at, der) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: revocation_answer_list_newest
-- Those that are at hand, newest first: how many.
SELECT sha256 FROM revocation_answer ORDER BY first_at DESC LIMIT ?;

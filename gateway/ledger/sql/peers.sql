-- name: message_find_sent_after
-- Ids of a page of what some agencies sent, newest first, for readers that count pages: no more of each agency and
-- kind than the pages up to it hold.
SELECT m.id FROM json_each(:agencies) AS a
CROSS JOIN json_each(:kinds) AS k
CROSS JOIN message AS m ON m.id IN (
    SELECT x.id FROM message AS x INDEXED BY message_by_sender
    WHERE x.sender_id = a.value AND x.kind = k.value
    ORDER BY x.accepted_at DESC, x.id DESC
    LIMIT :limit + :skip)
ORDER BY m.accepted_at DESC, m.id DESC
LIMIT :limit OFFSET :skip;

-- name: delivery_list_of_sent
-- The ledger's lines of several messages.
SELECT d.message_id, d.id, d.recipient_code, d.state, COALESCE(d.reason, ''), COALESCE(d.detail, ''),
       COALESCE(d.business_status, ''), d.state_at
FROM json_each(?) AS v JOIN delivery AS d ON d.message_id = v.value ORDER BY d.seq;

-- name: task_find_open_wish
-- The open task of a wish.
SELECT id FROM operator_task WHERE wish = ? AND closed_at IS NULL;

-- name: task_count_open
-- How many an agency has open.
SELECT COUNT(*) FROM operator_task WHERE agency_id = ? AND closed_at IS NULL;

-- name: task_insert_new
-- One task.
INSERT INTO operator_task (id, kind, agency_id, facts, wish, opened_at, opened_by)
VALUES (:id, :kind, :agency_id, :facts, :wish, :at, :by) RETURNING id;

-- name: task_close_if_open
-- Close one, once.
UPDATE operator_task SET closed_at = :at, closed_by = :by, closed_why = :why WHERE id = :id AND closed_at IS NULL
RETURNING kind, agency_id;

-- name: task_list_open
-- What is to be done, oldest first.
SELECT id, kind, agency_id, facts, opened_at, opened_by, closed_at, closed_by, closed_why
FROM operator_task INDEXED BY operator_task_open WHERE closed_at IS NULL ORDER BY opened_at, id LIMIT :limit;

-- name: task_list_all
-- The newest tasks, closed ones too.
SELECT id, kind, agency_id, facts, opened_at, opened_by, closed_at, closed_by, closed_why
FROM operator_task ORDER BY rowid DESC LIMIT :limit;

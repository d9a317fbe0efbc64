-- name: delivery_list_for_act
-- Deliveries by id, with what decides whether an act is for them.
SELECT d.id, d.message_id, d.recipient_id, d.recipient_code, d.state, m.kind, e.kind = 'webhook',
       EXISTS (SELECT 1 FROM replay AS r WHERE r.delivery_id = d.id AND r.state IN ('waiting', 'sending')),
       EXISTS (SELECT 1 FROM purge_document AS p WHERE p.message_id = d.message_id AND p.purged_at IS NOT NULL)
FROM delivery AS d JOIN message AS m ON m.id = d.message_id JOIN endpoint AS e ON e.id = d.endpoint_id
WHERE d.id IN (SELECT value FROM json_each(?));

-- name: proposal_insert
-- A new proposal.
INSERT INTO proposal (id, act, details, sha256, deliveries, reason, made_at, made_by, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: proposal_line_insert
-- What it is about, in order.
INSERT INTO proposal_line (proposal_id, place, delivery_id) VALUES (?, ?, ?);

-- name: proposal_find_same
-- One that asks for the very same and is not answered yet: act, details, sha256.
SELECT id FROM proposal WHERE answer IS NULL AND act = ? AND details = ? AND sha256 = ?;

-- name: proposal_read
-- One proposal: the columns of `gateway.ledger.proposals.Proposal`.
SELECT id, act, details, sha256, deliveries, reason, made_at, made_by, expires_at, COALESCE(answer, ''), answered_at,
       COALESCE(answered_by, ''), COALESCE(answered_why, ''), moved, unfit, ended_at
FROM proposal WHERE id = ?;

-- name: proposal_list_open
-- Those that wait for an answer, first to lapse first: limit.
SELECT id, act, details, sha256, deliveries, reason, made_at, made_by, expires_at, COALESCE(answer, ''), answered_at,
       COALESCE(answered_by, ''), COALESCE(answered_why, ''), moved, unfit, ended_at
FROM proposal WHERE answer IS NULL ORDER BY expires_at LIMIT ?;

-- name: proposal_list_recent
-- The newest, whatever became of them: limit.
SELECT id, act, details, sha256, deliveries, reason, made_at, made_by, expires_at, COALESCE(answer, ''), answered_at,
       COALESCE(answered_by, ''), COALESCE(answered_why, ''), moved, unfit, ended_at
FROM proposal ORDER BY made_at DESC LIMIT ?;

-- name: proposal_list_consented
-- Those that were consented to since an instant, the newest that were made: since, limit.
SELECT id, act, details, sha256, deliveries, reason, made_at, made_by, expires_at, COALESCE(answer, ''), answered_at,
       COALESCE(answered_by, ''), COALESCE(answered_why, ''), moved, unfit, ended_at
FROM proposal WHERE answer = 'consented' AND answered_at >= ? ORDER BY made_at DESC LIMIT ?;

-- name: proposal_list_running
-- Those that are being carried out, oldest consent first.
SELECT id FROM proposal WHERE answer = 'consented' AND ended_at IS NULL ORDER BY answered_at;

-- name: proposal_list_lapsed
-- Those that nobody answered in time: now.
SELECT id FROM proposal WHERE answer IS NULL AND expires_at <= ?;

-- name: proposal_answer_if_open
-- Answer one: id, answer, at, by, why.
UPDATE proposal SET answer = :answer, answered_at = :at, answered_by = :by, answered_why = :why
WHERE id = :id AND answer IS NULL RETURNING id;

-- name: proposal_line_list
-- What it is about and what became of each: proposal, after this place, limit.
SELECT l.place, l.delivery_id, COALESCE(l.result, ''), d.message_id, d.recipient_code, d.state
FROM proposal_line AS l JOIN delivery AS d ON d.id = l.delivery_id
WHERE l.proposal_id = ? AND l.place > ? ORDER BY l.place LIMIT ?;

-- name: proposal_line_list_undone
-- Deliveries that it has not come to yet: proposal, limit.
SELECT place, delivery_id FROM proposal_line WHERE proposal_id = ? AND result IS NULL ORDER BY place LIMIT ?;

-- name: proposal_line_mark
-- What became of them: proposal, [[place, result], …].
UPDATE proposal_line SET result = v.value ->> 1 FROM json_each(:results) AS v
WHERE proposal_id = :id AND place = v.value ->> 0 AND result IS NULL RETURNING result;

-- name: proposal_count_done
-- So many more are done: moved, unfit, id.
UPDATE proposal SET moved = moved + ?, unfit = unfit + ? WHERE id = ?;

-- name: proposal_end_if_done
-- Nothing is left of it: now, id.
UPDATE proposal SET ended_at = ? WHERE id = ? AND answer = 'consented' AND ended_at IS NULL AND moved + unfit = deliveries
RETURNING moved, unfit;

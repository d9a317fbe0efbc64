-- name: proof_find
-- What is known of the receiver at one endpoint.
SELECT mark, how, asked_at, proved_at, reason, detail FROM proof WHERE endpoint_id = ?;

-- name: proof_list_all
-- What is known of every receiver that was ever asked.
SELECT endpoint_id, mark, how, asked_at, proved_at, reason, detail FROM proof;

-- name: proof_upsert
-- Keep the newest answer: endpoint, mark, how, asked, proved, reason, detail.
INSERT INTO proof (endpoint_id, mark, how, asked_at, proved_at, reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (endpoint_id) DO UPDATE
SET mark = excluded.mark, how = excluded.how, asked_at = excluded.asked_at, proved_at = excluded.proved_at,
    reason = excluded.reason, detail = excluded.detail;

-- name: verdict_list_of_messages
-- Verdicts about some messages, oldest first: message, when, verdict, signatures, digest, report.
SELECT message_id, checked_at, verdict, signatures, sha256, report FROM verdict
WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY message_id, checked_at;

-- name: revocation_answer_list
-- Revocation answers by their digests, up to a size.
SELECT der FROM revocation_answer WHERE sha256 IN (SELECT value FROM json_each(?)) AND length(der) <= ?;

-- name: inbox_list_waiting
-- Open items of some agencies after a cursor, oldest first, without what another reader holds.
SELECT d.seq, d.id, d.message_id, m.kind, d.recipient_id, d.recipient_code, m.sender_code, m.document_ref,
       m.code_number, m.code_notation, m.subject, m.business_type, m.priority, m.sha256, m.size, m.accepted_at,
       d.fetched_at, d.leased_until, d.state, m.sender_id,
       COALESCE(m.envelope ->> '$.status_code', ''), d.leased_by,
       (SELECT MAX(r.at) FROM reminder AS r WHERE r.delivery_id = d.id)
FROM delivery AS d INDEXED BY delivery_inbox_open
CROSS JOIN message AS m ON m.id = d.message_id
WHERE d.recipient_id IN (SELECT value FROM json_each(:agencies))
  AND d.in_inbox = 1 AND d.state IN ('queued', 'in_flight')
  AND d.seq > :after
  AND (:kind = '' OR m.kind = :kind)
  AND (d.leased_until IS NULL OR d.leased_until <= :now OR d.leased_by = :reader)
ORDER BY d.seq
LIMIT :limit OFFSET :skip;

-- name: inbox_count_waiting
-- How many open items of one kind some agencies have.
SELECT COUNT(*)
FROM delivery AS d INDEXED BY delivery_inbox_open
CROSS JOIN message AS m ON m.id = d.message_id
WHERE d.recipient_id IN (SELECT value FROM json_each(:agencies))
  AND d.in_inbox = 1 AND d.state IN ('queued', 'in_flight') AND m.kind = :kind;

-- name: attempt_close_of_reader
-- Close the open hand-outs that a reader could not use: [dispatch, …].
UPDATE attempt SET ended_at = :now, outcome = 'refused', reason = :reason, detail = :detail
WHERE ended_at IS NULL AND dispatch_id IN (SELECT value FROM json_each(:ids))
RETURNING id;

-- name: inbox_get_item
-- One item of some agencies, whatever its state; `pushed`: also what was brought to them.
SELECT d.seq, d.id, d.message_id, m.kind, d.recipient_id, d.recipient_code, m.sender_code, m.document_ref,
       m.code_number, m.code_notation, m.subject, m.business_type, m.priority, m.sha256, m.size, m.accepted_at,
       d.fetched_at, d.leased_until, d.state, m.sender_id,
       COALESCE(m.envelope ->> '$.status_code', ''), d.leased_by,
       (SELECT MAX(r.at) FROM reminder AS r WHERE r.delivery_id = d.id), m.envelope
FROM delivery AS d
JOIN message AS m ON m.id = d.message_id
WHERE d.id = :id AND (d.in_inbox = 1 OR :pushed)
  AND d.recipient_id IN (SELECT value FROM json_each(:agencies));

-- name: delivery_lease_free
-- Lease items to a reader where nobody else holds them.
UPDATE delivery
SET leased_by = :reader, leased_until = :until
WHERE id IN (SELECT value FROM json_each(:ids)) AND state IN ('queued', 'in_flight')
  AND (leased_until IS NULL OR leased_until <= :now OR leased_by = :reader)
RETURNING id;

-- name: delivery_get_for_reader
-- What a fetch or an acknowledgement needs to know: lines by id.
SELECT id, message_id, state, dispatch_id, leased_by, leased_until, fetched_at, in_inbox, expects_status
FROM delivery WHERE id IN (SELECT value FROM json_each(?));

-- name: delivery_mark_fetched
-- Remember when the content was handed out first.
UPDATE delivery SET fetched_at = :now WHERE id IN (SELECT value FROM json_each(:ids)) AND fetched_at IS NULL
RETURNING id;

-- name: attempt_close_of_dispatches
-- Close the open hand-outs among these dispatches: [dispatch, …]; pushed ones are closed by their own outcome.
UPDATE attempt SET ended_at = :now, outcome = 'delivered'
WHERE ended_at IS NULL AND dispatch_id IN (
    SELECT d.id FROM json_each(:ids) AS v
    JOIN dispatch AS d ON d.id = v.value
    JOIN endpoint AS e ON e.id = d.endpoint_id AND e.kind = 'inbox')
RETURNING id;

-- name: endpoint_note_asked
-- When what waits in some inboxes was last asked for: [[endpoint, when], …].
UPDATE endpoint SET last_success_at = v.value ->> 1
FROM json_each(?) AS v
WHERE endpoint.id = v.value ->> 0 AND endpoint.kind = 'inbox' AND COALESCE(endpoint.last_success_at, 0) < v.value ->> 1
RETURNING id;

-- name: attempt_insert_of_reader
-- Open a hand-out: who fetched, over which connection.
INSERT INTO attempt (id, dispatch_id, boot_id, series, started_at, peer) VALUES (?, ?, ?, 1, ?, ?);

-- name: message_list_of_body
-- The messages whose bytes have this digest.
SELECT id FROM message WHERE sha256 = ? ORDER BY id;

-- name: delivery_list_of_body
-- Lines that would hand a body out: those that wait for it, and of those on their way the ones named.
SELECT d.id, d.message_id, d.state, d.dispatch_id
FROM message AS m JOIN delivery AS d ON d.message_id = m.id
WHERE m.sha256 = :sha256 AND d.state IN ('queued', 'deferred')
UNION
SELECT id, message_id, state, dispatch_id FROM delivery
WHERE state IN ('queued', 'deferred', 'in_flight') AND (dispatch_id = :dispatch OR id = :delivery);

-- name: delivery_list_waiting
-- Lines that somebody is to get yet, and their message.
SELECT id, message_id FROM delivery INDEXED BY delivery_open
WHERE state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
  AND (state IN ('queued', 'deferred') OR (in_inbox = 1 AND state = 'in_flight'))
ORDER BY seq;

-- name: message_read_whole
-- All that handing a message on needs, so that every page of it is read.
SELECT sha256, caller, envelope, findings, trace_id, accepted_at FROM message WHERE id = ?;

-- name: delivery_list_unreadable
-- Lines by id, without their message.
SELECT id, message_id, state, dispatch_id FROM delivery
WHERE id IN (SELECT value FROM json_each(?)) AND state IN ('queued', 'deferred', 'in_flight');

-- name: delivery_move_expected
-- Move deliveries that are still in the state the caller saw; the ids of those that moved.
UPDATE delivery
SET state = v.value ->> 'to',
    state_at = v.value ->> 'at',
    reason = v.value ->> 'reason',
    detail = v.value ->> 'detail',
    peer_ref = COALESCE(v.value ->> 'peer_ref', peer_ref),
    arrived_at = COALESCE(arrived_at, v.value ->> 'arrived_at')
FROM json_each(?) AS v
WHERE delivery.id = v.value ->> 'id' AND delivery.state = v.value ->> 'from'
RETURNING delivery.id;

-- name: dispatch_finish_if_settled
-- Close waiting dispatches without an open delivery.
UPDATE dispatch
SET state = 'done'
WHERE id IN (SELECT value FROM json_each(?))
  AND state IN ('ready', 'inbox', 'held')
  AND NOT EXISTS (
      SELECT 1 FROM delivery AS d
      WHERE d.dispatch_id = dispatch.id AND d.state IN ('queued', 'in_flight', 'deferred', 'held')
  )
RETURNING id;

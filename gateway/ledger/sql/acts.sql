-- name: delivery_list_by_ids
-- Lines by id: what an act needs to know.
SELECT id, message_id, recipient_id, state, dispatch_id, recipient_code, COALESCE(reason, '') FROM delivery
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq;

-- name: delivery_read_adoptable
-- What an adoption of a line needs to know.
SELECT d.message_id, d.endpoint_id, d.state, d.dispatch_id, d.recipient_code, m.code_number, m.code_notation, d.created_at
FROM delivery AS d JOIN message AS m ON m.id = d.message_id WHERE d.id = ?;

-- name: delivery_find_of_peer_ref
-- A line of another message that has this id at the same channel: delivery, ref.
SELECT other.id FROM delivery AS d JOIN delivery AS other ON other.endpoint_id = d.endpoint_id
WHERE d.id = :delivery AND other.peer_ref = :ref AND other.message_id <> d.message_id LIMIT 1;

-- name: dispatch_reopen_settled
-- Bring dispatches back into the queue: new series when asked; ids, now, give_up, new_series.
UPDATE dispatch
SET state = CASE WHEN (SELECT kind FROM endpoint AS e WHERE e.id = dispatch.endpoint_id) = 'inbox'
                 THEN 'inbox' ELSE 'ready' END,
    due_at = :now,
    give_up_at = CASE WHEN :new_series THEN :give_up ELSE MAX(give_up_at, :give_up) END,
    warned_at = NULL,
    series = series + :new_series,
    -- ages count from the beginning of the series; where the oldest go first it keeps its place
    first_at = CASE WHEN :new_series THEN COALESCE(first_at, created_at) ELSE first_at END,
    created_at = CASE WHEN :new_series THEN :now ELSE created_at END,
    failures = CASE WHEN :new_series THEN 0 ELSE failures END,
    crashes = 0
WHERE id IN (SELECT value FROM json_each(:ids)) AND state IN ('held', 'done', 'ready', 'inbox')
RETURNING id;

-- name: dispatch_hold_if_all_held
-- Waiting transmissions whose remaining lines are all held do not go out.
UPDATE dispatch
SET state = 'held'
WHERE id IN (SELECT value FROM json_each(?)) AND state IN ('ready', 'inbox')
  AND NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.dispatch_id = dispatch.id
                  AND d.state IN ('queued', 'deferred', 'in_flight'))
RETURNING id;

-- name: delivery_set_handed_over
-- Keep channel, number, who and when of a hand-over: [[delivery, json], …].
UPDATE delivery SET handed_over = v.value ->> 1 FROM json_each(?) AS v WHERE delivery.id = v.value ->> 0
RETURNING delivery.id;

-- name: delivery_read_handed_over
-- How a delivery was handed over another way, as JSON.
SELECT handed_over FROM delivery WHERE id = ? AND handed_over IS NOT NULL;

-- name: delivery_mark_told
-- The sender was told of our outcome, never before it, whatever the clock says: at, delivery.
UPDATE delivery SET told_at = MAX(?, state_at) WHERE id = ?;

-- name: delivery_list_by_ids
-- Lines by id: what an act needs to know.
SELECT id, message_id, recipient_id, state, dispatch_id, recipient_code, COALESCE(reason, '') FROM delivery
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY seq;

-- name: dispatch_reopen_settled
-- Bring dispatches back into the queue: new series when asked; ids, now, give_up, new_series.
UPDATE dispatch
SET state = CASE WHEN (SELECT kind FROM endpoint AS e WHERE e.id = dispatch.endpoint_id) = 'inbox'
                 THEN 'inbox' ELSE 'ready' END,
    due_at = :now,
    give_up_at = CASE WHEN :new_series THEN :give_up ELSE MAX(give_up_at, :give_up) END,
    warned_at = NULL,
    series = series + :new_series,
    -- ages count from the beginning of the series
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

-- name: delivery_mark_told
-- The sender was told of our outcome: at, delivery.
UPDATE delivery SET told_at = ? WHERE id = ?;

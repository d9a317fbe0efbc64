-- name: message_count_by_hour
-- Documents accepted in each hour from an instant on, up to another; none of tests.
SELECT (accepted_at - :start) / 3600000000, COUNT(*) FROM message
WHERE kind = 'document' AND accepted_at >= :start AND accepted_at < :end AND sandbox = 0 GROUP BY 1;

-- name: delivery_count_between
-- Deliveries of the documents accepted from an instant on, up to another; none of tests.
SELECT COUNT(*) FROM message AS m INDEXED BY message_by_acceptance
CROSS JOIN delivery AS d ON d.message_id = m.id
WHERE m.kind = 'document' AND m.accepted_at >= :start AND m.accepted_at < :end AND m.sandbox = 0;

-- name: dispatch_count_all_lanes
-- What is on its way or waits, by lane: how many transmissions, since when the oldest does, and how many are held by people
-- besides.
SELECT lane, COUNT(*) FILTER (WHERE state <> 'held'), MIN(created_at) FILTER (WHERE state <> 'held'),
       COUNT(*) FILTER (WHERE state = 'held')
FROM dispatch INDEXED BY dispatch_open
WHERE state IN ('ready', 'in_flight', 'inbox', 'held') AND state <> 'done' GROUP BY lane;

-- name: delivery_group_troubled
-- What does not get on by itself, by channel, state and reason: how many, since when the oldest, how many hỏa tốc; how many
-- such groups there are; and the same three of all channels. Hỏa tốc first, then what nobody tries again, then the more
-- urgent, then the most. What was given up or refused is of the last days alone: it stays so for ever. Since, limit.
SELECT endpoint_id, state, code, COUNT(*), MIN(state_at), SUM(priority > 2), COUNT(*) OVER (),
       SUM(COUNT(*)) OVER alike, MIN(MIN(state_at)) OVER alike, SUM(SUM(priority > 2)) OVER alike
FROM (
    SELECT endpoint_id, state, COALESCE(reason, '') AS code, state_at, priority FROM delivery INDEXED BY delivery_open
    WHERE state IN ('deferred', 'held', 'quarantined')
      AND state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
    UNION ALL
    SELECT endpoint_id, state, COALESCE(reason, '') AS code, state_at, priority FROM delivery INDEXED BY delivery_open
    WHERE state IN ('dead', 'refused') AND state_at >= :since
      AND state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
) GROUP BY endpoint_id, state, code
WINDOW alike AS (PARTITION BY state, code)
ORDER BY MAX(priority) > 2 DESC, state IN ('dead', 'refused', 'quarantined') DESC, MAX(priority) DESC, COUNT(*) DESC
LIMIT :limit;

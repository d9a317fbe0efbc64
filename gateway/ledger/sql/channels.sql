-- name: dispatch_count_by_lane
-- What waits for a channel, by urgency and state: how many, the oldest: endpoint.
SELECT lane, state, COUNT(*), MIN(created_at)
FROM dispatch INDEXED BY dispatch_open
WHERE endpoint_id = ? AND state <> 'done'
GROUP BY lane, state;

-- name: dispatch_count_ending_by_lane
-- How many of those that wait for a channel are given up before an instant, by urgency; no more than so many are looked at:
-- endpoint, before, limit.
SELECT lane, COUNT(*)
FROM (SELECT lane FROM dispatch INDEXED BY dispatch_open_by_age
      WHERE endpoint_id = :endpoint AND state = 'ready' AND give_up_at < :before LIMIT :limit)
GROUP BY lane;

-- name: dispatch_list_next_of_channel
-- What goes next over a channel, as `dispatch_pick_due` takes it, but for its share of others behind much hỏa tốc: message,
-- lane, the lane that it counts as by now, since when it waits: endpoint, now, ageing, limit.
SELECT message_id, lane, MAX(counts, MIN(lane, 1)) AS counts_as, created_at
FROM (
    SELECT d.message_id, d.lane, d.lane - (:now - d.created_at) / :ageing AS rank, d.created_at, d.due_at AS since,
           d.lane - (:now - d.created_at) / :ageing AS counts
    FROM endpoint AS e CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS lane
    CROSS JOIN dispatch AS d ON d.id IN (
        SELECT x.id FROM dispatch AS x
        WHERE x.state = 'ready' AND x.endpoint_id = :endpoint AND x.lane = lane.n AND x.due_at <= :now
        ORDER BY x.due_at LIMIT :limit)
    WHERE e.id = :endpoint AND (NOT e.oldest_first OR lane.n = 0)
    UNION ALL
    SELECT d.message_id, d.lane, 0, COALESCE(d.first_at, d.created_at), COALESCE(d.first_at, d.created_at), d.lane
    FROM endpoint AS e CROSS JOIN dispatch AS d ON d.id IN (
        SELECT id FROM (SELECT x.id FROM dispatch AS x
                        WHERE x.state = 'ready' AND x.state <> 'done' AND x.endpoint_id = :endpoint AND +x.lane > 0
                          AND x.due_at <= :now
                        ORDER BY x.created_at LIMIT :limit)
        UNION
        SELECT id FROM (SELECT x.id FROM dispatch AS x
                        WHERE x.state = 'ready' AND x.first_at IS NOT NULL AND x.endpoint_id = :endpoint AND +x.lane > 0
                          AND x.due_at <= :now
                        ORDER BY x.first_at LIMIT :limit))
    WHERE e.id = :endpoint AND e.oldest_first
)
ORDER BY lane > 0, rank, since LIMIT :limit;

-- name: dispatch_list_later_of_channel
-- What waits for its next try over a channel, hỏa tốc first, then what is due first: message, lane, since when it waits, when
-- it is due: endpoint, now, limit.
SELECT d.message_id, d.lane, COALESCE(d.first_at, d.created_at), d.due_at
FROM (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS lane
CROSS JOIN dispatch AS d ON d.id IN (
    SELECT x.id FROM dispatch AS x
    WHERE x.state = 'ready' AND x.endpoint_id = :endpoint AND x.lane = lane.n AND x.due_at > :now
    ORDER BY x.due_at LIMIT :limit)
ORDER BY d.lane > 0, d.due_at LIMIT :limit;

-- name: dispatch_oldest_in_inbox
-- The oldest transmission that its receiver has not fetched, by channel.
SELECT e.id, (SELECT MIN(d.created_at) FROM dispatch AS d
              WHERE d.endpoint_id = e.id AND d.state = 'inbox' AND d.state <> 'done') AS oldest
FROM endpoint AS e WHERE e.kind = 'inbox' AND oldest IS NOT NULL;

-- name: delivery_list_urgent_of_channel
-- Urgent documents that wait for a channel, the most urgent and oldest first, without those recipients of the same
-- transmission that have it already: endpoint, limit.
SELECT v.id FROM dispatch AS d INDEXED BY dispatch_open
JOIN delivery AS v ON v.dispatch_id = d.id
WHERE d.endpoint_id = :endpoint AND d.state IN ('ready', 'inbox', 'held', 'in_flight') AND d.state <> 'done' AND d.lane <= 1
  AND v.state IN ('queued', 'deferred', 'in_flight', 'held')
ORDER BY d.lane, d.created_at LIMIT :limit;

-- name: delivery_count_urgent_of_channel
-- How many of those there are; no more than so many are counted: endpoint, limit.
SELECT COUNT(*)
FROM (SELECT 1 FROM dispatch AS d INDEXED BY dispatch_open
      CROSS JOIN delivery AS v ON v.dispatch_id = d.id
      WHERE d.endpoint_id = :endpoint AND d.state IN ('ready', 'inbox', 'held', 'in_flight') AND d.state <> 'done'
        AND d.lane <= 1 AND v.state IN ('queued', 'deferred', 'in_flight', 'held')
      LIMIT :limit);

-- name: delivery_list_urgent
-- Urgent documents that wait, over all channels, the most urgent and oldest first: limit.
SELECT v.id
FROM (SELECT id, lane, created_at FROM dispatch INDEXED BY dispatch_open
      WHERE state IN ('ready', 'inbox', 'held', 'in_flight') AND state <> 'done' AND lane <= 1
      ORDER BY lane, created_at LIMIT :limit) AS d
CROSS JOIN delivery AS v ON v.dispatch_id = d.id AND v.state IN ('queued', 'deferred', 'in_flight', 'held')
ORDER BY d.lane, d.created_at LIMIT :limit;

-- name: delivery_count_urgent
-- How many of those there are; no more than so many are counted: limit.
SELECT COUNT(*)
FROM (SELECT 1 FROM dispatch AS d INDEXED BY dispatch_open
      CROSS JOIN delivery AS v ON v.dispatch_id = d.id
      WHERE d.state IN ('ready', 'inbox', 'held', 'in_flight') AND d.state <> 'done' AND d.lane <= 1
        AND v.state IN ('queued', 'deferred', 'in_flight', 'held')
      LIMIT :limit);

-- name: agency_list_first_of_endpoint
-- Agencies that are reached through a channel, the first of them by name: endpoint, limit.
SELECT a.id FROM agency AS a WHERE a.endpoint_id = ? AND a.closed_at IS NULL
ORDER BY (SELECT MIN(n.folded) FROM agency_name AS n
          WHERE n.agency_id = a.id AND n.is_alias = 0 AND n.valid_until IS NULL)
LIMIT ?;

-- name: agency_list_offices
-- Agencies that are reached through a channel of their own or one of ours, not through a relay: limit.
SELECT a.id FROM endpoint AS e CROSS JOIN agency AS a INDEXED BY agency_by_endpoint ON a.endpoint_id = e.id
WHERE e.is_relay = 0 AND a.endpoint_id IS NOT NULL AND a.closed_at IS NULL LIMIT ?;

-- name: delivery_find_unfetched
-- What offices that fetch have not confirmed: office, how many, the oldest that was not fetched; so many of each are looked
-- at: offices, limit.
SELECT a.value, COUNT(*), MIN(CASE WHEN d.fetched_at IS NULL THEN d.created_at END)
FROM json_each(:offices) AS a CROSS JOIN delivery AS d ON d.seq IN (
    SELECT y.seq FROM delivery AS y INDEXED BY delivery_inbox_open
    WHERE y.recipient_id = a.value AND y.in_inbox = 1 AND y.state IN ('queued', 'in_flight')
    ORDER BY y.seq LIMIT :limit)
GROUP BY a.value;

-- name: delivery_last_fetch
-- When offices fetched last, of what is open, taken, registered; so many of each are looked at: offices, limit.
SELECT a.value,
       (SELECT MAX(fetched_at) FROM (
           SELECT x.fetched_at FROM delivery AS x INDEXED BY delivery_inbox_open
           WHERE x.recipient_id = a.value AND x.in_inbox = 1 AND x.state IN ('queued', 'in_flight')
           ORDER BY x.seq LIMIT :limit)),
       (SELECT MAX(fetched_at) FROM (
           SELECT x.fetched_at FROM delivery AS x INDEXED BY delivery_by_recipient_state
           WHERE x.recipient_id = a.value AND x.state NOT IN ('queued', 'in_flight')
             AND x.state = 'delivered' ORDER BY x.seq DESC LIMIT :limit)),
       (SELECT MAX(fetched_at) FROM (
           SELECT x.fetched_at FROM delivery AS x INDEXED BY delivery_by_recipient_state
           WHERE x.recipient_id = a.value AND x.state NOT IN ('queued', 'in_flight')
             AND x.state = 'acknowledged' ORDER BY x.seq DESC LIMIT :limit))
FROM json_each(:offices) AS a;

-- name: dispatch_group_by_office
-- What waits to be sent over some channels, by office: office, how many, the oldest, the most failures: channels, limit.
SELECT recipient_id, COUNT(*), MIN(created_at), MAX(failures) FROM (
    SELECT d.recipient_id, d.created_at, d.failures
    FROM json_each(:channels) AS c CROSS JOIN dispatch AS d INDEXED BY dispatch_open ON d.endpoint_id = c.value
    WHERE d.state = 'ready' AND d.state <> 'done' LIMIT :limit)
GROUP BY recipient_id;

-- name: delivery_group_refused
-- What was refused or given up since an instant, by channel and office, of the newest: channel, office, how many, the first,
-- the last: since, limit.
SELECT endpoint_id, recipient_id, COUNT(*), MIN(state_at), MAX(state_at) FROM (
    SELECT endpoint_id, recipient_id, state_at FROM (
        SELECT endpoint_id, recipient_id, state_at FROM delivery INDEXED BY delivery_open
        WHERE state = 'refused' AND state_at >= :since
          AND state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
        ORDER BY state_at DESC LIMIT :limit)
    UNION ALL
    SELECT endpoint_id, recipient_id, state_at FROM (
        SELECT endpoint_id, recipient_id, state_at FROM delivery INDEXED BY delivery_open
        WHERE state = 'dead' AND state_at >= :since
          AND state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
        ORDER BY state_at DESC LIMIT :limit)
) GROUP BY endpoint_id, recipient_id;

-- name: delivery_count_through
-- What got through to offices since an instant, of the newest: office, how many, the last: offices, since, limit.
SELECT a.value, COUNT(*), MAX(COALESCE(d.arrived_at, d.state_at))
FROM json_each(:offices) AS a CROSS JOIN delivery AS d ON d.seq IN (
    SELECT seq FROM (SELECT y.seq FROM delivery AS y INDEXED BY delivery_by_recipient_state
                     WHERE y.recipient_id = a.value AND y.state NOT IN ('queued', 'in_flight')
                       AND y.state = 'delivered' ORDER BY y.seq DESC LIMIT :limit)
    UNION ALL
    SELECT seq FROM (SELECT y.seq FROM delivery AS y INDEXED BY delivery_by_recipient_state
                     WHERE y.recipient_id = a.value AND y.state NOT IN ('queued', 'in_flight')
                       AND y.state = 'acknowledged' ORDER BY y.seq DESC LIMIT :limit))
WHERE COALESCE(d.arrived_at, d.state_at) >= :since
GROUP BY a.value;

-- name: attempt_list_between
-- Tries over a channel that began in a period, oldest first, with since when there was something to send: floor, ceiling,
-- endpoint, limit.
SELECT a.started_at, a.ended_at, COALESCE(a.outcome, ''), COALESCE(a.reason, ''), p.message_id, p.id,
       COALESCE(p.first_at, p.created_at)
FROM attempt_of_channel AS c CROSS JOIN attempt AS a ON a.id = c.attempt_id
CROSS JOIN dispatch AS p ON p.id = a.dispatch_id
WHERE c.endpoint_id = :endpoint AND c.attempt_id >= :floor AND c.attempt_id < :ceiling
ORDER BY c.attempt_id LIMIT :limit;

-- name: attempt_last_through
-- The last try over a channel that got something through before an instant: floor, ceiling (of the try's id), before, endpoint.
SELECT a.ended_at FROM attempt_of_channel AS c CROSS JOIN attempt AS a ON a.id = c.attempt_id
WHERE c.endpoint_id = :endpoint AND c.attempt_id >= :floor AND c.attempt_id < :ceiling
  AND a.outcome IN ('delivered', 'relayed', 'mixed') AND a.ended_at <= :before
ORDER BY c.attempt_id DESC LIMIT 1;

-- name: attempt_list_troubled
-- The newest calls since an instant that failed or took long: channel, transmission, when they began: since, limit.
SELECT p.endpoint_id, a.dispatch_id, a.started_at
FROM attempt AS a INDEXED BY attempt_troubled CROSS JOIN dispatch AS p ON p.id = a.dispatch_id
WHERE (a.outcome IN ('deferred', 'refused', 'unknown', 'mixed') OR a.ended_at - a.started_at > 30000000 + a.bytes)
  AND a.started_at >= :since
ORDER BY a.started_at DESC LIMIT :limit;

-- name: attempt_count_by_minute
-- Calls that have ended, by channel and minute, of the newest since an instant: how many, failed, got through but took
-- long: floor (of the try's id), since, limit.
SELECT p.endpoint_id, a.started_at / 60000000 AS minute, COUNT(*),
       SUM(a.outcome NOT IN ('delivered', 'relayed')),
       SUM(a.outcome IN ('delivered', 'relayed') AND a.ended_at - a.started_at > 30000000 + a.bytes)
FROM (SELECT dispatch_id, started_at, ended_at, outcome, bytes FROM attempt
      WHERE id >= :floor AND started_at >= :since AND ended_at IS NOT NULL ORDER BY id DESC LIMIT :limit) AS a
CROSS JOIN dispatch AS p ON p.id = a.dispatch_id
GROUP BY p.endpoint_id, minute;

-- name: dispatch_list_open_before
-- What waits for a channel since before an instant: endpoint, before, limit.
SELECT id, message_id FROM dispatch INDEXED BY dispatch_open
WHERE endpoint_id = :endpoint AND state IN ('ready', 'inbox', 'in_flight') AND state <> 'done'
  AND COALESCE(first_at, created_at) < :before
LIMIT :limit;

-- name: delivery_list_recipients_of_dispatches
-- The agencies that some transmissions are for: ids.
SELECT DISTINCT recipient_id FROM delivery WHERE dispatch_id IN (SELECT value FROM json_each(?));

-- name: event_list_of_channels
-- How channels went since an instant, one of them or all, among the newest such events: went down, came up, were paused; with
-- a note, the reason, and since when they were down; newest first: span, endpoint or nothing, since, limit.
SELECT e.seq, e.kind, e.at, e.actor, e.leaf ->> '$.facts.endpoint', COALESCE(e.note, ''),
       COALESCE(e.leaf ->> '$.facts.reason', ''), e.leaf ->> '$.facts.down_since'
FROM (SELECT seq, kind, at, actor, leaf, note FROM event INDEXED BY event_of_channels
      WHERE kind IN ('endpoint.opened', 'endpoint.closed', 'endpoint.paused', 'endpoint.resumed', 'source.opened',
                     'source.closed', 'source.silenced', 'source.heard')
      ORDER BY seq DESC LIMIT :span) AS e
WHERE e.at >= :since AND (:endpoint IS NULL OR e.leaf ->> '$.facts.endpoint' = :endpoint) LIMIT :limit;

-- name: event_list_done_by_people
-- A portion of what people did with deliveries since an instant, oldest first: what, when, who, with which, why; of a
-- forwarding, the new lines and the one in whose place they are; the event. What two persons cancelled is a proposal's:
-- since, after (the last event of that instant that is known), limit.
SELECT kind, at, actor, COALESCE(delivery_id, ''), COALESCE(note, ''), COALESCE(leaf ->> '$.facts.deliveries', '[]'),
       COALESCE(leaf ->> '$.facts.instead_of', ''), seq
FROM event INDEXED BY event_of_people
WHERE at >= :since AND (at > :since OR seq > :after) AND actor >= 'user:' AND actor < 'user;'
  AND kind IN ('delivery.requeued', 'delivery.held', 'delivery.released', 'delivery.confirmed', 'delivery.handed_over',
               'delivery.quarantined', 'delivery.reminded', 'delivery.telephoned', 'delivery.adopted', 'replay.asked',
               'document.readdressed')
ORDER BY at, seq LIMIT :limit;

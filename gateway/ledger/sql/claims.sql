-- name: dispatch_pick_due
-- The heads of every lane of the endpoints with room, best first. Hỏa tốc goes before all others, but behind so many of
-- them (`share`) in a row one of the others goes, so that they do not starve. Of the others the urgent lanes, then the oldest;
-- waiting lifts a dispatch by one lane per ageing period. Where a channel drains the oldest first: by age, when due,
-- whatever their lane; what a person sent again by its first age. slots: [[endpoint, room, hỏa tốc that went in a row], …]; blocked: ["endpoint recipient", …];
-- heads: how many of a lane are looked at, as many as the roomiest endpoint takes.
WITH slot AS (
         SELECT v.value ->> 0 AS endpoint_id, v.value ->> 1 AS room, v.value ->> 2 AS run, e.oldest_first
         FROM json_each(:slots) AS v CROSS JOIN endpoint AS e ON e.id = v.value ->> 0
         WHERE e.paused_until IS NULL OR e.paused_until <= :now),
     lane (n) AS (VALUES (0), (1), (2), (3)),
     free AS NOT MATERIALIZED (
         SELECT x.* FROM dispatch AS x
         WHERE x.state = 'ready' AND x.due_at <= :now
           AND (x.recipient_id IS NULL
                OR x.endpoint_id || ' ' || x.recipient_id NOT IN (SELECT value FROM json_each(:blocked)))
           AND (x.after_id IS NULL OR NOT EXISTS (
               SELECT 1 FROM delivery AS o
               WHERE o.message_id = x.after_id AND o.endpoint_id = x.endpoint_id
                 AND (x.recipient_id IS NULL OR o.recipient_id = x.recipient_id)
                 AND o.state IN ('queued', 'in_flight', 'deferred', 'held')))),
     head AS (
         SELECT d.id, d.endpoint_id, slot.room, slot.run, d.lane = 0 AS is_top,
                d.lane - (:now - d.created_at) / :ageing AS rank, d.due_at AS since
         FROM slot CROSS JOIN lane CROSS JOIN dispatch AS d ON d.id IN (
             SELECT f.id FROM free AS f WHERE f.endpoint_id = slot.endpoint_id AND f.lane = lane.n
             ORDER BY f.due_at LIMIT :heads)
         WHERE NOT slot.oldest_first OR lane.n = 0
         UNION ALL
         SELECT d.id, d.endpoint_id, slot.room, slot.run, 0, 0, COALESCE(d.first_at, d.created_at)
         FROM slot CROSS JOIN dispatch AS d ON d.id IN (
             SELECT id FROM (SELECT f.id FROM free AS f
                             WHERE f.endpoint_id = slot.endpoint_id AND f.state <> 'done' AND +f.lane > 0
                             ORDER BY f.created_at LIMIT :heads)
             UNION
             SELECT id FROM (SELECT f.id FROM free AS f
                             WHERE f.endpoint_id = slot.endpoint_id AND f.first_at IS NOT NULL AND +f.lane > 0
                             ORDER BY f.first_at LIMIT :heads))
         WHERE slot.oldest_first
     ),
     ranked AS (
         SELECT *, row_number() OVER (PARTITION BY endpoint_id, is_top ORDER BY rank, since) AS nth FROM head
     ),
     placed AS (
         SELECT id, room, row_number() OVER (
             PARTITION BY endpoint_id ORDER BY iif(is_top, nth + run, nth * :share), is_top DESC) AS place
         FROM ranked
     )
SELECT id FROM placed WHERE place <= room ORDER BY place LIMIT :limit;

-- name: dispatch_claim_picked
-- Take them: [[dispatch, attempt], …]; what the adapter needs comes back.
UPDATE dispatch
SET state = 'in_flight', attempt_id = v.value ->> 1, boot_id = :boot, lease_until = :lease
FROM json_each(:picked) AS v
WHERE dispatch.id = v.value ->> 0 AND dispatch.state = 'ready'
RETURNING id, attempt_id, message_id, endpoint_id, lane, series, failures, created_at;

-- name: message_get_for_sending
-- The facts of some messages that adapters send along.
SELECT id, kind, sha256, size, sender_code, document_ref, business_type, priority, trace_id,
       code_number, code_notation, subject
FROM message WHERE id IN (SELECT value FROM json_each(?));

-- name: delivery_list_open_of_dispatches
-- The lines that some dispatches still carry.
SELECT id, message_id, recipient_id, recipient_code, state, dispatch_id
FROM delivery
WHERE dispatch_id IN (SELECT value FROM json_each(?)) AND state IN ('queued', 'deferred', 'in_flight')
ORDER BY seq;

-- name: attempt_insert
-- Open tries, before dialling.
INSERT INTO attempt (id, dispatch_id, boot_id, series, started_at) VALUES (?, ?, ?, ?, ?);

-- name: attempt_list_unknown
-- Tries of some series that ended unknown, [[dispatch, series], …], in their order: when each began, what became of
-- its question to the peer ('': it asked nothing), and whether anybody saw its end.
SELECT a.dispatch_id, a.started_at, COALESCE(a.peer ->> 'inquiry', ''), a.peer IS NOT NULL
FROM json_each(?) AS v
JOIN attempt AS a ON a.dispatch_id = v.value ->> 0 AND a.series = v.value ->> 1 AND a.outcome = 'unknown'
ORDER BY a.dispatch_id, a.started_at, a.id;

-- name: delivery_list_twins_ids
-- The peers' ids of what our own lists would call by the same name as some dispatches: same sender, kind and number.
SELECT x.id, d.peer_ref
FROM json_each(?) AS v
JOIN dispatch AS x ON x.id = v.value
JOIN message AS m ON m.id = x.message_id
JOIN message AS o ON o.code_number = m.code_number AND o.code_notation = m.code_notation AND o.kind = m.kind
                 AND o.sender_id = m.sender_id
JOIN delivery AS d ON d.message_id = o.id AND d.endpoint_id = x.endpoint_id AND d.dispatch_id <> x.id
WHERE d.peer_ref IS NOT NULL AND m.kind = 'document'
GROUP BY x.id, d.peer_ref;

-- name: attempt_close
-- Close tries: ended, outcome, reason, detail, peer, bytes, id.
UPDATE attempt SET ended_at = ?, outcome = ?, reason = ?, detail = ?, peer = ?, bytes = ?
WHERE id = ? AND ended_at IS NULL;

-- name: dispatch_get_held_by
-- Which of these attempts still own their dispatch: [[dispatch, attempt], …].
SELECT d.id, d.attempt_id
FROM json_each(?) AS v
JOIN dispatch AS d ON d.id = v.value ->> 0 AND d.attempt_id = v.value ->> 1 AND d.state = 'in_flight';

-- name: dispatch_release_owned
-- End the ownership: [[dispatch, attempt, state, due, counted failures], …].
UPDATE dispatch
SET state = v.value ->> 2,
    due_at = COALESCE(v.value ->> 3, due_at),
    failures = failures + (v.value ->> 4),
    crashes = 0,
    attempt_id = NULL, boot_id = NULL, lease_until = NULL
FROM json_each(?) AS v
WHERE dispatch.id = v.value ->> 0 AND dispatch.attempt_id = v.value ->> 1
RETURNING id;

-- name: dispatch_list_abandoned
-- Transmissions in flight whose owner is gone: another boot's, or a lease that ran out.
SELECT id, attempt_id, message_id, crashes, boot_id FROM dispatch
WHERE state = 'in_flight' AND (boot_id <> :boot OR lease_until < :steady)
LIMIT 5000;

-- name: dispatch_rescue_abandoned
-- Make them ready again (or hold the poisonous): [[dispatch, attempt, state, crashed], …]. They stay due since
-- they were, and so go before what became due later.
UPDATE dispatch
SET state = v.value ->> 2, crashes = crashes + (v.value ->> 3),
    attempt_id = NULL, boot_id = NULL, lease_until = NULL
FROM json_each(:rescued) AS v
WHERE dispatch.id = v.value ->> 0 AND dispatch.attempt_id = v.value ->> 1
RETURNING id;

-- name: dispatch_list_expired
-- Waiting transmissions past their age whose endpoint is up, or past the hard cap; one that is both may come twice.
SELECT d.id FROM endpoint AS e
CROSS JOIN dispatch AS d INDEXED BY dispatch_open_by_age ON d.endpoint_id = e.id
WHERE d.state = 'ready' AND d.give_up_at <= :now
  AND e.down_since IS NULL AND (e.paused_until IS NULL OR e.paused_until <= :now)
UNION ALL
SELECT d.id FROM endpoint AS e
CROSS JOIN dispatch AS d INDEXED BY dispatch_open ON d.endpoint_id = e.id
WHERE d.state = 'ready' AND d.state <> 'done' AND d.created_at <= :hard
LIMIT 500;

-- name: dispatch_list_expiring
-- Waiting transmissions about to be given up and not yet announced.
SELECT d.id FROM endpoint AS e
CROSS JOIN dispatch AS d INDEXED BY dispatch_open_by_age ON d.endpoint_id = e.id
WHERE d.state = 'ready' AND d.warned_at IS NULL AND d.give_up_at <= :soon
  AND e.down_since IS NULL AND (e.paused_until IS NULL OR e.paused_until <= :now)
LIMIT 500;

-- name: dispatch_mark_warned
-- Remember that the end was announced.
UPDATE dispatch SET warned_at = :now WHERE id IN (SELECT value FROM json_each(:ids)) RETURNING id;

-- name: dispatch_shift_ages
-- Time in which the endpoint was down or paused does not count.
UPDATE dispatch INDEXED BY dispatch_open
SET give_up_at = give_up_at + MAX(0, :until - MAX(:since, created_at))
WHERE endpoint_id = :endpoint AND state IN ('ready', 'in_flight', 'held') AND state <> 'done' AND created_at < :until
RETURNING id;

-- name: endpoint_list_due
-- Endpoints with something due.
SELECT e.id FROM endpoint AS e
WHERE e.kind <> 'inbox'
  AND EXISTS (SELECT 1 FROM dispatch AS d WHERE d.endpoint_id = e.id AND d.state = 'ready'
              AND d.lane IN (0, 1, 2, 3) AND d.due_at <= :now);

-- name: dispatch_next_due
-- When the next waiting transmission of an endpoint that is not paused comes due.
WITH lane (n) AS (VALUES (0), (1), (2), (3)),
     next AS (
         SELECT (SELECT MIN(d.due_at) FROM dispatch AS d
                 WHERE d.state = 'ready' AND d.endpoint_id = e.id AND d.lane = lane.n AND d.due_at > :now) AS due_at
         FROM endpoint AS e CROSS JOIN lane
         WHERE e.paused_until IS NULL OR e.paused_until <= :now
     )
SELECT MIN(due_at) FROM next;

-- name: dispatch_renew_owned
-- Prolong the leases of attempts that still own their dispatch.
UPDATE dispatch SET lease_until = :until
WHERE state = 'in_flight' AND attempt_id IN (SELECT value FROM json_each(:ids))
RETURNING attempt_id;

-- name: endpoint_note_arrivals
-- When something last got through to the endpoints of some dispatches, or was taken there.
UPDATE endpoint SET last_success_at = :now
WHERE id IN (SELECT endpoint_id FROM dispatch WHERE id IN (SELECT value FROM json_each(:ids)))
  AND COALESCE(last_success_at, 0) < :now
RETURNING id;

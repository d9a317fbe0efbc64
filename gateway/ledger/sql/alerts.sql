-- name: alerting_find
-- How one agency wants to be alerted.
SELECT wishes FROM alerting WHERE agency_id = ?;

-- name: alerting_list_all
-- How every agency that has said so wants to be alerted.
SELECT w.agency_id, w.wishes FROM alerting AS w;

-- name: alerting_upsert
-- Set it: agency, wishes, at.
INSERT INTO alerting (agency_id, wishes, set_at) VALUES (?, ?, ?)
ON CONFLICT (agency_id) DO UPDATE SET wishes = excluded.wishes, set_at = excluded.set_at;

-- name: alert_cursor_begin
-- The first run tells nobody about what is older than it.
INSERT INTO alert_cursor (id, seq) SELECT 1, COALESCE(MAX(seq), 0) FROM delivery WHERE true
ON CONFLICT (id) DO NOTHING;

-- name: alert_cursor_read
-- Up to which delivery it was decided.
SELECT seq FROM alert_cursor WHERE id = 1;

-- name: alert_cursor_move
-- On to another delivery: seq.
UPDATE alert_cursor SET seq = ? WHERE id = 1;

-- name: alert_span_read
-- Up to which delivery a look goes: after, span.
SELECT MAX(seq) FROM (SELECT seq FROM delivery WHERE seq > :after ORDER BY seq LIMIT :span);

-- name: alert_list_candidates
-- Documents that came into inboxes of agencies which want to hear of it: after, upto.
SELECT d.id, d.recipient_id, m.priority, w.wishes
FROM delivery AS d
JOIN alerting AS w ON w.agency_id = d.recipient_id
JOIN message AS m ON m.id = d.message_id
WHERE d.seq > :after AND d.seq <= :upto AND d.in_inbox = 1 AND m.kind = 'document'
ORDER BY d.seq;

-- name: alert_insert_new
-- One that was not there: id, way, agency, delivery, day, target, state, created, due, ended, reason.
INSERT INTO alert (id, way, agency_id, delivery_id, day, target, state, created_at, due_at, ended_at, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: alert_digest_exists
-- Whether the day's digest of an agency was decided: agency, day.
SELECT 1 FROM alert WHERE agency_id = ? AND day = ? LIMIT 1;

-- name: alert_count_waiting
-- Documents that wait in an agency's inbox, and when the oldest came.
SELECT COUNT(*), MIN(d.created_at)
FROM delivery AS d JOIN message AS m ON m.id = d.message_id
WHERE d.recipient_id = ? AND d.in_inbox = 1 AND d.state IN ('queued', 'in_flight') AND m.kind = 'document';

-- name: alert_list_due
-- What is due, oldest first: now, limit.
SELECT a.id, a.way, a.agency_id, a.delivery_id, a.target, a.failures, a.doubted, a.created_at,
       d.state, d.fetched_at, m.code_number, m.code_notation, m.sender_code, m.priority, m.sha256, m.size, m.id,
       EXISTS (SELECT 1 FROM alert AS o WHERE o.delivery_id = a.delivery_id AND o.acknowledged_at >= a.reminded_at),
       d.created_at, a.reminded_at,
       EXISTS (SELECT 1 FROM reminder AS r WHERE r.delivery_id = a.delivery_id AND r.at > a.reminded_at),
       EXISTS (SELECT 1 FROM handled AS h WHERE h.delivery_id = a.delivery_id),
       COALESCE((SELECT w.due_on FROM owed AS w WHERE w.delivery_id = a.delivery_id), ''),
       EXISTS (SELECT 1 FROM delivery AS l WHERE l.id = a.delivery_id AND l.state IN ('delivered', 'acknowledged')
           AND l.fetched_at IS NULL AND l.business_status = '01' AND NOT EXISTS (
               SELECT 1 FROM reading AS r WHERE r.message_id = l.message_id AND r.delivery_id = l.id AND r.act = 'opened'))
FROM alert AS a
LEFT JOIN delivery AS d ON d.id = a.delivery_id
LEFT JOIN message AS m ON m.id = d.message_id
WHERE a.state = 'waiting' AND a.due_at <= :now
ORDER BY a.due_at, a.id
LIMIT :limit;

-- name: alert_count_sent
-- Mails or calls to an agency since an instant: agency, way, since.
SELECT COUNT(DISTINCT attempt_id) FROM alert
WHERE agency_id = ? AND state = 'sent' AND way = ? AND ended_at > ?;

-- name: alert_claim_waiting
-- They belong to an attempt now: ids, attempt.
UPDATE alert SET state = 'sending', attempt_id = :attempt
WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'waiting'
RETURNING id;

-- name: alert_attempt_insert
-- One mail or call about to be made: id, boot, way, target, alerts, started.
INSERT INTO alert_attempt (id, boot_id, way, target, alerts, started_at) VALUES (?, ?, ?, ?, ?, ?);

-- name: alert_attempt_close
-- How it ended: id, at, outcome, reason, detail.
UPDATE alert_attempt SET ended_at = :at, outcome = :outcome, reason = :reason, detail = :detail
WHERE id = :id AND ended_at IS NULL
RETURNING id;

-- name: alert_settle
-- What that means for its alerts: attempt, state, at, due, reason, doubted.
UPDATE alert
SET state = :state,
    ended_at = CASE WHEN :state = 'waiting' THEN NULL ELSE :at END,
    due_at = CASE WHEN :state = 'waiting' THEN :due ELSE due_at END,
    failures = failures + (:state <> 'sent'),
    doubted = MAX(doubted, :doubted),
    reason = :reason
WHERE attempt_id = :attempt AND state = 'sending'
RETURNING id, agency_id, delivery_id, way;

-- name: alert_postpone
-- Not yet: ids, due.
UPDATE alert SET due_at = :due
WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'waiting'
RETURNING id;

-- name: alert_drop
-- Not any more: ids, at, reason.
UPDATE alert SET state = 'dropped', ended_at = :at, reason = :reason
WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'waiting'
RETURNING id;

-- name: alert_attempt_list_orphans
-- Attempts that another boot did not end: the present boot.
SELECT id FROM alert_attempt WHERE ended_at IS NULL AND boot_id <> ?;

-- name: alert_acknowledge
-- Somebody has seen it, and what came with it: id, at.
UPDATE alert SET acknowledged_at = :at
WHERE acknowledged_at IS NULL AND delivery_id IS NOT NULL
  AND (id = :id OR attempt_id = (SELECT o.attempt_id FROM alert AS o WHERE o.id = :id))
RETURNING agency_id, delivery_id;

-- name: alert_list_calls
-- Further calls about the same delivery that were not made yet.
SELECT id FROM alert WHERE delivery_id = ? AND way = 'call' AND state = 'waiting';

-- name: alert_find
-- One, for its link: what it is about and whether it was acknowledged.
SELECT a.delivery_id, a.agency_id, a.acknowledged_at, a.created_at, a.way, a.target FROM alert AS a WHERE a.id = ?;

-- name: alert_list_recent
-- The newest alerts, for people: agency or '', limit.
SELECT a.id, a.way, a.agency_id, a.delivery_id, a.day, a.target, a.state, a.created_at, a.due_at, a.ended_at,
       a.failures, a.doubted, a.reason, a.acknowledged_at
FROM alert AS a
WHERE :agency = '' OR a.agency_id = :agency
ORDER BY a.created_at DESC, a.id DESC
LIMIT :limit;

-- name: bounced_address_upsert
-- Nothing more goes there: address, at, reason, detail.
INSERT INTO bounced_address (address, bounced_at, reason, detail) VALUES (?, ?, ?, ?)
ON CONFLICT (address) DO NOTHING
RETURNING address;

-- name: bounced_address_delete
-- It is set again.
DELETE FROM bounced_address WHERE address = ?;

-- name: bounced_address_list
-- All of them.
SELECT address, bounced_at, reason, detail FROM bounced_address ORDER BY bounced_at DESC;

-- name: alert_delete_ended
-- Forget a portion of those that ended long ago, where none about the same delivery is open: floor, before, limit.
DELETE FROM alert WHERE id IN (
    SELECT a.id FROM alert AS a
    WHERE a.id < :floor AND a.ended_at < :before
      AND NOT EXISTS (SELECT 1 FROM alert AS o WHERE o.delivery_id = a.delivery_id AND o.ended_at IS NULL)
    ORDER BY a.id LIMIT :limit)
RETURNING id;

-- name: alert_attempt_delete_ended
-- Forget a portion of the attempts that ended long ago: floor, before, limit.
DELETE FROM alert_attempt WHERE id IN (
    SELECT t.id FROM alert_attempt AS t WHERE t.id < :floor AND t.ended_at < :before ORDER BY t.id LIMIT :limit)
RETURNING id;

-- name: alert_read_urgency
-- Whose an alert is, its state, and the urgency of its document; 0 of a digest.
SELECT a.agency_id, a.state, COALESCE(m.priority, 0)
FROM alert AS a LEFT JOIN delivery AS d ON d.id = a.delivery_id LEFT JOIN message AS m ON m.id = d.message_id
WHERE a.id = ?;

-- name: alert_list_shown
-- The newest alerts, whatever became of them: limit.
SELECT a.id, a.way, a.agency_id, COALESCE(a.delivery_id, ''), COALESCE(a.day, ''), a.target, a.state, a.created_at, a.due_at,
       a.failures, a.ended_at, COALESCE(a.reason, ''), a.acknowledged_at, COALESCE(m.id, ''), COALESCE(m.code_number, ''),
       COALESCE(m.code_notation, ''), COALESCE(m.priority, 0)
FROM alert AS a LEFT JOIN delivery AS d ON d.id = a.delivery_id LEFT JOIN message AS m ON m.id = d.message_id
ORDER BY a.id DESC LIMIT ?;

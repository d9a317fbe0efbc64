-- name: dispatch_list_flash_waiting
-- Channels over which hỏa tốc waits to be sent for long: channel, how many, the oldest: before.
SELECT e.id, COUNT(*), MIN(d.created_at)
FROM endpoint AS e CROSS JOIN dispatch AS d INDEXED BY dispatch_due ON d.endpoint_id = e.id AND d.lane = 0
WHERE d.state = 'ready' AND d.created_at < :before GROUP BY e.id;

-- name: dispatch_list_ending
-- Channels over which something will be given up soon: channel, how many, the first instant: before.
SELECT e.id, COUNT(*), MIN(d.give_up_at)
FROM endpoint AS e CROSS JOIN dispatch AS d INDEXED BY dispatch_open_by_age ON d.endpoint_id = e.id
WHERE d.state = 'ready' AND d.give_up_at <= :before GROUP BY e.id;

-- name: delivery_list_unread_urgent
-- Offices that have not fetched urgent documents for long: office, lane, how many, the oldest, channel: flash, urgent.
SELECT d.recipient_id, p.lane, COUNT(*), MIN(p.created_at), p.endpoint_id
FROM endpoint AS e
CROSS JOIN dispatch AS p INDEXED BY dispatch_open
    ON p.endpoint_id = e.id AND p.state = 'inbox' AND p.created_at < MAX(:flash, :urgent)
CROSS JOIN delivery AS d INDEXED BY delivery_by_dispatch ON d.dispatch_id = p.id
WHERE p.state <> 'done' AND p.lane <= 1 AND p.created_at < CASE p.lane WHEN 0 THEN :flash ELSE :urgent END
  AND d.in_inbox = 1 AND d.fetched_at IS NULL AND d.state IN ('queued', 'in_flight')
GROUP BY d.recipient_id, p.lane;

-- name: alarm_list_open
-- What needs a person, the most urgent first.
SELECT id, rule, subject, is_flash, since, opened_at, facts, acknowledged_at, COALESCE(acknowledged_by, ''), snoozed_until,
       COALESCE(note, ''), again_at, closed_at
FROM alarm WHERE closed_at IS NULL ORDER BY is_flash DESC, opened_at DESC LIMIT ?;

-- name: alarm_list_closed
-- What is over, newest first: limit.
SELECT id, rule, subject, is_flash, since, opened_at, facts, acknowledged_at, COALESCE(acknowledged_by, ''), snoozed_until,
       COALESCE(note, ''), again_at, closed_at
FROM alarm WHERE closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT ?;

-- name: alarm_insert_new
-- One that was not open: id, rule, subject, is flash, since, at, facts, when it is told again.
INSERT INTO alarm (id, rule, subject, is_flash, since, opened_at, facts, again_at)
VALUES (:id, :rule, :subject, :is_flash, :since, :at, :facts, :again)
ON CONFLICT DO NOTHING RETURNING id;

-- name: alarm_close_open
-- Its trouble is over: id, at.
UPDATE alarm SET closed_at = :at, again_at = NULL WHERE id = :id AND closed_at IS NULL RETURNING rule, subject, is_flash;

-- name: alarm_set_again
-- It is told again, as it is now, and when the next time: id, facts, next, now.
UPDATE alarm SET facts = :facts, again_at = :next, snoozed_until = NULL
WHERE id = :id AND closed_at IS NULL AND again_at <= :now RETURNING rule, subject, is_flash;

-- name: alarm_acknowledge_open
-- Somebody sees to it: id, at, by, note.
UPDATE alarm SET acknowledged_at = :at, acknowledged_by = :by, note = :note, again_at = NULL, snoozed_until = NULL
WHERE id = :id AND closed_at IS NULL AND acknowledged_at IS NULL RETURNING rule, subject;

-- name: alarm_snooze_open
-- Nobody is told of it again before an instant: id, until, note.
UPDATE alarm SET snoozed_until = :until, again_at = :until, note = :note
WHERE id = :id AND closed_at IS NULL AND is_flash = 0 RETURNING rule, subject;

-- name: alarm_find
-- One: whether it is about hỏa tốc, and whether it is over.
SELECT is_flash, closed_at FROM alarm WHERE id = ?;

-- name: alarm_notice_insert
-- Somebody is to be told: id, alarm, way, target, about, at, due.
INSERT INTO alarm_notice (id, alarm_id, way, target, about, state, created_at, due_at)
VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?);

-- name: alarm_notice_take_up
-- What another boot was sending may have been sent: the present boot.
UPDATE alarm_notice SET state = 'waiting', boot_id = NULL, doubted = 1
WHERE state = 'sending' AND boot_id <> ? RETURNING id;

-- name: alarm_notice_list_due
-- What is to be told now, with the alarm as it is: now, limit.
SELECT n.id, n.way, n.target, n.about, n.failures, n.doubted, n.created_at,
       a.id, a.rule, a.subject, a.is_flash, a.since, a.opened_at, a.facts, a.acknowledged_at, a.closed_at
FROM alarm_notice AS n INDEXED BY alarm_notice_due JOIN alarm AS a ON a.id = n.alarm_id
WHERE n.state = 'waiting' AND n.due_at <= :now ORDER BY n.due_at, n.id LIMIT :limit;

-- name: alarm_notice_claim
-- They go out now: ids, boot.
UPDATE alarm_notice SET state = 'sending', boot_id = :boot
WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'waiting' RETURNING id;

-- name: alarm_notice_end
-- What came of it: ids, state, at, due, reason, doubted.
UPDATE alarm_notice
SET state = :state, boot_id = NULL, reason = :reason, doubted = MAX(doubted, :doubted),
    failures = failures + (:state <> 'sent'),
    ended_at = CASE WHEN :state = 'waiting' THEN NULL ELSE :at END,
    due_at = CASE WHEN :state = 'waiting' THEN :due ELSE due_at END
WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'sending' RETURNING alarm_id;

-- name: alarm_notice_count_waiting
-- How many wait to be told though it is time, and since when: now.
SELECT COUNT(*), MIN(due_at) FROM alarm_notice INDEXED BY alarm_notice_due WHERE state = 'waiting' AND due_at <= ?;

-- name: alarm_notice_delete_ended
-- Forget a portion of what was told of alarms that closed long ago: before, limit.
DELETE FROM alarm_notice WHERE id IN (
    SELECT n.id FROM alarm AS a INDEXED BY alarm_closed JOIN alarm_notice AS n ON n.alarm_id = a.id
    WHERE a.closed_at < :before AND n.ended_at IS NOT NULL LIMIT :limit)
RETURNING id;

-- name: alarm_delete_closed
-- Forget a portion of the alarms that closed long ago and of which nothing is to be told: before, limit.
DELETE FROM alarm WHERE id IN (
    SELECT a.id FROM alarm AS a INDEXED BY alarm_closed
    WHERE a.closed_at < :before AND NOT EXISTS (SELECT 1 FROM alarm_notice AS n WHERE n.alarm_id = a.id) LIMIT :limit)
RETURNING id;

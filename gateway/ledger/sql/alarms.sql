-- name: dispatch_list_flash_waiting
-- Channels over which hỏa tốc waits to be sent for long: channel, how many, the oldest, the newest: before.
SELECT e.id, COUNT(*), MIN(d.created_at), MAX(d.created_at)
FROM endpoint AS e CROSS JOIN dispatch AS d INDEXED BY dispatch_due ON d.endpoint_id = e.id AND d.lane = 0
WHERE d.state = 'ready' AND d.created_at < :before GROUP BY e.id;

-- name: dispatch_list_ending
-- Channels over which something will be given up soon: channel, how many, the first instant: before.
SELECT e.id, COUNT(*), MIN(d.give_up_at)
FROM endpoint AS e CROSS JOIN dispatch AS d INDEXED BY dispatch_open_by_age ON d.endpoint_id = e.id
WHERE d.state = 'ready' AND d.give_up_at <= :before GROUP BY e.id;

-- name: delivery_list_unread_urgent
-- Offices that have not fetched urgent documents for long: office, lane, how many, the oldest, the newest, channel: flash, urgent.
SELECT d.recipient_id, p.lane, COUNT(*), MIN(p.created_at), MAX(p.created_at), MIN(p.endpoint_id)
FROM endpoint AS e
CROSS JOIN dispatch AS p INDEXED BY dispatch_open
    ON p.endpoint_id = e.id AND p.state = 'inbox' AND p.created_at < MAX(:flash, :urgent)
CROSS JOIN delivery AS d INDEXED BY delivery_by_dispatch ON d.dispatch_id = p.id
WHERE p.state <> 'done' AND p.lane <= 1 AND p.created_at < CASE p.lane WHEN 0 THEN :flash ELSE :urgent END
  AND d.in_inbox = 1 AND d.fetched_at IS NULL AND d.state IN ('queued', 'in_flight')
GROUP BY d.recipient_id, p.lane;

-- name: delivery_list_flash_refused
-- Offices that hỏa tốc did not reach, since it was refused or given up: office, how many, the first, the last, channel: since.
SELECT d.recipient_id, COUNT(*), MIN(d.state_at), MAX(d.state_at), MIN(d.endpoint_id)
FROM delivery AS d INDEXED BY delivery_flash_failed CROSS JOIN message AS m ON m.id = d.message_id
WHERE d.priority > 2 AND d.state IN ('dead', 'refused') AND d.state_at > :since AND m.kind = 'document' AND m.sandbox = 0
GROUP BY d.recipient_id;

-- name: delivery_list_flash_quarantined
-- Offices that hỏa tốc does not reach, since it lies in quarantine: office, how many, the first, the last, channel.
SELECT d.recipient_id, COUNT(*), MIN(d.state_at), MAX(d.state_at), MIN(d.endpoint_id)
FROM delivery AS d INDEXED BY delivery_open CROSS JOIN message AS m ON m.id = d.message_id
WHERE d.state = 'quarantined' AND d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
  AND d.priority > 2 AND m.kind = 'document' AND m.sandbox = 0
GROUP BY d.recipient_id;

-- name: delivery_list_flash_held
-- Offices that hỏa tốc does not reach, since it is held for long: office, how many, the first, the last, channel: before.
SELECT d.recipient_id, COUNT(*), MIN(d.state_at), MAX(d.state_at), MIN(d.endpoint_id)
FROM delivery AS d INDEXED BY delivery_open CROSS JOIN message AS m ON m.id = d.message_id
WHERE d.state = 'held' AND d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
  AND d.state_at < :before AND d.priority > 2 AND m.kind = 'document' AND m.sandbox = 0
GROUP BY d.recipient_id;

-- name: delivery_list_unconfirmed_urgent
-- Offices that have confirmed nothing of urgent documents for long, as the view says: office, lane, how many,
-- the oldest, the newest, channel: accepted since, waiting since (flash_since, urgent_since), and before (flash, urgent).
SELECT u.recipient_id, 1 - u.is_flash AS urgency, COUNT(*), MIN(u.since), MAX(u.since), MIN(u.endpoint_id)
FROM message AS m INDEXED BY message_urgent CROSS JOIN unconfirmed AS u ON u.message_id = m.id
WHERE m.kind = 'document' AND m.priority > 0 AND m.accepted_at > :since
  AND u.since < CASE u.is_flash WHEN 1 THEN :flash ELSE :urgent END
  AND u.since > CASE u.is_flash WHEN 1 THEN :flash_since ELSE :urgent_since END
GROUP BY u.recipient_id, urgency;

-- name: delivery_list_unconfirmed_of_office
-- Those of one office, as `delivery_list_unconfirmed_urgent` counts them, the oldest first: its times, office, is_flash, limit.
SELECT u.delivery_id, m.id, m.code_number, m.code_notation, m.subject, u.since
FROM message AS m INDEXED BY message_urgent CROSS JOIN unconfirmed AS u ON u.message_id = m.id
WHERE m.kind = 'document' AND m.priority > 0 AND m.accepted_at > :since
  AND u.recipient_id = :office AND u.is_flash = :is_flash
  AND u.since < CASE u.is_flash WHEN 1 THEN :flash ELSE :urgent END
  AND u.since > CASE u.is_flash WHEN 1 THEN :flash_since ELSE :urgent_since END
ORDER BY m.accepted_at LIMIT :limit;

-- name: delivery_list_to_hear_of
-- Deliveries by id: message, office, whether hỏa tốc, and whether they wait to be confirmed as those above, however long.
SELECT d.id, d.message_id, d.recipient_id, m.priority > 2,
       EXISTS (SELECT 1 FROM unconfirmed AS u WHERE u.delivery_id = d.id)
FROM json_each(?) AS v CROSS JOIN delivery AS d ON d.id = v.value CROSS JOIN message AS m ON m.id = d.message_id;

-- name: heard_insert
-- Somebody heard by telephone that an office has it, also after it was sent again: delivery, at, by, spoke to.
INSERT INTO heard (delivery_id, at, by, spoke_to) VALUES (?, ?, ?, ?)
ON CONFLICT (delivery_id) DO UPDATE SET at = excluded.at, by = excluded.by, spoke_to = excluded.spoke_to, again_at = NULL;

-- name: heard_set_again
-- What was heard is about what the office had before it was sent again: at, delivery.
UPDATE heard SET again_at = ? WHERE delivery_id = ? AND again_at IS NULL;

-- name: heard_list_of_message
-- What was heard of the deliveries of a document, as far as it holds: delivery, at, by, spoke to.
SELECT h.delivery_id, h.at, h.by, h.spoke_to
FROM delivery AS d CROSS JOIN heard AS h ON h.delivery_id = d.id WHERE d.message_id = ? AND h.again_at IS NULL;

-- name: alarm_list_open
-- What needs a person, the most urgent first.
SELECT id, rule, subject, is_flash, since, opened_at, facts, acknowledged_at, COALESCE(acknowledged_by, ''), snoozed_until,
       COALESCE(note, ''), again_at, closed_at
FROM alarm WHERE closed_at IS NULL ORDER BY is_flash DESC, opened_at DESC LIMIT ?;

-- name: alarm_count_open
-- How many are open, by rule.
SELECT rule, COUNT(*) FROM alarm WHERE closed_at IS NULL GROUP BY rule;

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
UPDATE alarm SET closed_at = :at, again_at = NULL WHERE id = :id AND closed_at IS NULL RETURNING rule, subject;

-- name: alarm_close_about
-- A person has seen to it that nothing is left of it: rule, subject, at, by, note.
UPDATE alarm SET closed_at = :at, again_at = NULL, acknowledged_at = :at, acknowledged_by = :by, note = :note
WHERE rule = :rule AND subject = :subject AND closed_at IS NULL RETURNING id;

-- name: alarm_set_again
-- It is told again, as it is now, and when the next time: id, facts, next, next of hỏa tốc, now, by.
UPDATE alarm SET facts = :facts, again_at = CASE is_flash WHEN 1 THEN :next_flash ELSE :next END, snoozed_until = NULL
WHERE id = :id AND closed_at IS NULL AND again_at <= :by AND COALESCE(snoozed_until, 0) <= :now
RETURNING is_flash;

-- name: alarm_set_grown
-- There is more of it than its people were told: told now, whoever sees to it: id, facts, next.
UPDATE alarm SET facts = :facts, again_at = :next, acknowledged_at = NULL, acknowledged_by = NULL, note = NULL
WHERE id = :id AND closed_at IS NULL AND is_flash = 1 RETURNING id;

-- name: alarm_set_facts
-- It is as it is now: id, facts.
UPDATE alarm SET facts = :facts WHERE id = :id AND closed_at IS NULL RETURNING id;

-- name: alarm_acknowledge_open
-- Somebody sees to it: id, at, by, note.
UPDATE alarm SET acknowledged_at = :at, acknowledged_by = :by, note = :note, again_at = NULL, snoozed_until = NULL
WHERE id = :id AND closed_at IS NULL AND acknowledged_at IS NULL RETURNING rule, subject;

-- name: alarm_snooze_open
-- Nobody is told of it again before an instant, unless somebody sees to it: id, until, note.
UPDATE alarm SET snoozed_until = :until, again_at = :until, note = :note
WHERE id = :id AND closed_at IS NULL AND is_flash = 0 AND acknowledged_at IS NULL RETURNING rule, subject;

-- name: alarm_find
-- One: whether it is about hỏa tốc, whether it is over, and what it is about.
SELECT is_flash, closed_at, rule, subject FROM alarm WHERE id = ?;

-- name: alarm_notice_insert
-- Somebody is to be told: id, alarm, way, target, about, at, due.
INSERT INTO alarm_notice (id, alarm_id, way, target, about, state, created_at, due_at)
VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?);

-- name: alarm_notice_take_up
-- What an earlier run was sending may have been sent.
UPDATE alarm_notice SET state = 'waiting', boot_id = NULL, doubted = 1 WHERE state = 'sending' RETURNING id;

-- name: alarm_notice_list_due
-- What is to be told now, with the alarm as it is, hỏa tốc first, mails first: now, limit.
SELECT n.id, n.way, n.target, n.about, n.failures, n.doubted, n.created_at,
       a.id, a.rule, a.subject, a.is_flash, a.since, a.opened_at, a.facts, a.acknowledged_at, a.closed_at
FROM alarm_notice AS n INDEXED BY alarm_notice_due JOIN alarm AS a ON a.id = n.alarm_id
WHERE n.state = 'waiting' AND n.due_at <= :now ORDER BY a.is_flash DESC, n.way, n.due_at, n.id LIMIT :limit;

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
-- How many wait to be told though it is time or are half told, since when, and how many are half told: now.
SELECT COUNT(*), MIN(due_at), COALESCE(SUM(half), 0) FROM (
    SELECT due_at, 0 AS half FROM alarm_notice INDEXED BY alarm_notice_due WHERE state = 'waiting' AND due_at <= ?
    UNION ALL SELECT due_at, 1 FROM alarm_notice INDEXED BY alarm_notice_sending WHERE state = 'sending');

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

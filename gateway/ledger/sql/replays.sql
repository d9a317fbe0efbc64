-- name: pushed_list_since
-- Deliveries that webhooks of some agencies confirmed, in that order: after, upto, agencies, limit.
SELECT e.seq, e.at, d.id, d.message_id, d.dispatch_id, m.kind, d.recipient_code, m.sender_code, m.document_ref,
       m.sha256, m.size
FROM event AS e
JOIN delivery AS d ON d.id = e.delivery_id
JOIN endpoint AS p ON p.id = d.endpoint_id
JOIN message AS m ON m.id = d.message_id
WHERE e.seq > :after AND e.seq <= :upto AND e.kind = 'delivery.delivered'
  AND p.kind = 'webhook' AND d.recipient_id IN (SELECT value FROM json_each(:agencies))
ORDER BY e.seq
LIMIT :limit;

-- name: pushed_filter_ids
-- Those of some deliveries that webhooks of some agencies confirmed: ids, agencies.
SELECT d.id, d.message_id FROM delivery AS d JOIN endpoint AS p ON p.id = d.endpoint_id
WHERE d.id IN (SELECT value FROM json_each(:ids)) AND p.kind = 'webhook'
  AND d.state IN ('delivered', 'acknowledged')
  AND d.recipient_id IN (SELECT value FROM json_each(:agencies));

-- name: pushed_find_content
-- What one such delivery was: id, agencies.
SELECT m.sha256, m.code_number, m.code_notation, m.id
FROM delivery AS d JOIN endpoint AS p ON p.id = d.endpoint_id JOIN message AS m ON m.id = d.message_id
WHERE d.id = :id AND p.kind = 'webhook' AND d.state IN ('delivered', 'acknowledged')
  AND d.recipient_id IN (SELECT value FROM json_each(:agencies));

-- name: replay_count_waiting
-- How many of some agencies' deliveries wait to be pushed again: agencies.
SELECT COUNT(*) FROM replay AS r JOIN delivery AS d ON d.id = r.delivery_id
WHERE r.state IN ('waiting', 'sending') AND d.recipient_id IN (SELECT value FROM json_each(?));

-- name: replay_insert_new
-- One that does not wait already, of what is not destroyed: id, delivery, at, by.
INSERT INTO replay (id, delivery_id, asked_at, asked_by, state, due_at)
SELECT :id, :delivery, :at, :by, 'waiting', :at
WHERE NOT EXISTS (SELECT 1 FROM replay WHERE delivery_id = :delivery AND state IN ('waiting', 'sending'))
  AND NOT EXISTS (SELECT 1 FROM delivery AS d JOIN purge_document AS p ON p.message_id = d.message_id
      WHERE d.id = :delivery AND p.purged_at IS NOT NULL)
RETURNING id;

-- name: replay_list_due
-- What is to be pushed again, with all that the adapter needs, oldest first: now, limit.
SELECT r.id, r.failures, d.id, d.recipient_id, d.recipient_code, d.endpoint_id, d.dispatch_id, m.id, m.kind,
       m.sha256, m.size, m.sender_code, m.document_ref, m.business_type, m.priority, m.trace_id
FROM replay AS r JOIN delivery AS d ON d.id = r.delivery_id JOIN message AS m ON m.id = d.message_id
WHERE r.state = 'waiting' AND r.due_at <= :now
ORDER BY r.due_at, r.rowid
LIMIT :limit;

-- name: replay_claim_waiting
-- They belong to an attempt now: ids, attempt, boot, at.
UPDATE replay SET state = 'sending', attempt_id = :attempt, boot_id = :boot, started_at = :at
WHERE id IN (SELECT value FROM json_each(:ids)) AND state = 'waiting'
RETURNING id;

-- name: replay_settle
-- How one ended: delivery, attempt, state, at, due, reason, detail.
UPDATE replay
SET state = :state, boot_id = NULL, ended_at = :at, due_at = :due, failures = failures + (:state <> 'sent'),
    reason = :reason, detail = :detail
WHERE delivery_id = :delivery AND attempt_id = :attempt AND state = 'sending'
RETURNING id, (SELECT message_id FROM delivery AS d WHERE d.id = replay.delivery_id);

-- name: replay_list_orphans
-- Under way in another boot: the present boot.
SELECT delivery_id, attempt_id FROM replay WHERE state = 'sending' AND boot_id <> ?;

-- name: replay_delete_ended
-- Forget a portion of those that ended long ago: floor, before, limit.
DELETE FROM replay WHERE id IN (
    SELECT r.id FROM replay AS r
    WHERE r.id < :floor AND r.state IN ('sent', 'failed') AND r.ended_at < :before
    ORDER BY r.id LIMIT :limit)
RETURNING id;

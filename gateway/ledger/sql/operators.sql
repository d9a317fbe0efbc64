-- name: agency_count_of_endpoint
-- How many open agencies a channel serves.
SELECT COUNT(*) FROM agency WHERE endpoint_id = ? AND closed_at IS NULL;

-- name: attempt_last_of_endpoint
-- The newest tries over a channel that have ended, newest first: endpoint, floor (of the try's id), limit.
SELECT a.id, a.dispatch_id, a.started_at, a.ended_at, a.outcome, COALESCE(a.reason, ''), COALESCE(a.detail, ''),
       COALESCE(a.peer, '{}'), p.message_id
FROM attempt_of_channel AS c CROSS JOIN attempt AS a ON a.id = c.attempt_id
CROSS JOIN dispatch AS p ON p.id = a.dispatch_id
WHERE c.endpoint_id = :endpoint AND c.attempt_id >= :floor AND a.ended_at IS NOT NULL
ORDER BY c.attempt_id DESC LIMIT :limit;

-- name: event_newest_instant
-- The instant of the newest event; NULL before the first.
SELECT at FROM event ORDER BY seq DESC LIMIT 1;

-- name: meta_read_versions
-- Which migrations made this database, and which program it needs.
SELECT key, value FROM meta WHERE key IN ('schema_version', 'compat_version');

-- name: event_list_shown
-- The whole timeline of one message: its own events, those of its lines, and statuses about them.
SELECT seq, kind, at, delivery_id, actor, leaf FROM event WHERE message_id = :message
UNION
SELECT seq, kind, at, delivery_id, actor, leaf FROM event
WHERE delivery_id IN (SELECT id FROM delivery WHERE message_id = :message)
ORDER BY 1;

-- name: message_list_shown
-- Messages for a person to choose from.
SELECT id, kind, sender_code, document_ref, code_number, code_notation, accepted_at FROM message
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id DESC;

-- name: id_find_others
-- Which of some ids, that are no deliveries, are something else, and of which message.
SELECT id, 'message', id FROM message WHERE id IN (SELECT value FROM json_each(?1))
UNION ALL
SELECT id, 'dispatch', message_id FROM dispatch WHERE id IN (SELECT value FROM json_each(?1));

-- name: message_read_promulgated
-- The date that a document bears.
SELECT promulgated_on FROM message WHERE id = ?;

-- name: message_list_about
-- Messages that recall, update, replace, take back or report on one.
SELECT m.id FROM message AS m
WHERE m.id IN (SELECT a.id FROM message AS a WHERE a.original_id = ?1
               UNION ALL SELECT o.message_id FROM request_original AS o WHERE o.original_id = ?1)
ORDER BY m.accepted_at, m.id;

-- name: request_original_list_of_message
-- What a request names besides its first document.
SELECT original_id FROM request_original WHERE message_id = ?;

-- name: message_list_exported
-- Documents for bundles, newest first, of a span; :state may be NULL.
SELECT m.id FROM message AS m INDEXED BY message_by_acceptance
WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until
  AND (:state IS NULL OR EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.state = :state))
ORDER BY m.accepted_at DESC, m.id DESC LIMIT :limit;

-- name: message_list_exported_by_number
-- The same of a number; :notation, :sender and :recipient may be NULL, too.
SELECT m.id FROM message AS m INDEXED BY message_by_number
WHERE m.code_number = :number AND m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until
  AND (:notation IS NULL OR m.code_notation = :notation)
  AND (:sender IS NULL OR m.sender_id = :sender)
  AND (:recipient IS NULL OR EXISTS (
      SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.recipient_id = :recipient))
  AND (:state IS NULL OR EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.state = :state))
ORDER BY m.accepted_at DESC, m.id DESC LIMIT :limit;

-- name: message_list_exported_by_sender
-- The same of a sender; :recipient and :state may be NULL.
SELECT m.id FROM message AS m INDEXED BY message_by_sender
WHERE m.sender_id = :sender AND m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until
  AND (:recipient IS NULL OR EXISTS (
      SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.recipient_id = :recipient))
  AND (:state IS NULL OR EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.state = :state))
ORDER BY m.accepted_at DESC, m.id DESC LIMIT :limit;

-- name: message_list_exported_by_recipient
-- The same of a recipient: from its lines, those that are at rest by one index, those that are open by another.
WITH line (message_id) AS (
    SELECT d.message_id FROM delivery AS d INDEXED BY delivery_by_recipient_state
    WHERE d.recipient_id = :recipient AND d.state NOT IN ('queued', 'in_flight')
      AND (:state IS NULL OR d.state = :state)
    UNION
    SELECT d.message_id FROM delivery AS d INDEXED BY delivery_open
    WHERE d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
      AND d.recipient_id = :recipient AND (:state IS NULL OR d.state = :state)
)
SELECT m.id FROM line JOIN message AS m ON m.id = line.message_id
WHERE m.kind = 'document' AND m.accepted_at >= :since AND m.accepted_at < :until
ORDER BY m.accepted_at DESC, m.id DESC LIMIT :limit;

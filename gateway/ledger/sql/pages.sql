-- name: message_accepted_at
-- When a message of some agencies was accepted.
SELECT accepted_at FROM message WHERE id = :id AND sender_id IN (SELECT value FROM json_each(:agencies));

-- name: message_find_sent
-- Ids of what some agencies sent, newest first: no more of each agency and kind than the page holds, and only what is
-- older than (upto, before); other filters may be NULL.
SELECT m.id FROM json_each(:agencies) AS a
CROSS JOIN json_each(:kinds) AS k
CROSS JOIN message AS m ON m.id IN (
    SELECT x.id FROM message AS x INDEXED BY message_by_sender
    WHERE x.sender_id = a.value AND x.kind = k.value
      AND x.accepted_at >= :since AND (x.accepted_at, x.id) < (:upto, :before)
      AND (:notation IS NULL OR x.code_notation = :notation)
      AND (:state IS NULL OR EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = x.id AND d.state = :state))
    ORDER BY x.accepted_at DESC, x.id DESC
    LIMIT :limit)
ORDER BY m.accepted_at DESC, m.id DESC
LIMIT :limit;

-- name: message_find_sent_by_number
-- The same by number and notation.
SELECT m.id FROM json_each(:agencies) AS a
CROSS JOIN json_each(:kinds) AS k
CROSS JOIN message AS m INDEXED BY message_by_number
WHERE m.code_number = :number AND m.code_notation = :notation AND m.kind = k.value AND m.sender_id = a.value
  AND m.accepted_at >= :since AND (m.accepted_at, m.id) < (:upto, :before)
  AND (:state IS NULL OR EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.state = :state))
ORDER BY m.accepted_at DESC, m.id DESC
LIMIT :limit;

-- name: message_find_sent_by_number_only
-- The same by number, whatever the notation.
SELECT m.id FROM message AS m INDEXED BY message_by_number
WHERE m.code_number = :number
  AND m.kind IN (SELECT value FROM json_each(:kinds)) AND m.sender_id IN (SELECT value FROM json_each(:agencies))
  AND m.accepted_at >= :since AND (m.accepted_at, m.id) < (:upto, :before)
  AND (:state IS NULL OR EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.state = :state))
ORDER BY m.accepted_at DESC, m.id DESC
LIMIT :limit;

-- name: message_find_sent_by_document_ref
-- The same by DocumentId.
SELECT m.id FROM message AS m INDEXED BY message_by_document_ref
WHERE m.document_ref = :document_ref AND m.sender_id IN (SELECT value FROM json_each(:agencies))
  AND m.kind IN (SELECT value FROM json_each(:kinds))
  AND (:number IS NULL OR m.code_number = :number)
  AND (:notation IS NULL OR m.code_notation = :notation)
  AND m.accepted_at >= :since AND (m.accepted_at, m.id) < (:upto, :before)
  AND (:state IS NULL OR EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id AND d.state = :state))
ORDER BY m.accepted_at DESC, m.id DESC
LIMIT :limit;

-- name: message_find_sent_by_open_state
-- The same by a state that few deliveries are in, from those.
WITH open (message_id) AS (
    SELECT DISTINCT d.message_id FROM delivery AS d INDEXED BY delivery_open
    WHERE d.state = :state
      AND d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
)
SELECT m.id FROM open
CROSS JOIN message AS m ON m.id = open.message_id
WHERE m.sender_id IN (SELECT value FROM json_each(:agencies))
  AND m.kind IN (SELECT value FROM json_each(:kinds))
  AND (:notation IS NULL OR m.code_notation = :notation)
  AND m.accepted_at >= :since AND (m.accepted_at, m.id) < (:upto, :before)
ORDER BY m.accepted_at DESC, m.id DESC
LIMIT :limit;

-- name: message_list_sent
-- Some messages of some agencies as their senders' lists show them, newest first.
SELECT m.id, m.kind, m.sender_id, m.sender_code, m.document_ref, m.code_number, m.code_notation, m.promulgated_on,
       m.subject, m.business_type, m.priority, m.sha256, m.size, m.received_at, m.accepted_at, m.original_id,
       (SELECT json_group_object(s.state, s.n) FROM
           (SELECT d.state AS state, COUNT(*) AS n FROM delivery AS d WHERE d.message_id = m.id GROUP BY d.state) AS s)
FROM message AS m
WHERE m.id IN (SELECT value FROM json_each(:ids)) AND +m.sender_id IN (SELECT value FROM json_each(:agencies))
ORDER BY m.accepted_at DESC, m.id DESC;

-- name: message_find_by_words
-- Messages by id prefix, DocumentId, digest or number/notation: what a person types. A status bears the number of
-- its document; it is meant by that only where no document is. pairs: [[number, notation], …].
WITH fit AS (
    SELECT id, 1 AS is_meant FROM (
        SELECT id FROM message WHERE id >= :prefix AND id < :prefix || '~' ORDER BY id DESC LIMIT 20)
    UNION
    SELECT id, 1 FROM (SELECT id FROM message WHERE sha256 = :text ORDER BY id DESC LIMIT 20)
    UNION
    SELECT id, kind = 'document' FROM (
        SELECT id, kind FROM message WHERE document_ref = :text ORDER BY kind, id DESC LIMIT 20)
    UNION
    SELECT id, 1 FROM message WHERE rowid IN (
        SELECT m.rowid FROM json_each(:pairs) AS p
        CROSS JOIN message AS m INDEXED BY message_by_number
        WHERE m.code_number = p.value ->> 0 AND m.code_notation = p.value ->> 1 AND m.kind = 'document'
        ORDER BY m.rowid DESC LIMIT 20)
    UNION
    SELECT id, 0 FROM (
        SELECT m.id FROM json_each(:pairs) AS p
        CROSS JOIN message AS m INDEXED BY message_by_number
        WHERE m.code_number = p.value ->> 0 AND m.code_notation = p.value ->> 1 AND m.kind = 'status'
        LIMIT 20)
)
SELECT id FROM fit WHERE is_meant = (SELECT MAX(is_meant) FROM fit) ORDER BY id DESC LIMIT 20;

-- name: delivery_list_selected_of_message
-- A document's deliveries in a state, for acts on a filter; every other filter may be NULL.
SELECT d.id, d.message_id, d.recipient_id, d.recipient_code, d.state, COALESCE(d.reason, ''), d.state_at
FROM delivery AS d
WHERE d.message_id = :message AND +d.state = :state
  AND (:endpoint IS NULL OR d.endpoint_id = :endpoint)
  AND (:recipient IS NULL OR d.recipient_id = :recipient)
  AND (:reason IS NULL OR d.reason = :reason)
ORDER BY d.seq DESC LIMIT :limit;

-- name: delivery_list_selected_of_recipient
-- The same of a recipient, in a state other than those on the way.
SELECT d.id, d.message_id, d.recipient_id, d.recipient_code, d.state, COALESCE(d.reason, ''), d.state_at
FROM delivery AS d INDEXED BY delivery_by_recipient_state
WHERE d.recipient_id = :recipient AND d.state = :state AND d.state NOT IN ('queued', 'in_flight')
  AND (:endpoint IS NULL OR d.endpoint_id = :endpoint)
  AND (:reason IS NULL OR d.reason = :reason)
ORDER BY d.seq DESC LIMIT :limit;

-- name: delivery_list_selected_open
-- The same of all, in a state that few are in.
SELECT d.id, d.message_id, d.recipient_id, d.recipient_code, d.state, COALESCE(d.reason, ''), d.state_at
FROM delivery AS d INDEXED BY delivery_open
WHERE d.state = :state
  AND d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
  AND (:recipient IS NULL OR d.recipient_id = :recipient)
  AND (:endpoint IS NULL OR d.endpoint_id = :endpoint)
  AND (:reason IS NULL OR d.reason = :reason)
ORDER BY d.seq DESC LIMIT :limit;

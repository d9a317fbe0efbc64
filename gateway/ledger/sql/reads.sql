-- name: receipt_get_by_message
-- The seal and the stored 202 of one message.
SELECT transfer, xades, answer, sha256 FROM receipt WHERE message_id = ?;

-- name: idempotency_read
-- The request that a caller's key stands for.
SELECT i.fingerprint, i.message_id, r.answer
FROM idempotency AS i JOIN receipt AS r ON r.message_id = i.message_id
WHERE i.agency_id = ? AND i.key = ?;

-- name: message_list_same_business
-- Earlier documents with the same business key: DocumentId, sender, type; not by the index by sender, on which the
-- planner would go through everything that the agency ever sent.
SELECT id, content_key, sha256 FROM message INDEXED BY message_by_document_ref
WHERE document_ref = ? AND sender_id = ? AND kind = 'document' AND business_type = ?
ORDER BY accepted_at DESC LIMIT 50;

-- name: message_get_summary
-- One message, whoever asks: for operators' commands.
SELECT id, kind, sender_id, sender_code, document_ref, code_number, code_notation, subject, sha256, size, accepted_at,
       findings, envelope, trace_id, business_type, original_id, caller, received_at, fingerprint
FROM message WHERE id = ?;

-- name: message_read_sender
-- Who sent it.
SELECT sender_id FROM message WHERE id = ?;

-- name: message_find_by_fingerprint
-- The message that a request became.
SELECT id FROM message WHERE fingerprint = ?;

-- name: delivery_list_of_message
-- The ledger's lines of one message.
SELECT d.id, d.message_id, d.recipient_id, d.recipient_code, d.state, d.expects_status, COALESCE(d.reason, ''),
       COALESCE(d.detail, ''), COALESCE(d.business_status, ''), COALESCE(d.peer_ref, ''), d.created_at, d.state_at,
       d.dispatch_id, d.endpoint_id, d.fetched_at
FROM delivery AS d WHERE d.message_id = ? ORDER BY d.seq;

-- name: message_may_be_read_by
-- Whether some agencies sent the message or receive it; what is kept from a recipient does not count.
SELECT EXISTS (SELECT 1 FROM message AS m WHERE m.id = :id AND m.sender_id IN (SELECT value FROM json_each(:agencies)))
    OR EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = :id
               AND d.recipient_id IN (SELECT value FROM json_each(:agencies))
               AND d.state NOT IN ('withdrawn', 'held', 'quarantined'));

-- name: attempt_list_of_message
-- Every try of every dispatch of one message.
SELECT a.id, a.dispatch_id, a.series, a.started_at, a.ended_at, COALESCE(a.outcome, ''), COALESCE(a.reason, ''),
       COALESCE(a.detail, ''), COALESCE(a.peer, '{}'), p.endpoint_id
FROM attempt AS a JOIN dispatch AS p ON p.id = a.dispatch_id
WHERE p.message_id = ? ORDER BY a.rowid;

-- name: status_list_of_message
-- The statuses reported about one document.
SELECT s.id, s.delivery_id, s.code, s.reporter_id, s.reported_at, s.recorded_at, s.description, s.moved,
       COALESCE(s.flag, ''), s.message_id
FROM status AS s JOIN delivery AS d ON d.id = s.delivery_id
WHERE d.message_id = ? ORDER BY s.rowid;

-- name: delivery_match_by_document_ref
-- Lines that a status may be about: exact DocumentId of these senders to these reporters; newest first.
SELECT d.id, m.id, d.recipient_id, m.sender_id, m.sender_code, m.business_type, d.request_id, d.state,
       d.fetched_at IS NOT NULL OR d.state NOT IN ('queued', 'held', 'withdrawn')
           OR EXISTS (SELECT 1 FROM attempt AS a WHERE a.dispatch_id = d.dispatch_id)
FROM message AS m JOIN delivery AS d ON d.message_id = m.id
WHERE m.document_ref = :document_ref AND m.kind = 'document'
  AND (:senders IS NULL OR m.sender_id IN (SELECT value FROM json_each(:senders)))
  AND d.recipient_id IN (SELECT value FROM json_each(:reporters))
ORDER BY m.id DESC LIMIT 50;

-- name: delivery_match_by_code
-- Lines that a status may be about: number, notation and day (or year) of these senders to these reporters.
SELECT d.id, m.id, d.recipient_id, m.sender_id, m.sender_code, m.business_type, d.request_id, d.state,
       d.fetched_at IS NOT NULL OR d.state NOT IN ('queued', 'held', 'withdrawn')
           OR EXISTS (SELECT 1 FROM attempt AS a WHERE a.dispatch_id = d.dispatch_id)
FROM message AS m JOIN delivery AS d ON d.message_id = m.id
WHERE m.code_number = :number AND m.code_notation = :notation AND m.kind = 'document'
  AND m.promulgated_on LIKE :day
  AND (:senders IS NULL OR m.sender_id IN (SELECT value FROM json_each(:senders)))
  AND d.recipient_id IN (SELECT value FROM json_each(:reporters))
ORDER BY m.id DESC LIMIT 50;

-- name: delivery_match_by_id
-- One line, as a match.
SELECT d.id, m.id, d.recipient_id, m.sender_id, m.sender_code, m.business_type, d.request_id, d.state,
       d.fetched_at IS NOT NULL OR d.state NOT IN ('queued', 'held', 'withdrawn')
           OR EXISTS (SELECT 1 FROM attempt AS a WHERE a.dispatch_id = d.dispatch_id)
FROM delivery AS d JOIN message AS m ON m.id = d.message_id WHERE d.id = ?;

-- name: delivery_match_by_request
-- A recipient's lines that await an answer to one request.
SELECT d.id, m.id, d.recipient_id, m.sender_id, m.sender_code, m.business_type, d.request_id, d.state,
       d.fetched_at IS NOT NULL OR d.state NOT IN ('queued', 'held', 'withdrawn')
           OR EXISTS (SELECT 1 FROM attempt AS a WHERE a.dispatch_id = d.dispatch_id)
FROM message AS r
JOIN delivery AS d ON d.request_id = r.id
JOIN message AS m ON m.id = d.message_id
WHERE r.id = ? AND d.recipient_id = ? ORDER BY m.id DESC LIMIT 5;

-- name: delivery_match_by_message
-- A recipient's line of one message.
SELECT d.id, m.id, d.recipient_id, m.sender_id, m.sender_code, m.business_type, d.request_id, d.state,
       d.fetched_at IS NOT NULL OR d.state NOT IN ('queued', 'held', 'withdrawn')
           OR EXISTS (SELECT 1 FROM attempt AS a WHERE a.dispatch_id = d.dispatch_id)
FROM delivery AS d JOIN message AS m ON m.id = d.message_id WHERE d.message_id = ? AND d.recipient_id = ?;

-- name: message_match_original
-- Documents that a take-back, recall, update or replacement of this sender may mean; newest first. The + keeps
-- the planner from going through all that the sender ever sent.
SELECT m.id, m.document_ref, m.code_number, m.code_notation, m.promulgated_on FROM message AS m
WHERE +m.sender_id = :sender AND m.kind = 'document' AND m.business_type IN ('0', '2', '3')
  AND ((:document_ref <> '' AND m.document_ref = :document_ref)
       OR (:number <> '' AND m.code_number = :number AND m.code_notation = :notation AND m.promulgated_on LIKE :day))
  AND m.id <> :not_this
ORDER BY +m.id DESC LIMIT 50;

-- name: message_exists_by_document_ref
-- Whether any document with this DocumentId or number was ever accepted.
SELECT 1 FROM message
WHERE kind = 'document' AND (document_ref = :document_ref OR (code_number = :number AND code_notation = :notation))
LIMIT 1;

-- name: message_find_own_copy
-- Our own earlier document that a relay brings back: these bytes, or this business key where the relay had it from us
-- (a business key alone can be guessed).
SELECT id FROM (
    SELECT m.id FROM message AS m
    WHERE m.sha256 = :sha256 AND +m.kind = 'document' AND m.arrived_by IS NULL
    UNION ALL
    SELECT m.id FROM message AS m INDEXED BY message_by_document_ref
    WHERE m.document_ref = :document_ref AND m.sender_id = :sender AND m.business_type = :type
      AND m.kind = 'document' AND m.arrived_by IS NULL
      AND EXISTS (SELECT 1 FROM dispatch AS p WHERE p.message_id = m.id AND p.endpoint_id = :relay)
)
ORDER BY id DESC LIMIT 1;

-- name: agency_has_credential
-- Whether one of some agencies ever connected here.
SELECT EXISTS (SELECT 1 FROM json_each(?) AS v
    WHERE EXISTS (SELECT 1 FROM credential AS c WHERE c.agency_id = v.value)
       OR EXISTS (SELECT 1 FROM shared_secret AS s WHERE s.agency_id = v.value));

-- name: delivery_list_recipients
-- Who already has a line of a message.
SELECT recipient_id FROM delivery WHERE message_id = ?;

-- name: usage_read
-- Bytes x recipients of an agency on a day.
SELECT bytes FROM usage WHERE agency_id = ? AND day = ?;

-- name: ledger_count_all
-- How much there is, counted: for commands, since it goes through everything.
SELECT (SELECT COUNT(*) FROM message WHERE kind = 'document'), (SELECT COUNT(*) FROM message WHERE kind = 'status'),
       (SELECT COUNT(*) FROM delivery), (SELECT COUNT(*) FROM event);

-- name: ledger_read_extent
-- How much there is, without counting: rows are never deleted. Of messages, of deliveries, and the newest event.
SELECT COALESCE((SELECT MAX(rowid) FROM message), 0), COALESCE((SELECT MAX(seq) FROM delivery), 0),
       COALESCE((SELECT MAX(seq) FROM event), 0);

-- name: delivery_count_by_state
-- Deliveries of documents by state and business status.
SELECT d.state, COALESCE(d.business_status, ''), COUNT(*) FROM delivery AS d
JOIN message AS m ON m.id = d.message_id WHERE m.kind = 'document' GROUP BY 1, 2;

-- name: delivery_count_open
-- Open deliveries by state, from the partial index.
SELECT state, COUNT(*) FROM delivery
WHERE state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined') GROUP BY state;

-- name: dispatch_count_waiting
-- Waiting transmissions by endpoint.
SELECT endpoint_id, COUNT(*) FROM dispatch INDEXED BY dispatch_open
WHERE state IN ('ready', 'in_flight', 'inbox') AND state <> 'done' GROUP BY endpoint_id;

-- name: status_count_parked
-- How many statuses wait for a person.
SELECT COUNT(*) FROM status WHERE parked IS NOT NULL AND resolution IS NULL;

-- name: delivery_list_untold
-- Dead or refused documents whose senders want to hear of it in edXML and were not told since; of old ones no longer.
SELECT d.id, d.recipient_code, COALESCE(d.reason, ''), m.sender_code, m.envelope
FROM delivery AS d INDEXED BY delivery_open
CROSS JOIN message AS m ON m.id = d.message_id
JOIN agency AS a ON a.id = m.sender_id
JOIN endpoint AS e ON e.id = a.endpoint_id
WHERE d.state IN ('dead', 'refused') AND d.state_at > :since
  AND (d.told_at IS NULL OR d.told_at < d.state_at)
  AND d.state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined')
  AND m.kind = 'document' AND (e.capabilities ->> '$.outcomes') = 1
ORDER BY d.seq LIMIT 100;

-- name: dispatch_oldest_waiting
-- The oldest waiting transmission by endpoint; what receivers fetch themselves waits for them, not for us.
SELECT e.id, (SELECT MIN(d.created_at) FROM dispatch AS d
              WHERE d.endpoint_id = e.id AND d.state = 'ready' AND d.state <> 'done') AS oldest
FROM endpoint AS e WHERE oldest IS NOT NULL;

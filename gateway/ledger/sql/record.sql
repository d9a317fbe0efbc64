-- name: message_find_by_fingerprints
-- Requests that were accepted before.
SELECT m.fingerprint, m.id FROM message AS m
WHERE m.fingerprint IN (SELECT value FROM json_each(?));

-- name: idempotency_find
-- The keys already used by their agencies.
SELECT i.agency_id, i.key, i.fingerprint
FROM json_each(?) AS v
JOIN idempotency AS i ON i.agency_id = v.value ->> 0 AND i.key = v.value ->> 1;

-- name: message_insert
-- Record accepted messages.
INSERT INTO message (id, kind, sha256, size, sender_id, sender_code, business_type, document_ref, code_number,
    code_notation, promulgated_on, subject, subject_folded, priority, content_key, fingerprint, original_id, arrived_by,
    caller, envelope, findings, directory_version, trace_id, sandbox, received_at, accepted_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: receipt_insert
-- Keep the seals and the answers.
INSERT INTO receipt (message_id, transfer, xades, sha256, answer) VALUES (?, ?, ?, ?, ?);

-- name: idempotency_insert
-- Keep the callers' keys.
INSERT INTO idempotency (agency_id, key, fingerprint, message_id, expires_at) VALUES (?, ?, ?, ?, ?);

-- name: dispatch_insert
-- Queue transmissions.
INSERT INTO dispatch (id, message_id, endpoint_id, recipient_id, state, lane, after_id, created_at, due_at, give_up_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: delivery_insert
-- Open the ledger's lines.
INSERT INTO delivery (id, message_id, recipient_id, recipient_code, endpoint_id, dispatch_id, state, expects_status,
    in_inbox, created_at, state_at, priority)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?7, ?8, ?9, ?10, (SELECT m.priority FROM message AS m WHERE m.id = ?2));

-- name: usage_add
-- Count bytes x recipients against the day's quota.
INSERT INTO usage (agency_id, day, bytes) VALUES (?, ?, ?)
ON CONFLICT (agency_id, day) DO UPDATE SET bytes = bytes + excluded.bytes;

-- name: request_original_insert
-- What a request names besides its first document: original, request.
INSERT INTO request_original (original_id, message_id) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: delivery_list_of_originals
-- The lines of some messages for some recipients: [[message, recipient], …].
SELECT d.id, d.message_id, d.recipient_id, d.state, d.dispatch_id, COALESCE(d.business_status, '')
FROM json_each(?) AS v
JOIN delivery AS d ON d.message_id = v.value ->> 0 AND d.recipient_id = v.value ->> 1;

-- name: delivery_open_request
-- Let lines of the original await an answer to a request: [[delivery, request message], …].
UPDATE delivery SET request_id = v.value ->> 1
FROM json_each(?) AS v
WHERE delivery.id = v.value ->> 0
RETURNING delivery.id;

-- name: delivery_get_for_status
-- What is known of some lines when a status comes for them; last, whether none of 02 to 06 was reported.
SELECT id, message_id, state, COALESCE(business_status, ''), request_id, dispatch_id, expects_status, recipient_id,
       business_status IS NULL OR business_status = '01' OR (business_status IN ('15', '16') AND NOT EXISTS (
           SELECT 1 FROM status AS s WHERE s.delivery_id = delivery.id AND s.code BETWEEN '02' AND '06'))
FROM delivery WHERE id IN (SELECT value FROM json_each(?));

-- name: status_insert
-- Append reported statuses.
INSERT INTO status (id, message_id, delivery_id, reporter_id, code, reported_at, recorded_at, description, matched_by,
    moved, flag, parked)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: delivery_set_business_status
-- Move the business status and close what it answers: [[delivery, code, answers], …].
UPDATE delivery
SET business_status = v.value ->> 1,
    request_id = CASE WHEN v.value ->> 2 THEN NULL ELSE request_id END
FROM json_each(?) AS v
WHERE delivery.id = v.value ->> 0
RETURNING delivery.id;

-- name: delivery_set_registered_if_first
-- When receivers first reported that they took lines in: [[delivery, instant], …].
UPDATE delivery SET registered_at = v.value ->> 1
FROM json_each(?) AS v
WHERE delivery.id = v.value ->> 0 AND delivery.registered_at IS NULL
RETURNING delivery.id;

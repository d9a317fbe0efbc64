-- name: ledger_list_messages
-- Every message, for the demo's comparison.
SELECT id, kind, sender_code, document_ref, business_type, sha256 FROM message;

-- name: ledger_list_deliveries
-- Every delivery, for the demo's comparison.
SELECT id, message_id, recipient_code, dispatch_id, state, COALESCE(business_status, ''),
       COALESCE(reason, '')
FROM delivery;

-- name: ledger_count_attempts
-- How often each dispatch was tried.
SELECT dispatch_id, count(*) FROM attempt GROUP BY dispatch_id;

-- name: ledger_list_offers
-- What was listed by a channel, for the sandbox: name of the endpoint.
SELECT o.id, o.ref, o.kind, o.first_seen_at, o.failure, o.message_id, o.size
FROM offer AS o JOIN endpoint AS e ON e.id = o.endpoint_id WHERE e.name = ? ORDER BY o.rowid;

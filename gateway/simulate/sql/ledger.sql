-- name: ledger_list_messages
-- Every message, for the demo's comparison.
SELECT id, kind, sender_code, document_ref, business_type, sha256 FROM message;

-- name: ledger_list_deliveries
-- Every delivery, for the demo's comparison.
SELECT id, message_id, recipient_code, dispatch_id, state, COALESCE(business_status, '') FROM delivery;

-- name: ledger_count_attempts
-- How often each dispatch was tried.
SELECT dispatch_id, count(*) FROM attempt GROUP BY dispatch_id;

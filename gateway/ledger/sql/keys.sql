-- name: idempotency_delete_expired
-- Forget a portion of the keys whose time is over.
DELETE FROM idempotency
WHERE (agency_id, key) IN (SELECT agency_id, key FROM idempotency WHERE expires_at <= :now LIMIT 1000)
RETURNING key;

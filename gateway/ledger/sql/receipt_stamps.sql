-- name: receipt_stamp_read_last
-- The event up to which receipts have their stamps.
SELECT last_seq FROM receipt_stamp ORDER BY first_seq DESC LIMIT 1;

-- name: receipt_list_unstamped
-- Receipts of a span of events, oldest first: event, message, digests of body and receipt, transfer manifest.
SELECT e.seq, e.message_id, m.sha256, r.sha256, r.transfer
FROM event AS e JOIN message AS m ON m.id = e.message_id JOIN receipt AS r ON r.message_id = e.message_id
WHERE e.seq > :after AND e.seq <= :upto AND e.kind IN ('document.accepted', 'document.imported')
ORDER BY e.seq LIMIT :limit;

-- name: receipt_stamp_insert
-- Keep a stamp: first and last event, form, hashes, server, not later than, answer.
INSERT INTO receipt_stamp (first_seq, last_seq, form, hashes, server, at, token) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (first_seq) DO NOTHING;

-- name: receipt_stamp_find
-- The stamp that may be over the receipt of an event.
SELECT first_seq, last_seq, form, hashes, server, at, token FROM receipt_stamp
WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1;

-- name: receipt_count_between
-- Receipts from one event on, before another: the place of the latter's among those of one stamp.
SELECT COUNT(*) FROM event AS e JOIN receipt AS r ON r.message_id = e.message_id
WHERE e.seq >= ? AND e.seq < ? AND e.kind IN ('document.accepted', 'document.imported');

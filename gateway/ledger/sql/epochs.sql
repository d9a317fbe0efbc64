-- name: epoch_read_number
-- Which epoch this is: 1 until a restore opens another.
SELECT COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch'), 1);

-- name: epoch_read_first
-- The number of the epoch's first event; 0 in the epoch that no restore opened.
SELECT COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch_first'), 0);

-- name: epoch_write_value
-- Remember which epoch this is, and where it begins.
INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: event_read_last
-- The newest event and its leaf hash.
SELECT seq, leaf_hash FROM event ORDER BY seq DESC LIMIT 1;

-- name: event_insert_opening
-- The first event of an epoch, under a number of its own.
INSERT INTO event (seq, kind, at, actor, leaf, leaf_hash, note) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: event_read_opening
-- The event that opened the epoch, and why.
SELECT at, actor, leaf, COALESCE(note, '') FROM event WHERE seq = ? AND kind = 'epoch.opened';

-- name: delivery_list_waiting_all
-- Every line that has not come to an end and would go on by itself.
SELECT id, message_id, state, dispatch_id FROM delivery
WHERE state IN ('queued', 'in_flight', 'deferred') ORDER BY seq;

-- name: attempt_list_open_all
-- Every try that has not ended.
SELECT id FROM attempt WHERE ended_at IS NULL;

-- name: dispatch_list_owned_all
-- Every transmission under way.
SELECT id, attempt_id FROM dispatch WHERE state = 'in_flight';

-- name: delivery_list_held_after_restore
-- What a restore held and nobody has released: how it would go out, and what its state was.
SELECT d.id, d.message_id, d.dispatch_id, d.recipient_code, e.name, m.sender_code, m.document_ref, m.code_number,
       m.code_notation, COALESCE(d.business_status, ''),
       (SELECT COUNT(*) FROM attempt AS a WHERE a.dispatch_id = d.dispatch_id), d.in_inbox,
       COALESCE((SELECT CAST(x.leaf AS TEXT) ->> '$.facts.from' FROM event AS x
                 WHERE x.delivery_id = d.id AND x.kind = 'delivery.held' ORDER BY x.seq DESC LIMIT 1), '')
FROM delivery AS d
JOIN message AS m ON m.id = d.message_id
JOIN endpoint AS e ON e.id = d.endpoint_id
WHERE d.state = 'held' AND d.reason = 'held_after_restore'
ORDER BY d.seq;

-- name: id_find_known
-- What some ids are: messages, deliveries and transmissions (with their state), or attempts.
SELECT id, 'message', '' FROM message WHERE id IN (SELECT value FROM json_each(?1))
UNION ALL
SELECT id, 'delivery', state FROM delivery WHERE id IN (SELECT value FROM json_each(?1))
UNION ALL
SELECT id, 'transmission', state FROM dispatch WHERE id IN (SELECT value FROM json_each(?1))
UNION ALL
SELECT id, 'attempt', '' FROM attempt WHERE id IN (SELECT value FROM json_each(?1));

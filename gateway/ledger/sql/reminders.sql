-- name: delivery_list_to_remind
-- The lines of a document, with what a reminder depends on and the last one: message.
SELECT d.id, d.recipient_id, d.state, m.priority,
       d.in_inbox = 1 OR EXISTS (
           SELECT 1 FROM desk_office AS o WHERE o.office_id = d.recipient_id AND o.since <= m.accepted_at),
       d.in_inbox = 1 AND d.state IN ('queued', 'in_flight') OR EXISTS (
           SELECT 1 FROM user_office AS o CROSS JOIN user AS u ON u.id = o.user_id
           WHERE o.agency_id = d.recipient_id AND u.role = 'clerk' AND u.disabled_at IS NULL),
       EXISTS (SELECT 1 FROM handled AS h WHERE h.delivery_id = d.id),
       COALESCE((SELECT o.due_on FROM owed AS o WHERE o.delivery_id = d.id), ''),
       r.at, COALESCE(r.by, '')
FROM message AS m
JOIN delivery AS d ON d.message_id = m.id
LEFT JOIN reminder AS r ON r.delivery_id = d.id
    AND r.at = (SELECT MAX(x.at) FROM reminder AS x WHERE x.delivery_id = d.id)
WHERE m.id = ? AND m.kind = 'document';

-- name: reminder_list_last
-- The last reminder of each of some deliveries: ids.
SELECT r.delivery_id, r.at, r.by FROM json_each(?) AS v
JOIN reminder AS r ON r.delivery_id = v.value
    AND r.at = (SELECT MAX(x.at) FROM reminder AS x WHERE x.delivery_id = v.value);

-- name: reminder_count_acts
-- How often somebody reminded of a document since an instant: message, since.
SELECT COUNT(DISTINCT at) FROM reminder WHERE message_id = ? AND at > ?;

-- name: reminder_insert
-- Delivery, at, message, by.
INSERT INTO reminder (delivery_id, at, message_id, by) VALUES (?, ?, ?, ?);

-- name: alert_insert_reminder
-- One address is told of a reminder, once though it is wished twice: id, way, agency, delivery, target, created, due, reminded.
INSERT INTO alert (id, way, agency_id, delivery_id, target, state, created_at, due_at, reminded_at)
VALUES (?, ?, ?, ?, ?, 'waiting', ?, ?, ?) ON CONFLICT (delivery_id, way, target, reminded_at) DO NOTHING;

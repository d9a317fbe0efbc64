DROP VIEW unconfirmed;

-- Urgent documents that the systems of offices took and for which they have reported nothing, or that a page left open has
-- listed, which said 01 by itself, and nobody has opened; since when: what nobody heard by telephone of, or what was sent
-- again after that.
CREATE VIEW unconfirmed AS
SELECT d.id AS delivery_id, d.message_id, d.recipient_id, d.endpoint_id, m.priority > 2 AS is_flash,
       COALESCE((SELECT h.again_at FROM heard AS h WHERE h.delivery_id = d.id), d.arrived_at, d.state_at) AS since
FROM delivery AS d JOIN message AS m ON m.id = d.message_id JOIN endpoint AS e ON e.id = d.endpoint_id
WHERE m.kind = 'document' AND m.priority > 0 AND m.sandbox = 0 AND e.is_relay = 0 AND d.expects_status = 1
  AND (d.in_inbox = 0 AND d.state = 'delivered' AND d.business_status IS NULL
       OR d.in_inbox = 1 AND d.state IN ('delivered', 'acknowledged') AND d.business_status = '01' AND d.fetched_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM reading AS r
                          WHERE r.message_id = d.message_id AND r.delivery_id = d.id AND r.act = 'opened'))
  AND NOT EXISTS (SELECT 1 FROM heard AS h WHERE h.delivery_id = d.id AND h.again_at IS NULL);

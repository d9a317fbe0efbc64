-- Whoever agreed to an update or a replacement still owes an answer; only what is given back owes none.
DROP VIEW owed;

CREATE VIEW owed AS
SELECT d.id AS delivery_id, d.recipient_id AS recipient_id, m.due_on AS due_on
FROM message AS m JOIN delivery AS d ON d.message_id = m.id
WHERE m.kind = 'document' AND m.due_on > '' AND m.sandbox = 0
  AND (d.state IN ('relayed', 'delivered', 'acknowledged', 'handed_over')
       OR d.in_inbox = 1 AND d.state IN ('queued', 'in_flight'))
  AND (d.business_status IS NOT '15' OR m.business_type IS NOT '1' AND NOT EXISTS (
      SELECT 1 FROM message AS r INDEXED BY message_by_original
      WHERE r.original_id = m.id AND ((r.kind = 'document' AND r.business_type = '1')
                                      OR (r.kind = 'status' AND r.business_type = '13'))))
  AND NOT EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code IN ('02', '06'))
  AND NOT EXISTS (
      SELECT 1 FROM message AS r INDEXED BY message_by_answer
      WHERE r.kind = 'document' AND r.answers_ref = m.document_ref AND r.answers_ref > ''
        AND r.sender_id = d.recipient_id AND r.accepted_at >= m.accepted_at);

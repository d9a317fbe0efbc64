-- Who took an office's place answers for it; and when a line was answered stands in one view.
DROP VIEW owed;

CREATE VIEW answered AS
SELECT d.id AS delivery_id,
       (SELECT MIN(w.at) FROM (
           SELECT MIN(s.recorded_at) AS at FROM status AS s WHERE s.delivery_id = d.id AND s.code = '06'
           UNION ALL
           SELECT MIN(r.accepted_at) FROM message AS r INDEXED BY message_by_answer
           WHERE r.kind = 'document' AND r.answers_ref = m.document_ref AND r.answers_ref > ''
             AND r.accepted_at >= m.accepted_at AND r.sender_id IN (
                 WITH RECURSIVE heir (id) AS (
                     SELECT d.recipient_id UNION
                     SELECT a.successor_id FROM agency AS a JOIN heir AS h ON a.id = h.id
                     WHERE a.successor_id IS NOT NULL)
                 SELECT id FROM heir)) AS w) AS at
FROM delivery AS d JOIN message AS m ON m.id = d.message_id;

CREATE VIEW owed AS
SELECT d.id AS delivery_id, d.recipient_id AS recipient_id, m.due_on AS due_on
FROM message AS m JOIN delivery AS d ON d.message_id = m.id
WHERE m.kind = 'document' AND m.due_on > '' AND m.sandbox = 0
  AND (d.state IN ('relayed', 'delivered', 'acknowledged', 'handed_over')
       OR d.in_inbox = 1 AND d.state IN ('queued', 'in_flight'))
  AND (d.business_status IS NOT '15' OR m.business_type IS NOT '1' AND NOT EXISTS (
      SELECT 1 FROM recalled AS r WHERE r.message_id = m.id))
  AND NOT EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code = '02')
  AND (SELECT w.at FROM answered AS w WHERE w.delivery_id = d.id) IS NULL;

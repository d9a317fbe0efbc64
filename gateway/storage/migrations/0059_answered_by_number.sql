-- Replies that name a document by its number alone answer it, as its page has it. What is expected stands in a view of its
-- own, so that a report asks once of each line whether it was answered.
DROP VIEW owed;
DROP VIEW answered;

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
                 SELECT id FROM heir)
           UNION ALL
           SELECT MIN(r.accepted_at) FROM message AS r INDEXED BY message_by_answered_number
           WHERE r.kind = 'document' AND r.answers_number > '' AND m.code_number > ''
             -- what begins so; where there is no notation also with a stroke and anything, which is told apart below
             AND r.answers_number > replace(m.code_number || '/' || m.code_notation, ' ', '') || '|'
             AND r.answers_number < replace(CASE m.code_notation WHEN '' THEN m.code_number
                                            ELSE m.code_number || '/' || m.code_notation END, ' ', '') || '}'
             AND r.accepted_at >= m.accepted_at AND r.sender_id IN (
                 WITH RECURSIVE heir (id) AS (
                     SELECT d.recipient_id UNION
                     SELECT a.successor_id FROM agency AS a JOIN heir AS h ON a.id = h.id
                     WHERE a.successor_id IS NOT NULL)
                 SELECT id FROM heir)
             AND EXISTS (
                 SELECT 1 FROM (SELECT r.envelope ->> '$.responses_for[0].code' AS code,
                                       COALESCE(r.envelope ->> '$.responses_for[0].organ_id', '') AS issuer,
                                       COALESCE(r.envelope ->> '$.responses_for[0].promulgation_date', '') AS day) AS n
                 WHERE trim(substr(n.code, 1, instr(n.code || '/', '/') - 1)) = m.code_number
                   AND trim(substr(n.code, instr(n.code || '/', '/') + 1)) = m.code_notation
                   AND n.issuer IN ('', m.sender_code) AND n.day IN ('', m.promulgated_on)
                   AND NOT EXISTS (
                       SELECT 1 FROM message AS o INDEXED BY message_by_number
                       WHERE o.code_number = m.code_number AND o.code_notation = m.code_notation
                         AND o.kind = 'document' AND o.id <> m.id
                         AND (o.business_type = '0' OR m.business_type <> '0')
                         AND (n.day = '' OR o.promulgated_on = m.promulgated_on)
                         AND (n.issuer = '' OR o.sender_code = m.sender_code)))) AS w) AS at
FROM delivery AS d JOIN message AS m ON m.id = d.message_id;

-- Lines on which an answer is due, whether it has come or not: their office has them or can fetch them, and has neither
-- returned them nor agreed to give them back; whoever agreed to an update or a replacement still owes an answer.
CREATE VIEW expected AS
SELECT d.id AS delivery_id, d.recipient_id AS recipient_id, m.due_on AS due_on
FROM message AS m JOIN delivery AS d ON d.message_id = m.id
WHERE m.kind = 'document' AND m.due_on > '' AND m.sandbox = 0
  AND (d.state IN ('relayed', 'delivered', 'acknowledged', 'handed_over')
       OR d.in_inbox = 1 AND d.state IN ('queued', 'in_flight'))
  AND (d.business_status IS NOT '15' OR m.business_type IS NOT '1' AND NOT EXISTS (
      SELECT 1 FROM recalled AS r WHERE r.message_id = m.id))
  AND NOT EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code = '02');

-- Those on which it has not come.
CREATE VIEW owed AS
SELECT e.delivery_id, e.recipient_id, e.due_on FROM expected AS e
WHERE (SELECT w.at FROM answered AS w WHERE w.delivery_id = e.delivery_id) IS NULL;

-- That a document was recalled, or asked to be given back, stands in one view; what says so besides asks it.
DROP VIEW owed;
DROP VIEW handled;
DROP VIEW desk_line;

CREATE VIEW recalled AS
SELECT r.original_id AS message_id FROM message AS r INDEXED BY message_by_original
WHERE r.original_id IS NOT NULL AND ((r.kind = 'document' AND r.business_type = '1')
                                     OR (r.kind = 'status' AND r.business_type = '13'));

CREATE VIEW desk_line AS
SELECT e.id, e.office_id, e.direction, e.series, e.year, e.number, e.day, e.at, e.actor,
       COALESCE(e.message_id, '') AS message_id, COALESCE(e.delivery_id, '') AS delivery_id,
       CASE WHEN m.id IS NULL THEN e.issuer ELSE COALESCE(m.envelope ->> '$.sender.organ_name', '') END AS issuer,
       CASE WHEN m.id IS NULL THEN e.code_number ELSE m.code_number END AS code_number,
       CASE WHEN m.id IS NULL THEN e.code_notation ELSE m.code_notation END AS code_notation,
       CASE WHEN m.id IS NULL THEN e.issued_on ELSE COALESCE(m.promulgated_on, '') END AS issued_on,
       CASE WHEN m.id IS NULL THEN e.type_name ELSE COALESCE(m.envelope ->> '$.doc_type_name', '') END AS type_name,
       CASE WHEN m.id IS NULL THEN e.subject ELSE m.subject END AS subject,
       CASE WHEN m.id IS NULL THEN e.signer ELSE COALESCE(m.envelope ->> '$.signer', '') END AS signer,
       CASE WHEN m.id IS NULL THEN e.recipients ELSE COALESCE(m.envelope -> '$.recipients', '[]') END AS recipients,
       e.receiver, e.passed_on, e.due_on, e.copies, e.note, COALESCE(e.scan_id, '') AS scan_id, e.voided_at,
       COALESCE(e.voided_why, '') AS voided_why, e.is_closed, COALESCE(d.business_status, '') AS status,
       EXISTS (SELECT 1 FROM recalled AS r WHERE r.message_id = e.message_id) AS is_recalled,
       m.accepted_at
FROM desk_entry AS e LEFT JOIN message AS m ON m.id = e.message_id LEFT JOIN delivery AS d ON d.id = e.delivery_id;

CREATE VIEW handled AS
SELECT d.id AS delivery_id FROM delivery AS d JOIN message AS m ON m.id = d.message_id
WHERE EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code BETWEEN '02' AND '06')
   OR m.business_type = '1' AND d.business_status IN ('15', '16')
   OR d.business_status = '15' AND EXISTS (SELECT 1 FROM recalled AS r WHERE r.message_id = m.id);

CREATE VIEW owed AS
SELECT d.id AS delivery_id, d.recipient_id AS recipient_id, m.due_on AS due_on
FROM message AS m JOIN delivery AS d ON d.message_id = m.id
WHERE m.kind = 'document' AND m.due_on > '' AND m.sandbox = 0
  AND (d.state IN ('relayed', 'delivered', 'acknowledged', 'handed_over')
       OR d.in_inbox = 1 AND d.state IN ('queued', 'in_flight'))
  AND (d.business_status IS NOT '15' OR m.business_type IS NOT '1' AND NOT EXISTS (
      SELECT 1 FROM recalled AS r WHERE r.message_id = m.id))
  AND NOT EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code IN ('02', '06'))
  AND NOT EXISTS (
      SELECT 1 FROM message AS r INDEXED BY message_by_answer
      WHERE r.kind = 'document' AND r.answers_ref = m.document_ref AND r.answers_ref > ''
        AND r.sender_id = d.recipient_id AND r.accepted_at >= m.accepted_at);

-- What a request names besides its first document, which is its original_id: it is about each of them alike.
CREATE TABLE request_original (
    original_id TEXT NOT NULL REFERENCES message (id),
    message_id  TEXT NOT NULL REFERENCES message (id),
    PRIMARY KEY (original_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_original_of_request ON request_original (message_id);

-- Of requests accepted before: what still awaits their answer, and what they name by its DocumentId.
INSERT OR IGNORE INTO request_original (original_id, message_id)
SELECT d.message_id, r.id FROM delivery AS d JOIN message AS r ON r.id = d.request_id
WHERE d.request_id IS NOT NULL AND d.message_id IS NOT r.original_id;
INSERT OR IGNORE INTO request_original (original_id, message_id)
SELECT o.id, r.id
FROM message AS r INDEXED BY message_by_original
JOIN json_each(CASE WHEN r.business_type = '3' THEN r.envelope -> '$.business.replacements'
                    ELSE r.envelope -> '$.responses_for' END) AS n
JOIN message AS o ON o.id = (
    SELECT m.id FROM message AS m
    WHERE m.document_ref = n.value ->> 'document_id' AND m.document_ref <> '' AND m.kind = 'document'
      AND +m.sender_id = r.sender_id AND m.business_type IN ('0', '2', '3') AND m.id <> r.id
      AND m.accepted_at <= r.accepted_at
    ORDER BY m.accepted_at DESC, m.id DESC LIMIT 1)
WHERE r.original_id IS NOT NULL AND o.id IS NOT r.original_id
  AND (r.kind = 'document' AND r.business_type IN ('1', '3') OR r.kind = 'status' AND r.business_type = '13');

DROP VIEW recalled;
CREATE VIEW recalled AS
SELECT r.original_id AS message_id FROM message AS r INDEXED BY message_by_original
WHERE r.original_id IS NOT NULL AND ((r.kind = 'document' AND r.business_type = '1')
                                     OR (r.kind = 'status' AND r.business_type = '13'))
UNION ALL
SELECT o.original_id FROM request_original AS o CROSS JOIN message AS r ON r.id = o.message_id
WHERE (r.kind = 'document' AND r.business_type = '1') OR (r.kind = 'status' AND r.business_type = '13');

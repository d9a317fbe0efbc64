-- name: event_list_told
-- The story of one message for a person: its own events, those of its lines, and why people acted. Of a very long one
-- the newest.
SELECT seq, kind, at, delivery_id, actor, leaf, COALESCE(note, '') FROM event WHERE message_id = :message
UNION
SELECT seq, kind, at, delivery_id, actor, leaf, COALESCE(note, '') FROM event
WHERE delivery_id IN (SELECT id FROM delivery WHERE message_id = :message)
ORDER BY 1 DESC LIMIT :limit;

-- name: message_list_relations
-- Documents among some messages, the earliest first; of :agencies (NULL: all), what they sent or were sent, but for
-- lines that are kept from recipients (:hidden).
SELECT m.id, m.business_type, m.sender_id, m.sender_code, m.code_number, m.code_notation, m.document_ref,
       COALESCE(m.promulgated_on, '')
FROM message AS m
WHERE m.id IN (SELECT value FROM json_each(:ids)) AND m.kind = 'document'
  AND (:agencies IS NULL OR +m.sender_id IN (SELECT value FROM json_each(:agencies))
       OR EXISTS (SELECT 1 FROM delivery AS d
                  WHERE d.message_id = m.id AND +d.recipient_id IN (SELECT value FROM json_each(:agencies))
                    AND +d.state NOT IN (SELECT value FROM json_each(:hidden))))
ORDER BY m.accepted_at, m.id;

-- name: message_list_answering
-- Documents that name this one first among those that they answer, the earliest first.
SELECT m.id FROM message AS m INDEXED BY message_by_answer
WHERE m.kind = 'document' AND m.answers_ref = :document_ref AND m.answers_ref > ''
ORDER BY m.accepted_at, m.id LIMIT :limit;

-- name: message_list_answering_number
-- Documents that name first a number, issuer and day, and no DocumentId: JSON list of such texts; and what they name.
SELECT m.id, m.envelope -> '$.responses_for[0]' FROM message AS m INDEXED BY message_by_answered_number
WHERE m.kind = 'document' AND m.answers_number > ''
  AND m.answers_number IN (SELECT value FROM json_each(:named))
ORDER BY m.accepted_at, m.id LIMIT :limit;

-- name: message_list_named
-- Documents that somebody may mean who names one by DocumentId, or by number, notation and day (a pattern).
SELECT id FROM (
    SELECT m.id FROM message AS m INDEXED BY message_by_document_ref
    WHERE m.document_ref = :document_ref AND m.document_ref <> '' AND m.kind = 'document' LIMIT 50)
UNION ALL
SELECT id FROM (
    SELECT m.id FROM message AS m INDEXED BY message_by_number
    WHERE m.code_number = :number AND m.code_number <> '' AND m.code_notation = :notation AND m.kind = 'document'
      AND m.promulgated_on LIKE :day LIMIT 50);

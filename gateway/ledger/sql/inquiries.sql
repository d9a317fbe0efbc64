-- name: inquiry_find_documents
-- Documents whose number lies in one of some spans: id, sender, its code, number, notation, date, acceptance.
SELECT m.id, m.sender_id, m.sender_code, m.document_ref, m.code_number, m.code_notation, m.promulgated_on, m.subject,
       m.business_type, m.sha256, m.original_id, m.accepted_at
FROM json_each(:spans) AS n
CROSS JOIN message AS m INDEXED BY message_by_number
WHERE m.code_number BETWEEN n.value ->> 0 AND n.value ->> 1 AND m.kind = 'document'
LIMIT :limit;

-- name: inquiry_list_documents
-- The same by their ids.
SELECT m.id, m.sender_id, m.sender_code, m.document_ref, m.code_number, m.code_notation, m.promulgated_on, m.subject,
       m.business_type, m.sha256, m.original_id, m.accepted_at
FROM message AS m WHERE m.id IN (SELECT value FROM json_each(?)) AND m.kind = 'document';

-- name: inquiry_list_about
-- Documents that recall, update or replace some: which one, id, business type, number, notation, acceptance.
SELECT m.original_id, m.id, m.business_type, m.code_number, m.code_notation, m.accepted_at
FROM json_each(?1) AS v CROSS JOIN message AS m ON m.original_id = v.value
WHERE m.kind = 'document' AND m.business_type IN ('1', '2', '3')
UNION ALL
SELECT o.original_id, m.id, m.business_type, m.code_number, m.code_notation, m.accepted_at
FROM json_each(?1) AS v CROSS JOIN request_original AS o ON o.original_id = v.value
CROSS JOIN message AS m ON m.id = o.message_id
WHERE m.kind = 'document' AND m.business_type IN ('1', '2', '3');

-- name: inquiry_list_lines
-- Lines of some documents with what is known of their arrival: a peer's id of it, whether its system took it in full
-- (of a transmission to several, some may have refused; a person's confirmation is another event), a signature of
-- the receiver, what it reported first as 03, and first at all.
SELECT d.id, d.message_id, d.recipient_id, d.recipient_code, d.state, COALESCE(d.business_status, ''),
       COALESCE(d.peer_ref, ''),
       EXISTS (SELECT 1 FROM event AS e WHERE e.delivery_id = d.id AND e.kind = 'delivery.delivered'),
       EXISTS (SELECT 1 FROM receiver_proof AS p WHERE p.delivery_id = d.id AND p.kind = 'signature'),
       (SELECT MIN(s.recorded_at) FROM status AS s WHERE s.delivery_id = d.id AND s.code = '03'),
       (SELECT MIN(s.recorded_at) FROM status AS s WHERE s.delivery_id = d.id),
       d.state_at
FROM json_each(:messages) AS v CROSS JOIN delivery AS d ON d.message_id = v.value
WHERE (:recipients IS NULL OR d.recipient_id IN (SELECT value FROM json_each(:recipients)))
ORDER BY d.seq;

-- name: lookup_list
-- What auditors looked up, newest first, before a number; by one of them (:actor), within a span, with a text in the
-- question, which stands after its salt.
SELECT e.seq, e.at, e.actor, e.leaf, COALESCE(e.note, '') FROM event AS e INDEXED BY event_of_lookups
WHERE e.kind = 'lookup.made' AND e.seq < :before
  AND (:actor IS NULL OR e.actor = :actor) AND e.at >= :since AND e.at < :until
  AND (:text = '' OR instr(substr(e.note, instr(e.note, ' ')), :text) > 0)
ORDER BY e.seq DESC LIMIT :limit;

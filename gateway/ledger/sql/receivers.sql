-- name: receiver_proof_insert
-- The proof of an acknowledgement or status.
INSERT INTO receiver_proof (id, message_id, delivery_id, act, agency_id, kind, key_id, certificate, at, sha256, file)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: peer_certificate_insert_new
-- The certificate of a connection that a proof is bound to.
INSERT INTO peer_certificate (sha256, first_at, der) VALUES (?, ?, ?) ON CONFLICT (sha256) DO NOTHING;

-- name: receiver_proof_list_of_messages
-- What receivers said of some messages, and how some statuses came, in the order of their ids.
SELECT p.id, p.message_id, p.delivery_id, p.act, p.agency_id, p.kind, p.key_id, p.certificate, p.at, p.sha256, p.file,
       c.der
FROM receiver_proof AS p LEFT JOIN peer_certificate AS c ON c.sha256 = p.certificate
WHERE p.message_id IN (SELECT value FROM json_each(?)) ORDER BY p.id;

-- name: receiver_proof_find_signed
-- Which of some deliveries have a signed acknowledgement.
SELECT DISTINCT delivery_id FROM receiver_proof
WHERE delivery_id IN (SELECT value FROM json_each(?)) AND act = 'acknowledgement' AND kind = 'signature';

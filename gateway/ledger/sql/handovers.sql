-- name: delivery_list_open
-- Deliveries in some states, in the ledger's order: what is told of them to a successor.
SELECT d.seq, d.id, m.id, m.document_ref, m.sha256, m.sender_code, d.recipient_code, d.state, m.accepted_at
FROM delivery AS d JOIN message AS m ON m.id = d.message_id
WHERE d.seq > :after AND d.state IN (SELECT value FROM json_each(:states)) ORDER BY d.seq LIMIT :limit;

-- name: event_read_newest
-- The newest event: number, kind, leaf.
SELECT seq, kind, leaf FROM event ORDER BY seq DESC LIMIT 1;

-- name: event_read_end
-- The leaf of `ledger.ended`, where no server has run since.
SELECT leaf FROM (SELECT kind, leaf FROM event WHERE kind IN ('ledger.ended', 'server.started') ORDER BY seq DESC LIMIT 1)
WHERE kind = 'ledger.ended';

-- name: foreign_ledger_insert
-- A ledger was taken over: log, gateway, leaves, root, instant, folder.
INSERT INTO foreign_ledger (origin, gateway, size, root, taken_at, folder) VALUES (?, ?, ?, ?, ?, ?);

-- name: foreign_ledger_list
-- Ledgers that were taken over, oldest first.
SELECT origin, gateway, size, root, taken_at, folder FROM foreign_ledger ORDER BY taken_at, origin;

-- name: foreign_document_insert
-- Where an acceptance of a foreign ledger stands: log, leaf, file, message, how it calls itself.
INSERT INTO foreign_document (origin, leaf, file, message_id, document_ref, number) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: foreign_document_find
-- Documents of ledgers that were taken over, by id, DocumentId or number.
SELECT d.origin, l.gateway, d.leaf, l.folder, d.file, d.message_id, d.document_ref, d.number
FROM foreign_document AS d JOIN foreign_ledger AS l ON l.origin = d.origin
WHERE d.message_id = :text OR d.document_ref = :text OR d.number = :number ORDER BY d.origin, d.leaf LIMIT 50;

-- name: foreign_file_insert
-- A file of a ledger that was taken over: log, name, length, digest.
INSERT INTO foreign_file (origin, name, size, sha256) VALUES (?, ?, ?, ?);

-- name: foreign_file_list
-- Files of ledgers that were taken over.
SELECT origin, name, size, sha256 FROM foreign_file ORDER BY origin, name;

-- name: archive_list_made
-- Archives that were made, oldest first: their events' leaves.
SELECT seq, at, actor, leaf FROM event INDEXED BY event_of_archives WHERE kind = 'archive.made' ORDER BY seq;

-- name: register_day_read_first
-- The first day that was ever closed.
SELECT day FROM register_day ORDER BY day LIMIT 1;

-- name: archive_list_leaves
-- The next events up to one: number, leaf, hash.
SELECT seq, leaf, leaf_hash FROM event WHERE seq > :after AND seq <= :until ORDER BY seq LIMIT :limit;

-- name: archive_list_receipts
-- The next acceptances up to an event: number, leaf, message, how the document calls itself, manifest, receipt.
SELECT e.seq, (SELECT r.first_index + e.seq - r.first_seq FROM log_run AS r WHERE r.first_seq <= e.seq
               ORDER BY r.first_seq DESC LIMIT 1),
       m.id, m.code_number, m.code_notation, m.promulgated_on, p.transfer, p.xades
FROM event AS e JOIN message AS m ON m.id = e.message_id JOIN receipt AS p ON p.message_id = e.message_id
WHERE e.seq > :after AND e.seq <= :until AND e.kind IN ('document.accepted', 'document.imported')
ORDER BY e.seq LIMIT :limit;

-- name: archive_list_receipt_stamps
-- The next stamps whose first receipt is among some events: its number, leaves of first and last, and what it is.
SELECT s.first_seq,
       (SELECT r.first_index + s.first_seq - r.first_seq FROM log_run AS r WHERE r.first_seq <= s.first_seq
        ORDER BY r.first_seq DESC LIMIT 1),
       (SELECT r.first_index + s.last_seq - r.first_seq FROM log_run AS r WHERE r.first_seq <= s.last_seq
        ORDER BY r.first_seq DESC LIMIT 1),
       s.form, s.hashes, s.server, s.at, s.token
FROM receipt_stamp AS s WHERE s.first_seq > :after AND s.first_seq <= :until ORDER BY s.first_seq LIMIT :limit;

-- name: archive_list_reports
-- The next verdicts up to an event: number, leaf, message, digest, report.
SELECT e.seq, (SELECT r.first_index + e.seq - r.first_seq FROM log_run AS r WHERE r.first_seq <= e.seq
               ORDER BY r.first_seq DESC LIMIT 1),
       e.message_id, v.sha256, v.report
FROM event AS e JOIN verdict AS v
  ON v.message_id = e.message_id AND v.sha256 = CAST(e.leaf AS TEXT) ->> '$.facts.report'
WHERE e.seq > :after AND e.seq <= :until AND e.kind = 'document.checked'
GROUP BY e.seq ORDER BY e.seq LIMIT :limit;

-- name: archive_list_proofs
-- What receivers proved by the next events up to one: number, leaf, message, digest, file, connection's certificate.
SELECT e.seq, (SELECT r.first_index + e.seq - r.first_seq FROM log_run AS r WHERE r.first_seq <= e.seq
               ORDER BY r.first_seq DESC LIMIT 1),
       p.message_id, p.sha256, p.file, c.der
FROM event AS e
JOIN receiver_proof AS p ON p.sha256 = CAST(e.leaf AS TEXT) ->> '$.facts.proof'
LEFT JOIN peer_certificate AS c ON c.sha256 = p.certificate
WHERE e.seq > :after AND e.seq <= :until GROUP BY e.seq ORDER BY e.seq LIMIT :limit;

-- name: archive_list_checkpoints
-- The next checkpoints up to a size: leaves, note as signed, the institution's signature.
SELECT c.size, c.note, s.cms FROM checkpoint AS c LEFT JOIN checkpoint_signature AS s ON s.size = c.size
WHERE c.size > :after AND c.size <= :until ORDER BY c.size LIMIT :limit;

-- name: archive_list_cosignatures
-- Lines of witnesses below checkpoints of some sizes.
SELECT size, line FROM cosignature WHERE size > :after AND size <= :until ORDER BY size, at, witness;

-- name: archive_list_stamps
-- Time stamps over checkpoints of some sizes.
SELECT size, server, at, token FROM checkpoint_stamp WHERE size > :after AND size <= :until
ORDER BY size, at, server;

-- name: archive_list_agencies
-- The next agencies: what they are, and every code and name that they had.
SELECT a.id, a.kind, a.opened_at, a.closed_at, a.successor_id,
       (SELECT json_group_array(json_array(c.code, c.valid_from, c.valid_until))
        FROM agency_code AS c WHERE c.agency_id = a.id),
       (SELECT json_group_array(json_array(n.name, n.valid_from, n.valid_until))
        FROM agency_name AS n WHERE n.agency_id = a.id)
FROM agency AS a WHERE a.id > :after ORDER BY a.id LIMIT :limit;

-- The clerk's desk: a line of a register as it reads, desks of offices that documents are brought to, papers destroyed by order.

-- A line with what its document says now; of a paper, what the clerk wrote down.
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
       EXISTS (SELECT 1 FROM message AS r INDEXED BY message_by_original
               WHERE r.original_id = e.message_id AND ((r.kind = 'document' AND r.business_type = '1')
                                                       OR (r.kind = 'status' AND r.business_type = '13'))) AS is_recalled,
       m.accepted_at
FROM desk_entry AS e LEFT JOIN message AS m ON m.id = e.message_id LEFT JOIN delivery AS d ON d.id = e.delivery_id;

-- Offices whose documents are brought to a system of theirs and which keep a desk all the same, by their own wish.
CREATE TABLE desk_office (
    office_id TEXT PRIMARY KEY REFERENCES agency (id),
    -- what came before is the system's
    since     INTEGER NOT NULL,
    set_by    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What waits for a clerk, brought or not.
DROP INDEX delivery_of_desk;
CREATE INDEX delivery_of_desk ON delivery (recipient_id, seq)
    WHERE expects_status = 1 AND (business_status IS NULL OR business_status = '01');

-- Papers of registers in orders to destroy.
CREATE TABLE purge_paper (
    purge_id  TEXT NOT NULL REFERENCES purge (id),
    entry_id  TEXT NOT NULL REFERENCES desk_entry (id),
    -- of its scan; '' where it has none
    sha256    TEXT NOT NULL CHECK (length(sha256) IN (0, 64)),
    -- since when nobody is given a byte of it
    purged_at INTEGER,
    -- with which the digest of the text that went is salted, as its leaf has it
    salt      BLOB CHECK (length(salt) = 32),
    PRIMARY KEY (purge_id, entry_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX purged_paper ON purge_paper (entry_id) WHERE purged_at IS NOT NULL;

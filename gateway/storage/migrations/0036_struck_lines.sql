-- foreign keys: off
-- The clerk's desk: a struck line no longer keeps its document from the register; an answer to a request is no handling.

DROP VIEW desk_line;
CREATE TABLE desk_entry_anew (
    id            TEXT PRIMARY KEY,
    office_id     TEXT NOT NULL REFERENCES agency (id),
    direction     TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    -- outgoing documents of one kind may have numbers of their own; incoming ones have one series
    series        TEXT NOT NULL CHECK (direction = 'out' OR series = ''),
    year          INTEGER NOT NULL,
    number        INTEGER NOT NULL CHECK (number > 0),
    -- of Vietnam, yyyy-mm-dd
    day           TEXT NOT NULL CHECK (length(day) = 10),
    at            INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    -- the document where it came or went by the gateway, and the 03 recorded with it
    message_id    TEXT REFERENCES message (id),
    delivery_id   TEXT REFERENCES delivery (id),
    status_id     TEXT REFERENCES message (id),
    -- of a document that did not: what the paper says; of one that did, its envelope says so, and these are empty
    issuer        TEXT NOT NULL,
    code_number   TEXT NOT NULL,
    code_notation TEXT NOT NULL,
    issued_on     TEXT NOT NULL,
    type_name     TEXT NOT NULL,
    subject       TEXT NOT NULL,
    signer        TEXT NOT NULL,
    recipients    TEXT NOT NULL,
    -- what the office writes beside it: who gets it and since when, what is kept by whom, how many copies
    receiver      TEXT NOT NULL,
    passed_on     TEXT NOT NULL,
    due_on        TEXT NOT NULL,
    copies        INTEGER NOT NULL CHECK (copies >= 0),
    note          TEXT NOT NULL,
    scan_id       TEXT REFERENCES desk_file (id),
    -- equal for what a person would call the same document
    twin          TEXT NOT NULL CHECK (length(twin) = 64),
    -- digest of the line as it was written, under this salt: what its event and its day hold
    salt          BLOB NOT NULL CHECK (length(salt) = 32),
    sha256        TEXT NOT NULL CHECK (length(sha256) = 64),
    -- whether its day is closed
    is_closed     INTEGER NOT NULL DEFAULT 0 CHECK (is_closed IN (0, 1)),
    voided_at     INTEGER,
    voided_by     TEXT,
    voided_why    TEXT,
    UNIQUE (office_id, direction, series, year, number),
    CHECK ((delivery_id IS NULL) OR (direction = 'in' AND message_id IS NOT NULL)),
    CHECK ((voided_at IS NULL) = (voided_by IS NULL) AND (voided_at IS NULL) = (voided_why IS NULL))
) STRICT;
INSERT INTO desk_entry_anew SELECT id, office_id, direction, series, year, number, day, at, actor, message_id, delivery_id, status_id,
    issuer, code_number, code_notation, issued_on, type_name, subject, signer, recipients, receiver,
    passed_on, due_on, copies, note, scan_id, twin, salt, sha256, is_closed, voided_at, voided_by,
    voided_why FROM desk_entry;
DROP TABLE desk_entry;
ALTER TABLE desk_entry_anew RENAME TO desk_entry;
CREATE INDEX desk_entry_by_day ON desk_entry (office_id, direction, day);
CREATE INDEX desk_entry_open ON desk_entry (day, office_id, direction) WHERE is_closed = 0;
CREATE INDEX desk_entry_by_twin ON desk_entry (office_id, direction, twin);
CREATE INDEX desk_entry_by_scan ON desk_entry (scan_id) WHERE scan_id IS NOT NULL;
-- One valid line of a document; those struck out stay beside it.
CREATE UNIQUE INDEX desk_entry_by_delivery ON desk_entry (delivery_id, COALESCE(voided_at, 0)) WHERE delivery_id IS NOT NULL;
CREATE UNIQUE INDEX desk_entry_by_message ON desk_entry (message_id, office_id, direction, COALESCE(voided_at, 0))
    WHERE message_id IS NOT NULL;
CREATE TRIGGER desk_entry_is_never_deleted BEFORE DELETE ON desk_entry
BEGIN SELECT RAISE(ABORT, 'lines of registers are never deleted'); END;

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

DROP INDEX delivery_of_desk;
-- What waits for a clerk, brought to the office or not: documents that nobody there has handled.
CREATE INDEX delivery_of_desk ON delivery (recipient_id, seq)
    WHERE expects_status = 1 AND (business_status IS NULL OR business_status IN ('01', '15', '16'));

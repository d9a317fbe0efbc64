-- The clerk's desk --------------------------------------------------------------------------------

-- Scans of papers, and files of drafts; the bytes are bodies. A draft's go with it, those of entries stay.
CREATE TABLE desk_file (
    id           TEXT PRIMARY KEY,
    office_id    TEXT NOT NULL REFERENCES agency (id),
    sha256       TEXT NOT NULL CHECK (length(sha256) = 64),
    size         INTEGER NOT NULL CHECK (size > 0),
    name         TEXT NOT NULL,
    content_type TEXT NOT NULL,
    added_at     INTEGER NOT NULL,
    added_by     TEXT NOT NULL
) STRICT;
CREATE INDEX desk_file_by_sha256 ON desk_file (sha256);
CREATE INDEX desk_file_by_office ON desk_file (office_id, added_at);

-- A line of an office's register of incoming (sổ văn bản đến) or outgoing documents (sổ văn bản đi). Numbers are
-- without a gap per office, direction, series and year; a line is voided, never deleted.
CREATE TABLE desk_entry (
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

-- A day of one register that was closed: no line is added to it.
CREATE TABLE desk_day (
    office_id   TEXT NOT NULL REFERENCES agency (id),
    direction   TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    day         TEXT NOT NULL CHECK (length(day) = 10),
    entries     INTEGER NOT NULL CHECK (entries > 0),
    -- over the lines' digests and that of the day closed before it
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    closed_at   INTEGER NOT NULL,
    PRIMARY KEY (office_id, direction, day)
) STRICT, WITHOUT ROWID;

-- What a clerk has begun to write; it outlives the session.
CREATE TABLE desk_draft (
    id         TEXT PRIMARY KEY,
    office_id  TEXT NOT NULL REFERENCES agency (id),
    owner      TEXT NOT NULL,
    -- the fields of the form
    form       TEXT NOT NULL CHECK (json_valid(form)),
    -- the line of the register whose number it has taken
    entry_id   TEXT REFERENCES desk_entry (id),
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX desk_draft_by_office ON desk_draft (office_id, changed_at);

CREATE TABLE desk_draft_file (
    draft_id TEXT NOT NULL REFERENCES desk_draft (id),
    place    INTEGER NOT NULL,
    file_id  TEXT NOT NULL REFERENCES desk_file (id),
    PRIMARY KEY (draft_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_draft_file_by_file ON desk_draft_file (file_id);

-- Recipients that an office writes to together.
CREATE TABLE desk_group (
    office_id TEXT NOT NULL REFERENCES agency (id),
    name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- codes
    members   TEXT NOT NULL CHECK (json_valid(members)),
    PRIMARY KEY (office_id, name)
) STRICT, WITHOUT ROWID;

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
       EXISTS (SELECT 1 FROM recalled AS r WHERE r.message_id = e.message_id) AS is_recalled,
       m.accepted_at
FROM desk_entry AS e LEFT JOIN message AS m ON m.id = e.message_id LEFT JOIN delivery AS d ON d.id = e.delivery_id;

-- Offices whose documents are brought to a system of theirs and which keep a desk all the same, by their own wish.
CREATE TABLE desk_office (
    office_id TEXT PRIMARY KEY REFERENCES agency (id),
    -- what came before is the system's
    since     INTEGER NOT NULL,
    set_by    TEXT NOT NULL,
    -- no line of what came since has this number or a lower one
    after_seq INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What waits for a clerk, brought to the office or not: documents that nobody there has handled.
CREATE INDEX delivery_of_desk ON delivery (recipient_id, in_inbox, priority, seq)
    WHERE expects_status = 1 AND (business_status IS NULL OR business_status IN ('01', '15', '16'));

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

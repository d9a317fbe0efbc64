-- Foreign ledgers ------------------------------------------------------------------------------------

-- Ledgers of other gateways that were taken over, and where their documents stand (decision 42). Insert only.
CREATE TABLE foreign_ledger (
    -- name of its log
    origin    TEXT PRIMARY KEY,
    -- organ id of the gateway that ended
    gateway   TEXT NOT NULL,
    size      INTEGER NOT NULL CHECK (size > 0),
    root      TEXT NOT NULL CHECK (length(root) = 64),
    taken_at  INTEGER NOT NULL,
    -- below the data folder: its archives
    folder    TEXT NOT NULL
) STRICT;

-- An acceptance of such a ledger, so that a person finds it.
CREATE TABLE foreign_document (
    origin        TEXT NOT NULL,
    leaf          INTEGER NOT NULL,
    -- the archive that it is in
    file          TEXT NOT NULL,
    message_id    TEXT NOT NULL,
    document_ref  TEXT NOT NULL,
    -- as registers compare it
    number        TEXT NOT NULL,
    PRIMARY KEY (origin, leaf)
) STRICT, WITHOUT ROWID;
CREATE INDEX foreign_document_by_message ON foreign_document (message_id);
CREATE INDEX foreign_document_by_ref ON foreign_document (document_ref);
CREATE INDEX foreign_document_by_number ON foreign_document (number);

-- Files of ledgers that were taken over, as they were taken.
CREATE TABLE foreign_file (
    origin  TEXT NOT NULL REFERENCES foreign_ledger (origin),
    -- in the ledger's folder
    name    TEXT NOT NULL,
    size    INTEGER NOT NULL CHECK (size >= 0),
    sha256  TEXT NOT NULL CHECK (length(sha256) = 64),
    PRIMARY KEY (origin, name)
) STRICT, WITHOUT ROWID;

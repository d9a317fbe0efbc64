-- What is known of the signatures that others made on documents, and what still waits to be examined (decision 27).

-- A document whose signatures are still to be examined; gone with its verdict.
CREATE TABLE check_due (
    message_id TEXT PRIMARY KEY REFERENCES message (id),
    created_at INTEGER NOT NULL,
    -- delivery -> policy (require, warn) of those that wait for the verdict
    held       TEXT NOT NULL CHECK (json_valid(held))
) STRICT, WITHOUT ROWID;
CREATE INDEX check_due_by_turn ON check_due (held = '{}', created_at, message_id);

-- A verdict with what it rests on; insert only.
CREATE TABLE verdict (
    message_id TEXT NOT NULL REFERENCES message (id),
    checked_at INTEGER NOT NULL,
    verdict    TEXT NOT NULL CHECK (verdict IN ('PASSED', 'INDETERMINATE', 'FAILED')),
    signatures INTEGER NOT NULL,
    -- SHA-256 of the report's bytes
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
    -- JSON with every check, the certificates and the digests of the revocation lists
    report     BLOB NOT NULL,
    PRIMARY KEY (message_id, checked_at)
) STRICT;

-- Revocation lists and OCSP answers that verdicts rest on, once each; insert only.
CREATE TABLE revocation_answer (
    sha256   TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    first_at INTEGER NOT NULL,
    der      BLOB NOT NULL
) STRICT;

-- Checks -------------------------------------------------------------------------------------------

-- A document whose signatures are still to be examined; gone with its verdict.
CREATE TABLE check_due (
    message_id TEXT PRIMARY KEY REFERENCES message (id),
    created_at INTEGER NOT NULL,
    -- delivery -> policy (require, warn) of those that wait for the verdict
    held       TEXT NOT NULL CHECK (json_valid(held)),
    -- 0, 1: to be examined, what holds a delivery back first; 2: it was, and waits for what CAs have not said yet
    turn       INTEGER NOT NULL DEFAULT 0 CHECK (turn IN (0, 1, 2)),
    -- since when it waits so, and when it is looked at again whatever they say
    waiting_since INTEGER,
    due_at     INTEGER,
    -- when the recipients' policies decided without it
    decided_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX check_due_by_turn ON check_due (turn, created_at, message_id);
CREATE INDEX check_due_waiting ON check_due (due_at) WHERE turn = 2;

-- The answers that would do for a document that waits; gone with the wait.
CREATE TABLE check_wait (
    message_id TEXT NOT NULL REFERENCES check_due (message_id) ON DELETE CASCADE,
    subject    TEXT NOT NULL,
    authority  TEXT NOT NULL,
    PRIMARY KEY (message_id, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_wait_by_subject ON check_wait (subject);

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

-- What CAs said about revocation, each once; what a verdict rests on stays.
CREATE TABLE revocation_answer (
    sha256      TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    first_at    INTEGER NOT NULL,
    der         BLOB NOT NULL,
    -- what it is about, as `gateway.seal.revocation` names it; NULL: it came with a signature, nobody looks it up
    subject     TEXT,
    kind        TEXT CHECK (kind IN ('crl', 'ocsp')),
    this_update INTEGER,
    next_update INTEGER,
    -- whether a verdict rests on it: then it stays
    used        INTEGER NOT NULL DEFAULT 1 CHECK (used IN (0, 1)),
    -- when its file was in its place for those that judge signatures
    placed_at   INTEGER
) STRICT;
CREATE INDEX revocation_answer_by_subject ON revocation_answer (subject, this_update) WHERE subject IS NOT NULL;

-- Lists that are fetched again and again: where, and how that went.
CREATE TABLE revocation_source (
    url           TEXT NOT NULL,
    -- SHA-256 of the certificate of the CA that must have signed them; '': any that is trusted here
    issuer_sha256 TEXT NOT NULL,
    issuer        BLOB NOT NULL,
    authority     TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    -- when a signature was last judged by it
    wanted_at     INTEGER NOT NULL,
    answered_at   INTEGER,
    -- when the list at hand ends
    until         INTEGER,
    failing_since INTEGER,
    fault         TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (url, issuer_sha256)
) STRICT, WITHOUT ROWID;

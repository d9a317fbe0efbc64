-- The transparency log ------------------------------------------------------------------------------

-- The tree as it is: one row. Only the sequencer writes it, and only over the state that it has read.
CREATE TABLE log_tree (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    -- leaves
    size      INTEGER NOT NULL CHECK (size >= 0),
    root      BLOB NOT NULL CHECK (length(root) = 32),
    -- roots of its complete subtrees, largest first
    frontier  BLOB NOT NULL CHECK (length(frontier) % 32 = 0),
    -- number of the last event in it
    seq       INTEGER NOT NULL CHECK (seq >= 0),
    -- 1, and one more with each `gateway log declare`: another epoch is another log, with an origin of its own
    epoch     INTEGER NOT NULL CHECK (epoch >= 1)
) STRICT;
INSERT INTO log_tree VALUES (1, 0, x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', x'', 0, 1);

-- Which leaf is which event: numbers of events jump where a restore opened an epoch, those of leaves never do.
CREATE TABLE log_run (
    first_seq    INTEGER PRIMARY KEY,
    first_index  INTEGER NOT NULL UNIQUE,
    count        INTEGER NOT NULL CHECK (count > 0)
) STRICT;

-- Tiles of height 8 (C2SP tlog-tiles); the last of each level grows in place.
CREATE TABLE log_tile (
    level   INTEGER NOT NULL CHECK (level BETWEEN 0 AND 63),
    idx     INTEGER NOT NULL CHECK (idx >= 0),
    hashes  BLOB NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, idx)
) STRICT;

-- What we signed; the note is text and our own signature, without those of witnesses.
CREATE TABLE checkpoint (
    size  INTEGER PRIMARY KEY CHECK (size > 0),
    root  BLOB NOT NULL CHECK (length(root) = 32),
    at    INTEGER NOT NULL,
    note  BLOB NOT NULL
) STRICT;

-- RFC 3161 answers over the digest of such a note.
CREATE TABLE checkpoint_stamp (
    size    INTEGER NOT NULL REFERENCES checkpoint (size),
    server  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    token   BLOB NOT NULL,
    PRIMARY KEY (size, server)
) STRICT;

-- Lines of witnesses below such a note.
CREATE TABLE cosignature (
    size     INTEGER NOT NULL REFERENCES checkpoint (size),
    witness  TEXT NOT NULL,
    at       INTEGER NOT NULL,
    line     TEXT NOT NULL,
    PRIMARY KEY (size, witness)
) STRICT;

-- A witness that says it has seen another history of the log, as long as it says so.
CREATE TABLE witness_contradiction (
    witness  TEXT PRIMARY KEY,
    since    INTEGER NOT NULL,
    -- ahead: it knows more leaves than were signed here; other_history: what it knows is not continued
    code     TEXT NOT NULL CHECK (code IN ('ahead', 'other_history')),
    -- leaves that it knows, and of the checkpoint that it was asked about
    known    INTEGER NOT NULL CHECK (known >= 0),
    asked    INTEGER NOT NULL CHECK (asked >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX cosignature_by_witness ON cosignature (witness, size);

CREATE TRIGGER checkpoint_is_append_only_update BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
CREATE TRIGGER checkpoint_is_append_only_delete BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;

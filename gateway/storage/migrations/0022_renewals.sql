-- The head of the log by other hashes, stamped again (decision 42). Insert only.
CREATE TABLE log_renewal (
    number      INTEGER PRIMARY KEY CHECK (number > 0),
    at          INTEGER NOT NULL,
    -- leaves, of a checkpoint
    size        INTEGER NOT NULL REFERENCES checkpoint (size),
    -- what was stamped (`gateway.transparency.renewal`)
    text        BLOB NOT NULL,
    -- roots of complete subtrees of 256 leaves by its hash, one after the other
    chunks      BLOB NOT NULL,
    -- the stamps over the checkpoint that it was made over, base 64
    stamps      TEXT NOT NULL CHECK (json_valid(stamps)),
    server      TEXT NOT NULL,
    stamped_at  INTEGER NOT NULL,
    -- RFC 3161 answer
    token       BLOB NOT NULL
) STRICT;

CREATE TRIGGER log_renewal_is_append_only_update BEFORE UPDATE ON log_renewal
BEGIN SELECT RAISE(ABORT, 'renewals are append-only'); END;
CREATE TRIGGER log_renewal_is_append_only_delete BEFORE DELETE ON log_renewal
BEGIN SELECT RAISE(ABORT, 'renewals are append-only'); END;

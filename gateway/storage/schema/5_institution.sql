-- The institution ----------------------------------------------------------------------------------------

-- The institution's signatures over checkpoints: detached CMS over the note as the log signed it; insert only.
CREATE TABLE checkpoint_signature (
    size         INTEGER PRIMARY KEY REFERENCES checkpoint (size),
    at           INTEGER NOT NULL,
    -- SHA-256 of the signer's certificate
    certificate  TEXT NOT NULL CHECK (length(certificate) = 64),
    cms          BLOB NOT NULL
) STRICT;

CREATE TRIGGER checkpoint_signature_is_append_only_update BEFORE UPDATE ON checkpoint_signature
BEGIN SELECT RAISE(ABORT, 'signatures of checkpoints are append-only'); END;
CREATE TRIGGER checkpoint_signature_is_append_only_delete BEFORE DELETE ON checkpoint_signature
BEGIN SELECT RAISE(ABORT, 'signatures of checkpoints are append-only'); END;

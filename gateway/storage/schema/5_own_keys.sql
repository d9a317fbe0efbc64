-- Own keys -----------------------------------------------------------------------------------------------

-- The certificates that the gateway signed with, from when on; the one before ends there. Insert only, kept for ever.
CREATE TABLE own_certificate (
    -- seal, institution
    purpose  TEXT NOT NULL CHECK (purpose IN ('seal', 'institution')),
    sha256   TEXT NOT NULL CHECK (length(sha256) = 64),
    der      BLOB NOT NULL,
    since    INTEGER NOT NULL
) STRICT;
CREATE INDEX own_certificate_by_purpose ON own_certificate (purpose, since);

CREATE TRIGGER own_certificate_is_append_only_update BEFORE UPDATE ON own_certificate
BEGIN SELECT RAISE(ABORT, 'certificates of ours are append-only'); END;
CREATE TRIGGER own_certificate_is_append_only_delete BEFORE DELETE ON own_certificate
BEGIN SELECT RAISE(ABORT, 'certificates of ours are append-only'); END;

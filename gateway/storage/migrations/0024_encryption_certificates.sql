-- Certificates that agencies let others encrypt to (decision 43).

-- One of them; ended, never deleted.
CREATE TABLE encryption_certificate (
    agency_id  TEXT NOT NULL REFERENCES agency (id),
    -- of the certificate, and the certificate
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
    der        BLOB NOT NULL,
    -- as it says itself
    not_before INTEGER NOT NULL,
    not_after  INTEGER NOT NULL CHECK (not_after > not_before),
    added_at   INTEGER NOT NULL,
    added_by   TEXT NOT NULL,
    ended_at   INTEGER,
    ended_by   TEXT,
    -- another took its place, or its key is lost or known to others
    ended_as   TEXT CHECK (ended_as IN ('replaced', 'revoked')),
    PRIMARY KEY (agency_id, sha256),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (ended_as IS NULL))
) STRICT;

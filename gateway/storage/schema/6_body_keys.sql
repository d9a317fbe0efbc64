-- Encryption of bodies ------------------------------------------------------------------------------

-- Data keys, each encrypted under a key that lies elsewhere; the newest one serves new bodies.
CREATE TABLE body_key (
    number      INTEGER PRIMARY KEY,
    -- in the header of each body it serves
    id          TEXT NOT NULL UNIQUE CHECK (length(id) = 16),
    made_at     INTEGER NOT NULL,
    -- id of the key that it is encrypted under, and since when
    wrapper     TEXT NOT NULL,
    wrapped_at  INTEGER NOT NULL,
    wrapped     BLOB NOT NULL CHECK (length(wrapped) >= 48)
) STRICT;

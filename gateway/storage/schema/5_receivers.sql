-- Receivers ---------------------------------------------------------------------------------------

-- A public key with which an office signs what it says; kept for ever, with when it counted.
CREATE TABLE receiver_key (
    agency_id   TEXT NOT NULL REFERENCES agency (id),
    -- SHA-256 of the SubjectPublicKeyInfo, hexadecimal: what signatures name it by
    key_id      TEXT NOT NULL CHECK (length(key_id) = 64),
    -- SubjectPublicKeyInfo, DER
    public_key  BLOB NOT NULL,
    label       TEXT NOT NULL,
    added_at    INTEGER NOT NULL,
    ended_at    INTEGER,
    PRIMARY KEY (agency_id, key_id)
) STRICT;

-- Certificates of connections that proofs are bound to, once each; insert only.
CREATE TABLE peer_certificate (
    sha256   TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    first_at INTEGER NOT NULL,
    der      BLOB NOT NULL
) STRICT;

-- The proof of one acknowledgement or status; insert only.
CREATE TABLE receiver_proof (
    id          TEXT PRIMARY KEY,
    -- the message that was acknowledged, or the status message itself
    message_id  TEXT NOT NULL REFERENCES message (id),
    delivery_id TEXT REFERENCES delivery (id),
    act         TEXT NOT NULL CHECK (act IN ('acknowledgement', 'status')),
    agency_id   TEXT NOT NULL REFERENCES agency (id),
    -- signature: by the receiver's own key; else what the connection was authenticated by
    kind        TEXT NOT NULL,
    key_id      TEXT,
    -- SHA-256 of the connection's certificate, where there is one
    certificate TEXT REFERENCES peer_certificate (sha256),
    at          INTEGER NOT NULL,
    -- SHA-256 of the file, as the leaf of the act has it
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    file        BLOB NOT NULL,
    CHECK ((kind = 'signature') = (key_id IS NOT NULL))
) STRICT;
CREATE INDEX receiver_proof_by_message ON receiver_proof (message_id);
CREATE INDEX receiver_proof_by_sha256 ON receiver_proof (sha256);
CREATE INDEX receiver_proof_signed ON receiver_proof (delivery_id) WHERE kind = 'signature';

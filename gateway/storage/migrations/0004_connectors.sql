-- foreign keys: off
-- Connectors: a channel's kind names the adapter that reaches it, and adapters come without a migration each.

CREATE TABLE endpoint_free (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    -- inbox: its agencies pull; else the adapter that reaches it
    kind          TEXT NOT NULL CHECK (kind GLOB '[a-z]*' AND length(kind) <= 40),
    -- where to dial and how (url, anchors, secret file name …); never a secret itself
    settings      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(settings)),
    -- what the peer can take: dialect, fans_out, max_bytes, document_types, statuses, …
    capabilities  TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(capabilities)),
    is_relay      INTEGER NOT NULL DEFAULT 0 CHECK (is_relay IN (0, 1)),
    paused_until  INTEGER,
    paused_by     TEXT,
    paused_why    TEXT,
    -- since when nothing gets through (breaker open or paused); NULL while it is up
    down_since    INTEGER,
    last_success_at INTEGER
) STRICT;
INSERT INTO endpoint_free SELECT id, name, kind, settings, capabilities, is_relay, paused_until, paused_by, paused_why,
                                 down_since, last_success_at FROM endpoint;
DROP TABLE endpoint;
ALTER TABLE endpoint_free RENAME TO endpoint;

-- Bindings -------------------------------------------------------------------------------------------

-- By what a peer proves itself in a protocol of its own; several of one system id may be in force at once.
CREATE TABLE shared_secret (
    id           TEXT PRIMARY KEY,
    agency_id    TEXT NOT NULL REFERENCES agency (id),
    -- the protocol
    binding      TEXT NOT NULL CHECK (binding GLOB '[a-z]*' AND length(binding) <= 40),
    -- what the peer calls itself in it
    system_id    TEXT NOT NULL,
    -- AES-256-GCM under the key of the secrets folder: nonce, ciphertext, tag
    sealed       BLOB NOT NULL,
    key_id       TEXT NOT NULL,
    -- SHA-256 of the secret; hex
    fingerprint  TEXT NOT NULL,
    -- JSON list of networks, never empty: what it signs covers neither path nor body
    allowed_networks TEXT NOT NULL CHECK (json_valid(allowed_networks) AND json_array_length(allowed_networks) > 0),
    issued_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER,
    label        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX shared_secret_by_system ON shared_secret (binding, system_id, issued_at);
CREATE INDEX shared_secret_by_agency ON shared_secret (agency_id);

-- What a peer asks for that only an operator may do; closed, never deleted.
CREATE TABLE operator_task (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    agency_id   TEXT NOT NULL REFERENCES agency (id),
    -- what was asked, as the peer wrote it
    facts       TEXT NOT NULL CHECK (json_valid(facts)),
    -- SHA-256 of agency, kind and facts: the same wish again is the same task while it is open
    wish        TEXT NOT NULL CHECK (length(wish) = 64),
    opened_at   INTEGER NOT NULL,
    opened_by   TEXT NOT NULL,
    closed_at   INTEGER,
    closed_by   TEXT,
    closed_why  TEXT,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX operator_task_open ON operator_task (wish) WHERE closed_at IS NULL;
CREATE INDEX operator_task_by_agency ON operator_task (agency_id) WHERE closed_at IS NULL;

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

-- Peers' lists ---------------------------------------------------------------------------------------

-- What a person decided about an entry of a peer's list that could not be accepted; the peer is told so.
CREATE TABLE offer_decision (
    offer_id   TEXT PRIMARY KEY REFERENCES offer (id),
    decision   TEXT NOT NULL CHECK (decision IN ('done', 'fail')),
    decided_at INTEGER NOT NULL,
    decided_by TEXT NOT NULL,
    why        TEXT NOT NULL
) STRICT;

-- How many entries came by a channel in one hour since 1970; an hour without any has no row.
CREATE TABLE arrival (
    endpoint_id TEXT NOT NULL REFERENCES endpoint (id),
    hour        INTEGER NOT NULL,
    entries     INTEGER NOT NULL,
    PRIMARY KEY (endpoint_id, hour)
) STRICT, WITHOUT ROWID;

-- When something last came by a channel, and since when that is longer ago than is usual.
CREATE TABLE silence (
    endpoint_id  TEXT PRIMARY KEY REFERENCES endpoint (id),
    arrived_at   INTEGER NOT NULL,
    silent_since INTEGER
) STRICT;

-- What comparing a day's ledger with a peer's lists came to.
CREATE TABLE reconciliation (
    id          TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL REFERENCES endpoint (id),
    -- the day in Vietnam, yyyy-mm-dd
    day         TEXT NOT NULL,
    made_at     INTEGER NOT NULL,
    findings    INTEGER NOT NULL,
    report      TEXT NOT NULL CHECK (json_valid(report))
) STRICT;
CREATE INDEX reconciliation_by_day ON reconciliation (endpoint_id, day, made_at);
CREATE INDEX delivery_relayed ON delivery (endpoint_id, created_at) WHERE peer_ref IS NOT NULL;
CREATE INDEX offer_by_day ON offer (endpoint_id, first_seen_at);

-- With the files beside it the whole schema as the migrations leave it; a test compares the two. Change it only together
-- with a migration.

-- Instants are integer microseconds since 1970 (UTC). Ids are UUIDv7 as text. JSON columns hold objects.

CREATE TABLE boot (
    id          TEXT PRIMARY KEY,
    started_at  INTEGER NOT NULL,
    version     TEXT NOT NULL,
    stopped_at  INTEGER
) STRICT;

-- Directory ------------------------------------------------------------------------------------------

CREATE TABLE endpoint (
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
    last_success_at INTEGER,
    -- whether what waits goes the oldest first, behind hỏa tốc alone; else the more urgent first
    oldest_first  INTEGER NOT NULL DEFAULT 0 CHECK (oldest_first IN (0, 1))
) STRICT;

CREATE TABLE agency (
    id            TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    parent_id     TEXT REFERENCES agency (id),
    -- the channel its deliveries take; NULL: none yet
    endpoint_id   TEXT REFERENCES endpoint (id),
    contact       TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(contact)),
    opened_at     INTEGER NOT NULL,
    closed_at     INTEGER,
    successor_id  TEXT REFERENCES agency (id),
    sandbox       INTEGER NOT NULL DEFAULT 0 CHECK (sandbox IN (0, 1)),
    -- bytes x recipients a day; NULL: the setting's default
    daily_quota_bytes INTEGER,
    updated_at    INTEGER NOT NULL,
    -- who serves it now; NULL: as the setting cutover.served_by says
    served_by     TEXT CHECK (served_by IN ('gateway', 'shadow', 'scripts'))
) STRICT;
CREATE INDEX agency_by_parent ON agency (parent_id);
CREATE INDEX agency_by_successor ON agency (successor_id) WHERE successor_id IS NOT NULL;
CREATE INDEX agency_by_endpoint ON agency (endpoint_id) WHERE endpoint_id IS NOT NULL;

CREATE TABLE agency_code (
    agency_id   TEXT NOT NULL REFERENCES agency (id),
    code        TEXT NOT NULL,
    scheme      TEXT NOT NULL CHECK (scheme IN ('qcvn102', 'qd20', 'opaque')),
    canonical   TEXT NOT NULL,
    valid_from  INTEGER NOT NULL,
    valid_until INTEGER,
    PRIMARY KEY (canonical, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX agency_code_by_agency ON agency_code (agency_id);

CREATE TABLE agency_name (
    agency_id   TEXT NOT NULL REFERENCES agency (id),
    name        TEXT NOT NULL,
    -- lower case, without diacritics, đ as d: what searches compare
    folded      TEXT NOT NULL,
    is_alias    INTEGER NOT NULL DEFAULT 0 CHECK (is_alias IN (0, 1)),
    valid_from  INTEGER NOT NULL,
    valid_until INTEGER,
    PRIMARY KEY (agency_id, name, valid_from)
) STRICT, WITHOUT ROWID;

-- the first letters of words are indexed for somebody who has typed no more
CREATE VIRTUAL TABLE agency_search USING fts5 (agency_id UNINDEXED, words, tokenize = 'unicode61 remove_diacritics 2',
    prefix = '1');

CREATE TABLE representation (
    agent_id     TEXT NOT NULL REFERENCES agency (id),
    principal_id TEXT NOT NULL REFERENCES agency (id),
    valid_from   INTEGER NOT NULL,
    valid_until  INTEGER,
    PRIMARY KEY (agent_id, principal_id, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX representation_by_principal ON representation (principal_id);

-- Accounts -------------------------------------------------------------------------------------------

CREATE TABLE credential (
    id           TEXT PRIMARY KEY,
    agency_id    TEXT NOT NULL REFERENCES agency (id),
    kind         TEXT NOT NULL CHECK (kind IN ('certificate', 'token')),
    -- SHA-256 of the DER certificate, or of the token; hex
    fingerprint  TEXT NOT NULL UNIQUE,
    -- JSON list of networks; empty: any
    allowed_networks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(allowed_networks)),
    issued_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    revoked_at   INTEGER,
    replaces_id  TEXT REFERENCES credential (id),
    label        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX credential_by_agency ON credential (agency_id);

CREATE TABLE enrolment (
    code_hash   TEXT PRIMARY KEY,
    agency_id   TEXT NOT NULL REFERENCES agency (id),
    issued_at   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER,
    issued_by   TEXT NOT NULL
) STRICT;


-- A period in which somebody signs with a certificate; ended, never deleted.
CREATE TABLE agency_certificate (
    id          TEXT PRIMARY KEY,
    agency_id   TEXT NOT NULL REFERENCES agency (id),
    -- of the certificate, and the certificate
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    der         BLOB NOT NULL,
    -- whose it is, and its holder's name
    kind        TEXT NOT NULL CHECK (kind IN ('person', 'agency')),
    name        TEXT NOT NULL,
    valid_from  INTEGER NOT NULL,
    valid_until INTEGER CHECK (valid_until > valid_from),
    bound_at    INTEGER NOT NULL,
    bound_by    TEXT NOT NULL,
    ended_at    INTEGER,
    ended_by    TEXT
) STRICT;
CREATE INDEX agency_certificate_by_agency ON agency_certificate (agency_id, valid_from);
CREATE INDEX agency_certificate_by_certificate ON agency_certificate (sha256);

-- A certificate that an agency lets others encrypt to; ended, never deleted (decision 43).
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

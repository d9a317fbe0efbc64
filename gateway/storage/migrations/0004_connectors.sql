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

-- Webhook --------------------------------------------------------------------------------------------

-- Whether the receiver at a channel has shown that it wants documents and holds the channel's key.
CREATE TABLE proof (
    endpoint_id  TEXT PRIMARY KEY REFERENCES endpoint (id),
    -- what was asked about: changes with the address and the key; '' where a channel in use is taken over as it is
    mark         TEXT NOT NULL,
    -- challenge: it answered; in_use: documents went there before anybody asked
    how          TEXT NOT NULL CHECK (how IN ('challenge', 'in_use')),
    asked_at     INTEGER NOT NULL,
    -- NULL while it is not proved, and then why
    proved_at    INTEGER,
    reason       TEXT,
    detail       TEXT,
    CHECK ((proved_at IS NULL) = (reason IS NOT NULL))
) STRICT;
INSERT INTO proof (endpoint_id, mark, how, asked_at, proved_at)
SELECT id, '', 'in_use', last_success_at, last_success_at FROM endpoint
WHERE kind = 'webhook' AND last_success_at IS NOT NULL;

-- What a receiver asked to be pushed to it again; the delivery's own state does not move.
CREATE TABLE replay (
    id           TEXT PRIMARY KEY,
    delivery_id  TEXT NOT NULL REFERENCES delivery (id),
    asked_at     INTEGER NOT NULL,
    asked_by     TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    due_at       INTEGER NOT NULL,
    failures     INTEGER NOT NULL DEFAULT 0,
    attempt_id   TEXT,
    boot_id      TEXT REFERENCES boot (id),
    started_at   INTEGER,
    ended_at     INTEGER,
    reason       TEXT,
    detail       TEXT,
    CHECK ((state = 'sending') = (boot_id IS NOT NULL))
) STRICT;
CREATE INDEX replay_due ON replay (due_at) WHERE state = 'waiting';
CREATE INDEX replay_sending ON replay (boot_id) WHERE state = 'sending';
CREATE UNIQUE INDEX replay_open ON replay (delivery_id) WHERE state IN ('waiting', 'sending');

-- Alerts ---------------------------------------------------------------------------------------------

-- How an agency wants to hear that documents wait: addresses, digest, persons to call.
CREATE TABLE alerting (
    agency_id  TEXT PRIMARY KEY REFERENCES agency (id),
    wishes     TEXT NOT NULL CHECK (json_valid(wishes)),
    set_at     INTEGER NOT NULL
) STRICT;

-- Up to which delivery it was decided whom to alert; one row.
CREATE TABLE alert_cursor (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL
) STRICT;

-- One thing to be told to one address or number: that a document waits, or how many do.
CREATE TABLE alert (
    id           TEXT PRIMARY KEY,
    way          TEXT NOT NULL CHECK (way IN ('mail', 'call')),
    agency_id    TEXT NOT NULL REFERENCES agency (id),
    -- NULL in a digest, which has a day
    delivery_id  TEXT REFERENCES delivery (id),
    day          TEXT,
    target       TEXT NOT NULL,
    -- waiting: due at due_at; sending: in an attempt; dropped: not needed any more
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'dropped')),
    created_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    failures     INTEGER NOT NULL DEFAULT 0,
    -- whether an attempt ended without anybody knowing how
    doubted      INTEGER NOT NULL DEFAULT 0 CHECK (doubted IN (0, 1)),
    attempt_id   TEXT,
    ended_at     INTEGER,
    reason       TEXT,
    acknowledged_at INTEGER,
    CHECK ((delivery_id IS NULL) = (day IS NOT NULL)),
    CHECK ((ended_at IS NOT NULL) = (state IN ('sent', 'failed', 'dropped'))),
    UNIQUE (delivery_id, way, target),
    UNIQUE (agency_id, day, target)
) STRICT;
CREATE INDEX alert_due ON alert (due_at) WHERE state = 'waiting';
CREATE INDEX alert_sending ON alert (attempt_id) WHERE state = 'sending';
CREATE INDEX alert_ended ON alert (agency_id, ended_at) WHERE state = 'sent';

-- One mail or call; inserted before dialling, closed once.
CREATE TABLE alert_attempt (
    id          TEXT PRIMARY KEY,
    boot_id     TEXT NOT NULL REFERENCES boot (id),
    way         TEXT NOT NULL CHECK (way IN ('mail', 'call')),
    target      TEXT NOT NULL,
    -- how many alerts it carries
    alerts      INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    outcome     TEXT CHECK (outcome IN ('sent', 'deferred', 'failed', 'unknown')),
    reason      TEXT,
    detail      TEXT,
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX alert_attempt_open ON alert_attempt (boot_id) WHERE ended_at IS NULL;

-- Addresses that bounce for good: nothing is sent there until somebody sets them again.
CREATE TABLE bounced_address (
    address     TEXT PRIMARY KEY,
    bounced_at  INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL
) STRICT;

-- Cut-over -------------------------------------------------------------------------------------------

-- How looking at a peer's list goes; one row per endpoint that has a source.
CREATE TABLE source (
    endpoint_id   TEXT PRIMARY KEY REFERENCES endpoint (id),
    began_at      INTEGER NOT NULL,
    polls         INTEGER NOT NULL DEFAULT 0,
    failed_polls  INTEGER NOT NULL DEFAULT 0,
    -- the last list that was read, and the longest time between two of them, microseconds
    listed_at     INTEGER,
    longest_gap   INTEGER NOT NULL DEFAULT 0,
    -- since when the list cannot be read; NULL while it can
    failing_since INTEGER,
    reason        TEXT,
    detail        TEXT,
    -- how the last looks went: when, in microseconds, negative where it could not be read; the oldest first
    looks         TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(looks)),
    CHECK ((failing_since IS NULL) = (reason IS NULL))
) STRICT;

-- One entry of a peer's list: what it says, the bytes we fetched, and what we would have made of them.
CREATE TABLE offer (
    id              TEXT PRIMARY KEY,
    endpoint_id     TEXT NOT NULL REFERENCES endpoint (id),
    -- the peer's own id
    ref             TEXT NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('document', 'status')),
    -- as the list has them
    sender_code     TEXT NOT NULL,
    recipient_codes TEXT NOT NULL CHECK (json_valid(recipient_codes)),
    claimed_at      TEXT NOT NULL,
    first_seen_at   INTEGER NOT NULL,
    last_seen_at    INTEGER NOT NULL,
    -- the first list without it: somebody has acknowledged it; NULL while it is listed
    gone_at         INTEGER,
    -- tries to fetch or accept it that failed, and why the last one did
    failures        INTEGER NOT NULL DEFAULT 0,
    failure         TEXT,
    fetched_at      INTEGER,
    sha256          TEXT CHECK (length(sha256) = 64),
    size            INTEGER CHECK (size > 0),
    document_ref    TEXT,
    -- what acceptance would have come to, a reason code where it would not have come to an end, and findings
    verdict         TEXT CHECK (verdict IN ('routable', 'parked', 'refused')),
    reason          TEXT,
    findings        TEXT CHECK (json_valid(findings)),
    -- [{"code", "agency", "hosted", "channel"}] of the document's own recipients
    routes          TEXT CHECK (json_valid(routes)),
    -- a person left it to the scripts
    left_at         INTEGER,
    -- what it became here
    message_id      TEXT REFERENCES message (id),
    acknowledged_at INTEGER,
    -- the peer's id of it, once the peer has given that to another document; `ref` is our own id from then on
    former_ref      TEXT,
    -- since when the list gives reason to compare its bytes with those that we have; NULL: it gives none
    doubted_at      INTEGER,
    -- how many times the peer said yes to our acknowledgement while the entry stayed listed
    acknowledgements INTEGER NOT NULL DEFAULT 0,
    UNIQUE (endpoint_id, ref),
    CHECK ((fetched_at IS NULL) = (sha256 IS NULL)),
    CHECK ((fetched_at IS NULL) = (verdict IS NULL))
) STRICT;
CREATE INDEX offer_listed ON offer (endpoint_id) WHERE gone_at IS NULL;
CREATE INDEX offer_by_sha256 ON offer (sha256) WHERE sha256 IS NOT NULL;

-- Work of another system that was brought over: what its files claim, beside what we recorded; insert only.
CREATE TABLE imported (
    message_id  TEXT PRIMARY KEY REFERENCES message (id),
    -- sent: another system has sent it; received: it was received and is to be delivered here
    direction   TEXT NOT NULL CHECK (direction IN ('sent', 'received')),
    ref         TEXT NOT NULL,
    claimed_at  INTEGER,
    imported_at INTEGER NOT NULL
) STRICT;

-- Catalogues -----------------------------------------------------------------------------------------

-- What a peer's catalogue of agencies last came to.
CREATE TABLE catalogue (
    endpoint_id TEXT PRIMARY KEY REFERENCES endpoint (id),
    -- of the lists' bytes when they were last taken in whole, by which reading of them; NULL: never
    lists_digest TEXT,
    synced_at   INTEGER,
    -- the catalogue that waits for a person, and what it would do; NULL: none waits
    held_digest TEXT,
    held_at     INTEGER,
    held_counts TEXT CHECK (json_valid(held_counts)),
    CHECK ((lists_digest IS NULL) = (synced_at IS NULL)),
    CHECK ((held_digest IS NULL) = (held_at IS NULL)),
    CHECK ((held_digest IS NULL) = (held_counts IS NULL))
) STRICT;

-- An agency that the directory knows from a catalogue. Once a person has changed the agency, its updated_at differs
-- from written_at, and the catalogue changes it no more.
CREATE TABLE catalogue_entry (
    agency_id   TEXT PRIMARY KEY REFERENCES agency (id),
    endpoint_id TEXT NOT NULL REFERENCES endpoint (id),
    -- its own code in the catalogue, as it is compared
    code        TEXT NOT NULL,
    -- of all that the directory took of it
    digest      BLOB NOT NULL,
    written_at  INTEGER NOT NULL,
    -- the first catalogue without it; NULL while it is named
    missing_since INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX catalogue_entry_missing ON catalogue_entry (endpoint_id) WHERE missing_since IS NOT NULL;

-- who carries for others by a channel, among the 125,000 behind it
CREATE INDEX agency_relay ON agency (endpoint_id) WHERE kind = 'relay';

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
    -- of the reminder that it tells; 0: of the first telling
    reminded_at  INTEGER NOT NULL DEFAULT 0,
    CHECK ((delivery_id IS NULL) = (day IS NOT NULL)),
    CHECK ((ended_at IS NOT NULL) = (state IN ('sent', 'failed', 'dropped'))),
    UNIQUE (delivery_id, way, target, reminded_at),
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
CREATE INDEX delivery_by_peer_ref ON delivery (endpoint_id, peer_ref) WHERE peer_ref IS NOT NULL;
CREATE INDEX offer_by_day ON offer (endpoint_id, first_seen_at);
-- Folders --------------------------------------------------------------------------------------------

-- The delivery that an offered status is about, where its office named it.
CREATE TABLE offer_about (
    offer_id    TEXT PRIMARY KEY REFERENCES offer (id),
    delivery_id TEXT NOT NULL
) STRICT;

-- What an office was told by a paper in its folder: of a delivery in a state, of an entry that could not be taken up.
CREATE TABLE paper (
    -- delivery or offer
    about   TEXT NOT NULL,
    fact    TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (about, fact)
) STRICT, WITHOUT ROWID;

-- The whole schema as the migrations leave it; a test compares the two. Change it only together with a migration.

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
    last_success_at INTEGER
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

-- Ledger ---------------------------------------------------------------------------------------------

-- A message is a document or a status message; insert only.
CREATE TABLE message (
    id             TEXT PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('document', 'status')),
    -- key of the bytes and where they lie
    sha256         TEXT NOT NULL CHECK (length(sha256) = 64),
    size           INTEGER NOT NULL CHECK (size > 0),
    -- who sent it, under which code (the exact form it used)
    sender_id      TEXT NOT NULL REFERENCES agency (id),
    sender_code    TEXT NOT NULL,
    business_type  TEXT NOT NULL,
    document_ref   TEXT NOT NULL,       -- DocumentId, opaque
    code_number    TEXT NOT NULL,
    code_notation  TEXT NOT NULL,
    promulgated_on TEXT,                -- yyyy-mm-dd
    subject        TEXT NOT NULL,
    subject_folded TEXT NOT NULL,
    priority       INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 4),
    -- attachments and core header, without To and traces: equal for the same content sent again
    content_key    TEXT NOT NULL,
    -- the request: parts, sender and recipients; one accepted message per fingerprint
    fingerprint    TEXT NOT NULL UNIQUE,
    -- the document that this one recalls, updates, replaces, takes back or reports on
    original_id    TEXT REFERENCES message (id),
    -- the endpoint that brought it, so that it never goes back there; NULL for REST of the sender itself
    arrived_by     TEXT REFERENCES endpoint (id),
    caller         TEXT NOT NULL CHECK (json_valid(caller)),
    envelope       TEXT NOT NULL CHECK (json_valid(envelope)),
    findings       TEXT NOT NULL CHECK (json_valid(findings)),
    directory_version INTEGER NOT NULL,
    trace_id       TEXT NOT NULL,
    sandbox        INTEGER NOT NULL DEFAULT 0 CHECK (sandbox IN (0, 1)),
    received_at    INTEGER NOT NULL,
    accepted_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX message_by_sender ON message (sender_id, kind, accepted_at);
CREATE INDEX message_by_document_ref ON message (document_ref, kind, sender_id);
CREATE INDEX message_by_number ON message (code_number, code_notation, kind, sender_id, accepted_at);
CREATE INDEX message_by_sha256 ON message (sha256);
CREATE INDEX message_by_original ON message (original_id) WHERE original_id IS NOT NULL;

-- The acceptance seal: transfer.json and the XAdES file over it and the document; insert only.
CREATE TABLE receipt (
    message_id  TEXT PRIMARY KEY REFERENCES message (id),
    transfer    BLOB NOT NULL,
    xades       BLOB NOT NULL,
    sha256      TEXT NOT NULL,
    -- the 202's body, so that a replay answers byte for byte
    answer      BLOB NOT NULL
) STRICT;

-- A copy in another dialect for peers that cannot read the original; insert only.
CREATE TABLE rendition (
    message_id  TEXT NOT NULL REFERENCES message (id),
    dialect     TEXT NOT NULL,
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    size        INTEGER NOT NULL CHECK (size > 0),
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (message_id, dialect)
) STRICT, WITHOUT ROWID;
CREATE INDEX rendition_by_sha256 ON rendition (sha256);

CREATE TABLE idempotency (
    agency_id    TEXT NOT NULL REFERENCES agency (id),
    key          TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    message_id   TEXT NOT NULL REFERENCES message (id),
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (agency_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- One transmission of one message to one endpoint; the queue.
CREATE TABLE dispatch (
    id            TEXT PRIMARY KEY,
    message_id    TEXT NOT NULL REFERENCES message (id),
    endpoint_id   TEXT NOT NULL REFERENCES endpoint (id),
    -- the one recipient where the peer does not fan out; NULL: all its deliveries of this message
    recipient_id  TEXT REFERENCES agency (id),
    state         TEXT NOT NULL CHECK (state IN ('ready', 'in_flight', 'inbox', 'held', 'done')),
    -- lower goes first: 0 hoả tốc, 1 khẩn, 2 thường, 3 bulk
    lane          INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 3),
    -- may not leave before this message has left on the same way
    after_id      TEXT REFERENCES message (id),
    created_at    INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    give_up_at    INTEGER NOT NULL,
    warned_at     INTEGER,
    series        INTEGER NOT NULL DEFAULT 1,
    failures      INTEGER NOT NULL DEFAULT 0,
    crashes       INTEGER NOT NULL DEFAULT 0,
    attempt_id    TEXT,
    boot_id       TEXT REFERENCES boot (id),
    lease_until   INTEGER,
    CHECK ((state = 'in_flight') = (attempt_id IS NOT NULL AND lease_until IS NOT NULL))
) STRICT;
CREATE INDEX dispatch_due ON dispatch (endpoint_id, lane, due_at) WHERE state = 'ready';
CREATE INDEX dispatch_leased ON dispatch (lease_until) WHERE state = 'in_flight';
CREATE INDEX dispatch_open_by_age ON dispatch (endpoint_id, give_up_at) WHERE state = 'ready';
CREATE INDEX dispatch_open ON dispatch (endpoint_id, state, created_at) WHERE state <> 'done';
CREATE INDEX dispatch_by_message ON dispatch (message_id);

-- One message for one recipient: the ledger's line.
CREATE TABLE delivery (
    -- commit order: what inbox cursors run on
    seq             INTEGER PRIMARY KEY,
    id              TEXT NOT NULL UNIQUE,
    message_id      TEXT NOT NULL REFERENCES message (id),
    recipient_id    TEXT NOT NULL REFERENCES agency (id),
    -- the exact form of the code that the sender used
    recipient_code  TEXT NOT NULL,
    endpoint_id     TEXT NOT NULL REFERENCES endpoint (id),
    dispatch_id     TEXT NOT NULL REFERENCES dispatch (id),
    state           TEXT NOT NULL CHECK (state IN ('queued', 'in_flight', 'relayed', 'delivered', 'acknowledged',
                        'deferred', 'held', 'refused', 'dead', 'quarantined', 'withdrawn', 'handed_over')),
    expects_status  INTEGER NOT NULL CHECK (expects_status IN (0, 1)),
    -- reason of the last failure, hold or withdrawal; NULL when all is well
    reason          TEXT,
    detail          TEXT,
    -- the intermediary's own id of what it took
    peer_ref        TEXT,
    business_status TEXT CHECK (business_status IN ('01', '02', '03', '04', '05', '06', '13', '15', '16')),
    -- an open request of the sender that awaits 15 or 16: the message that asks (13, or type 1, 2, 3)
    request_id      TEXT REFERENCES message (id),
    created_at      INTEGER NOT NULL,
    state_at        INTEGER NOT NULL,
    -- whether the recipient pulls it; between two readers a lease decides
    in_inbox        INTEGER NOT NULL CHECK (in_inbox IN (0, 1)),
    leased_by       TEXT,
    leased_until    INTEGER,
    fetched_at      INTEGER,
    handed_over     TEXT CHECK (handed_over IS NULL OR json_valid(handed_over)),
    -- when its sender was told by a status of ours that it is dead or refused
    told_at         INTEGER,
    UNIQUE (message_id, recipient_id)
) STRICT;
CREATE INDEX delivery_by_recipient_state ON delivery (recipient_id, state) WHERE state NOT IN ('queued', 'in_flight');
CREATE INDEX delivery_by_request ON delivery (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX delivery_by_dispatch ON delivery (dispatch_id);
CREATE INDEX delivery_inbox_open ON delivery (recipient_id, seq)
    WHERE in_inbox = 1 AND state IN ('queued', 'in_flight');
CREATE INDEX delivery_open ON delivery (state, state_at)
    WHERE state IN ('queued', 'in_flight', 'deferred', 'held', 'dead', 'refused', 'quarantined');

-- One try; inserted before dialling, closed once.
CREATE TABLE attempt (
    id           TEXT PRIMARY KEY,
    dispatch_id  TEXT NOT NULL REFERENCES dispatch (id),
    boot_id      TEXT NOT NULL REFERENCES boot (id),
    series       INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    -- delivered, relayed, deferred, refused, unknown, withdrawn, mixed
    outcome      TEXT CHECK (outcome IN ('delivered', 'relayed', 'deferred', 'refused', 'unknown', 'mixed')),
    reason       TEXT,
    detail       TEXT,
    peer         TEXT CHECK (peer IS NULL OR json_valid(peer)),
    bytes        INTEGER,
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX attempt_by_dispatch ON attempt (dispatch_id, started_at);
CREATE INDEX attempt_open ON attempt (boot_id) WHERE ended_at IS NULL;

-- What a status message said of one delivery; delivery_id NULL where it was parked. Always appended: what a person
-- matches gets a second row, and the parked one is marked.
CREATE TABLE status (
    id           TEXT PRIMARY KEY,
    message_id   TEXT NOT NULL REFERENCES message (id),
    delivery_id  TEXT REFERENCES delivery (id),
    reporter_id  TEXT NOT NULL REFERENCES agency (id),
    code         TEXT NOT NULL,
    reported_at  INTEGER,
    recorded_at  INTEGER NOT NULL,
    description  TEXT NOT NULL,
    -- how it was matched: document_ref, code_date, code_year, delivery, person
    matched_by   TEXT,
    -- whether it moved the business status; a flag is a contradiction for a person
    moved        INTEGER NOT NULL CHECK (moved IN (0, 1)),
    flag         TEXT,
    -- reason code of the parking
    parked       TEXT,
    -- what a person made of a parked one, and why
    resolution   TEXT CHECK (resolution IN ('matched', 'dismissed')),
    resolved_at  INTEGER,
    resolved_by  TEXT,
    resolved_why TEXT,
    CHECK (resolution IS NULL OR parked IS NOT NULL),
    CHECK ((resolution IS NULL) = (resolved_at IS NULL))
) STRICT;
CREATE INDEX status_by_delivery ON status (delivery_id, recorded_at);
CREATE INDEX status_by_message ON status (message_id);
CREATE INDEX status_parked ON status (resolution, recorded_at) WHERE parked IS NOT NULL;

-- The audit history; append only. seq has no gaps, except before an epoch that a restore opened.
CREATE TABLE event (
    seq          INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    at           INTEGER NOT NULL,
    message_id   TEXT REFERENCES message (id),
    delivery_id  TEXT REFERENCES delivery (id),
    actor        TEXT NOT NULL,
    leaf         BLOB NOT NULL CHECK (length(leaf) <= 65535),
    leaf_hash    BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    -- why an operator acted, in free words: beside the leaf, never in it
    note         TEXT CHECK (length(note) BETWEEN 1 AND 500)
) STRICT;
CREATE INDEX event_by_message ON event (message_id, seq) WHERE message_id IS NOT NULL;
CREATE INDEX event_by_delivery ON event (delivery_id, seq) WHERE delivery_id IS NOT NULL;

CREATE TRIGGER event_is_append_only_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_is_append_only_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

-- bytes x recipients per agency and day (Vietnam), for quotas
CREATE TABLE usage (
    agency_id  TEXT NOT NULL REFERENCES agency (id),
    day        TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    PRIMARY KEY (agency_id, day)
) STRICT, WITHOUT ROWID;

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
-- Folders --------------------------------------------------------------------------------------------

-- The delivery that an offered status is about, where its office named it.
CREATE TABLE offer_about (
    offer_id    TEXT PRIMARY KEY REFERENCES offer (id),
    delivery_id TEXT NOT NULL
) STRICT;

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
    accepted_at    INTEGER NOT NULL,
    -- of the envelope: the document's type, the day on which an answer is due, the document that it answers
    type_name      TEXT GENERATED ALWAYS AS (envelope ->> 'doc_type_name') VIRTUAL,
    due_on         TEXT GENERATED ALWAYS AS (envelope ->> 'due_date') VIRTUAL,
    answers_ref    TEXT GENERATED ALWAYS AS (envelope ->> '$.responses_for[0].document_id') VIRTUAL,
    -- its number, issuer and day, where its DocumentId is not said
    answers_number TEXT GENERATED ALWAYS AS (
        CASE WHEN COALESCE(envelope ->> '$.responses_for[0].document_id', '') = ''
             THEN replace(envelope ->> '$.responses_for[0].code', ' ', '') || '|'
                  || COALESCE(envelope ->> '$.responses_for[0].organ_id', '') || '|'
                  || COALESCE(envelope ->> '$.responses_for[0].promulgation_date', '') END) VIRTUAL
) STRICT;
CREATE INDEX message_by_sender ON message (sender_id, kind, accepted_at);
-- also all that a report reads of documents
CREATE INDEX message_by_acceptance ON message (accepted_at, id, sender_id, business_type, type_name, priority, due_on,
    sandbox) WHERE kind = 'document';
CREATE INDEX message_by_answer ON message (answers_ref, sender_id, accepted_at)
    WHERE kind = 'document' AND answers_ref > '';
CREATE INDEX message_by_answered_number ON message (answers_number) WHERE kind = 'document' AND answers_number > '';
-- what alarms look through
CREATE INDEX message_due ON message (due_on) WHERE kind = 'document' AND due_on > '';
CREATE INDEX message_urgent ON message (accepted_at) WHERE kind = 'document' AND priority > 0;
CREATE INDEX message_by_document_ref ON message (document_ref, kind, sender_id);
CREATE INDEX message_by_number ON message (code_number, code_notation, kind, sender_id, accepted_at);
CREATE INDEX message_by_sha256 ON message (sha256);
CREATE INDEX message_by_original ON message (original_id) WHERE original_id IS NOT NULL;

-- What a request names besides its first document, which is its original_id: it is about each of them alike.
CREATE TABLE request_original (
    original_id TEXT NOT NULL REFERENCES message (id),
    message_id  TEXT NOT NULL REFERENCES message (id),
    PRIMARY KEY (original_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_original_of_request ON request_original (message_id);

-- Documents that their sender has recalled or asked to have back, by each message that says so.
CREATE VIEW recalled AS
SELECT r.original_id AS message_id FROM message AS r INDEXED BY message_by_original
WHERE r.original_id IS NOT NULL AND ((r.kind = 'document' AND r.business_type = '1')
                                     OR (r.kind = 'status' AND r.business_type = '13'))
UNION ALL
SELECT o.original_id FROM request_original AS o CROSS JOIN message AS r ON r.id = o.message_id
WHERE (r.kind = 'document' AND r.business_type = '1') OR (r.kind = 'status' AND r.business_type = '13');

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
    -- when it was made, where `created_at` is the beginning of a later series
    first_at      INTEGER,
    CHECK ((state = 'in_flight') = (attempt_id IS NOT NULL AND lease_until IS NOT NULL))
) STRICT;
CREATE INDEX dispatch_due ON dispatch (endpoint_id, lane, due_at) WHERE state = 'ready';
CREATE INDEX dispatch_leased ON dispatch (lease_until) WHERE state = 'in_flight';
CREATE INDEX dispatch_open_by_age ON dispatch (endpoint_id, give_up_at) WHERE state = 'ready';
CREATE INDEX dispatch_open ON dispatch (endpoint_id, state, created_at, due_at, lane) WHERE state <> 'done';
CREATE INDEX dispatch_resent ON dispatch (endpoint_id, first_at, due_at, lane) WHERE state = 'ready' AND first_at IS NOT NULL;
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
    -- when it was first known to have arrived, by the channel it was sent by; when its receiver first reported 03.
    -- NULL in lines older than the columns, where the history tells
    arrived_at      INTEGER,
    registered_at   INTEGER,
    -- its message's, so that a desk finds the urgent ones first
    priority        INTEGER NOT NULL DEFAULT 0,
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


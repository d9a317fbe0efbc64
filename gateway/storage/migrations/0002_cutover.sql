-- Cut-over from another system: who serves an agency, what a peer offers while we only look, what was brought over.

-- who serves it now; NULL: as the setting cutover.served_by says
ALTER TABLE agency ADD COLUMN served_by TEXT CHECK (served_by IN ('gateway', 'shadow', 'scripts'));

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

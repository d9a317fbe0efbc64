-- Purges ------------------------------------------------------------------------------------------

CREATE TABLE purge (
    id            TEXT PRIMARY KEY,
    -- by a person, by a rule of retention, or again after a restore of an older copy
    kind          TEXT NOT NULL CHECK (kind IN ('person', 'rule', 'restore')),
    -- the paper that orders it, and why; never in a leaf
    ref           TEXT NOT NULL,
    reason        TEXT NOT NULL,
    -- the month that a rule made it for, as 2026-11
    month         TEXT UNIQUE,
    -- whether free text of the envelope goes, too
    with_envelope INTEGER NOT NULL CHECK (with_envelope IN (0, 1)),
    -- SHA-256 over the ids of its documents, a line each, in order
    sha256        TEXT NOT NULL CHECK (length(sha256) = 64),
    documents     INTEGER NOT NULL CHECK (documents > 0),
    made_at       INTEGER NOT NULL,
    made_by       TEXT NOT NULL,
    -- the first person who answers for it, and the second
    asked_at      INTEGER,
    asked_by      TEXT,
    confirmed_at  INTEGER,
    confirmed_by  TEXT,
    confirmed_why TEXT,
    ended_at      INTEGER,
    ended_by      TEXT,
    outcome       TEXT CHECK (outcome IN ('completed', 'cancelled', 'lapsed')),
    CHECK ((kind = 'rule') = (month IS NOT NULL)),
    CHECK ((asked_at IS NULL) = (asked_by IS NULL)),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK (confirmed_by IS NULL OR (asked_by IS NOT NULL AND (kind = 'restore' OR confirmed_by <> asked_by))),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX purge_open ON purge (made_at) WHERE ended_at IS NULL;

CREATE TABLE purge_document (
    purge_id   TEXT NOT NULL REFERENCES purge (id),
    message_id TEXT NOT NULL REFERENCES message (id),
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
    -- what keeps it from being destroyed, as last looked; NULL: nothing
    held_by    TEXT CHECK (held_by IN ('document_retained', 'purge_undelivered', 'purge_shared')),
    -- since when nobody is given a byte of it
    purged_at  INTEGER,
    -- with which the digest of the text that went is salted, as its leaf has it
    salt       BLOB CHECK (length(salt) = 32),
    PRIMARY KEY (purge_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX purge_document_by_message ON purge_document (message_id);
CREATE UNIQUE INDEX purged_by_message ON purge_document (message_id) WHERE purged_at IS NOT NULL;
CREATE INDEX purged_by_sha256 ON purge_document (sha256) WHERE purged_at IS NOT NULL;

-- Where something of an order could not be removed yet.
CREATE TABLE purge_remain (
    purge_id TEXT NOT NULL REFERENCES purge (id),
    place    TEXT NOT NULL,
    -- of the bytes; '' where it is about the place as a whole
    sha256   TEXT NOT NULL,
    why      TEXT NOT NULL,
    since    INTEGER NOT NULL,
    PRIMARY KEY (purge_id, place, sha256)
) STRICT, WITHOUT ROWID;

-- Documents that must not be destroyed; ended, never deleted.
CREATE TABLE retained (
    id         TEXT PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES message (id),
    ref        TEXT NOT NULL,
    reason     TEXT NOT NULL,
    added_at   INTEGER NOT NULL,
    added_by   TEXT NOT NULL,
    ended_at   INTEGER,
    ended_by   TEXT,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX retained_by_message ON retained (message_id) WHERE ended_at IS NULL;

-- Who answered for an order, as the log has it.
CREATE INDEX event_of_purges ON event (seq) WHERE kind IN ('purge.ordered', 'purge.backed', 'purge.confirmed');
-- Those that were ended before they were carried out.
CREATE INDEX event_of_purge_ends ON event (seq) WHERE kind IN ('purge.cancelled', 'purge.lapsed');

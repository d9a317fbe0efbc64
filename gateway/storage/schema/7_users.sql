-- Users of the console --------------------------------------------------------------------------

-- A person. Names stay here: events hold ids alone.
CREATE TABLE user (
    id                TEXT PRIMARY KEY,
    -- in lower case
    login             TEXT NOT NULL UNIQUE CHECK (login = lower(login) AND length(login) BETWEEN 2 AND 64),
    name              TEXT NOT NULL,
    role              TEXT NOT NULL CHECK (role IN ('viewer', 'clerk', 'operator', 'auditor', 'administrator')),
    -- may look into documents, which no role includes
    may_preview       INTEGER NOT NULL CHECK (may_preview IN (0, 1)),
    -- argon2id in its own form; NULL: comes by another provider only
    password          TEXT,
    -- a password that somebody else knows, and when it ends; NULL: chosen by the person
    password_ends_at  INTEGER,
    -- sealed; NULL: none. The last step that was used counts no second time.
    totp              BLOB,
    totp_step         INTEGER NOT NULL DEFAULT 0,
    -- who it is at the other provider
    subject           TEXT UNIQUE,
    -- wrong tries since the last right one, and until when none is looked at
    failures          INTEGER NOT NULL DEFAULT 0,
    locked_until      INTEGER,
    created_at        INTEGER NOT NULL,
    disabled_at       INTEGER
) STRICT;

-- For whom a clerk acts.
CREATE TABLE user_office (
    user_id    TEXT NOT NULL REFERENCES user (id),
    agency_id  TEXT NOT NULL REFERENCES agency (id),
    PRIMARY KEY (user_id, agency_id)
) STRICT, WITHOUT ROWID;
-- whether an office has clerks
CREATE INDEX user_office_by_agency ON user_office (agency_id);

-- A browser that somebody signed in with.
CREATE TABLE session (
    -- SHA-256 of the id that the browser holds
    id          TEXT PRIMARY KEY CHECK (length(id) = 64),
    user_id     TEXT NOT NULL REFERENCES user (id),
    created_at  INTEGER NOT NULL,
    -- to the minute
    seen_at     INTEGER NOT NULL,
    -- whatever happens, it ends then
    ends_at     INTEGER NOT NULL,
    address     TEXT NOT NULL,
    agent       TEXT NOT NULL,
    ended_at    INTEGER
) STRICT;
CREATE INDEX session_of_user ON session (user_id, created_at);

-- Forms of the console that came when their session had ended: kept over a restart, sealed, until they are sent, left
-- or too old.
CREATE TABLE late_form (
    id      TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id),
    at      INTEGER NOT NULL,
    -- address and fields, sealed for this person and this row
    sealed  BLOB NOT NULL
) STRICT;
CREATE INDEX late_form_of_user ON late_form (user_id, at);
CREATE INDEX late_form_by_age ON late_form (at);

-- The axis's memory. Instants are microseconds since 1970.
PRAGMA journal_mode = WAL;

BEGIN IMMEDIATE;

CREATE TABLE sent (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    system_id TEXT NOT NULL,
    message_type TEXT NOT NULL,
    from_code TEXT NOT NULL,
    title TEXT NOT NULL,
    notation TEXT NOT NULL,
    document_id TEXT NOT NULL,
    status_code TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    sent_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sent_of_system ON sent (system_id, id);
CREATE INDEX sent_of_document ON sent (document_id, id);

-- What a receiving system finds in its list; sent_id is NULL for what an operator of the simulator put there.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sent_id INTEGER REFERENCES sent (id),
    system_id TEXT NOT NULL,
    message_type TEXT NOT NULL,
    from_code TEXT NOT NULL,
    recipients TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('initial', 'processing', 'done', 'fail')),
    words TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX entry_waiting ON entry (system_id, id) WHERE status IN ('initial', 'processing');
CREATE INDEX entry_of_sent ON entry (sent_id);

-- One line per recipient of what was sent; fault says why it went nowhere.
CREATE TABLE line (
    sent_id INTEGER NOT NULL REFERENCES sent (id),
    place INTEGER NOT NULL,
    code TEXT NOT NULL,
    entry_id INTEGER REFERENCES entry (id),
    fault TEXT NOT NULL,
    PRIMARY KEY (sent_id, place)
) STRICT, WITHOUT ROWID;

-- What a played office still has to report.
CREATE TABLE errand (
    id INTEGER PRIMARY KEY,
    due_at INTEGER NOT NULL,
    entry_id INTEGER NOT NULL REFERENCES entry (id),
    reporter TEXT NOT NULL,
    code TEXT NOT NULL,
    words TEXT NOT NULL
) STRICT;
CREATE INDEX errand_due ON errand (due_at, id);

CREATE TABLE secret (
    system_id TEXT PRIMARY KEY,
    secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agency (
    id INTEGER PRIMARY KEY,
    pid INTEGER,
    code TEXT NOT NULL UNIQUE,
    old_code TEXT NOT NULL,
    name TEXT NOT NULL,
    mail TEXT NOT NULL,
    level INTEGER NOT NULL,
    version INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    -- The system that registered it; empty for the rest.
    system_id TEXT NOT NULL
) STRICT;
CREATE INDEX agency_by_old_code ON agency (old_code);

-- Ids of what was sent and of what was received lie apart, so that taking one for the other is found out.
INSERT INTO sqlite_sequence (name, seq) VALUES ('sent', 1000000000), ('entry', 2000000000);

COMMIT;

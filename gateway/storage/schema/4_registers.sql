-- Registers ----------------------------------------------------------------------------------------

-- A day that was closed: its event says what was closed, and is a leaf of the log.
CREATE TABLE register_day (
    -- of Vietnam, yyyy-mm-dd
    day        TEXT PRIMARY KEY CHECK (length(day) = 10),
    -- number of the closing event
    seq        INTEGER NOT NULL UNIQUE,
    -- number of the last event that it looked at
    until_seq  INTEGER NOT NULL,
    -- the secret that all salts of the day are made of
    seed       BLOB NOT NULL CHECK (length(seed) = 32)
) STRICT;

-- What one agency sent on it.
CREATE TABLE register (
    day        TEXT NOT NULL REFERENCES register_day (day),
    agency_id  TEXT NOT NULL REFERENCES agency (id),
    -- for each entry, in the order of the log: number of its leaf (8 bytes, big-endian) and digest
    entries    BLOB NOT NULL CHECK (length(entries) >= 40 AND length(entries) % 40 = 0),
    PRIMARY KEY (day, agency_id)
) STRICT;

CREATE TRIGGER register_day_is_append_only_update BEFORE UPDATE ON register_day
BEGIN SELECT RAISE(ABORT, 'registers are append-only'); END;
CREATE TRIGGER register_day_is_append_only_delete BEFORE DELETE ON register_day
BEGIN SELECT RAISE(ABORT, 'registers are append-only'); END;
CREATE TRIGGER register_is_append_only_update BEFORE UPDATE ON register
BEGIN SELECT RAISE(ABORT, 'registers are append-only'); END;
CREATE TRIGGER register_is_append_only_delete BEFORE DELETE ON register
BEGIN SELECT RAISE(ABORT, 'registers are append-only'); END;

-- What may be an entry, in the order of the log; acceptance appends to its end.
CREATE INDEX event_of_registers ON event (seq, at) WHERE kind IN ('document.accepted', 'document.readdressed');

-- Which months were archived, without going through the history.
CREATE INDEX event_of_archives ON event (seq) WHERE kind = 'archive.made';

-- What auditors looked up, likewise.
CREATE INDEX event_of_lookups ON event (seq) WHERE kind = 'lookup.made';

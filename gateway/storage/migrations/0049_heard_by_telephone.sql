-- Urgent deliveries that an office's system took, and of which a person heard by telephone that the office has them: no
-- status of the office, but no alarm is about them any more.
CREATE TABLE heard (
    delivery_id TEXT PRIMARY KEY REFERENCES delivery (id),
    at          INTEGER NOT NULL,
    by          TEXT NOT NULL,
    -- with whom the person spoke
    spoke_to    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Planned maintenance -----------------------------------------------------------------------------

-- What was announced for a channel, or (NULL) for the whole gateway.
CREATE TABLE planned_outage (
    id           TEXT PRIMARY KEY,
    endpoint_id  TEXT REFERENCES endpoint (id),
    starts_at    INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL CHECK (ends_at > starts_at),
    why          TEXT NOT NULL,
    announced_at INTEGER NOT NULL,
    announced_by TEXT NOT NULL,
    -- called off, or over earlier
    ended_at     INTEGER,
    ended_by     TEXT,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX planned_outage_open ON planned_outage (ends_at) WHERE ended_at IS NULL;

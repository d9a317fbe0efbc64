-- foreign keys: off
-- Connectors: a channel's kind names the adapter that reaches it, and adapters come without a migration each.

CREATE TABLE endpoint_free (
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
INSERT INTO endpoint_free SELECT id, name, kind, settings, capabilities, is_relay, paused_until, paused_by, paused_why,
                                 down_since, last_success_at FROM endpoint;
DROP TABLE endpoint;
ALTER TABLE endpoint_free RENAME TO endpoint;

-- Folders --------------------------------------------------------------------------------------------

-- The delivery that an offered status is about, where its office named it.
CREATE TABLE offer_about (
    offer_id    TEXT PRIMARY KEY REFERENCES offer (id),
    delivery_id TEXT NOT NULL
) STRICT;

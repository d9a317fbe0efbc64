-- Acts that a second person must consent to.
-- An act that one person wants and another one must consent to; answered once, never deleted.
CREATE TABLE proposal (
    id          TEXT PRIMARY KEY,
    act         TEXT NOT NULL CHECK (act IN ('requeue', 'hold', 'release', 'confirm', 'cancel', 'quarantine', 'hand_over',
                    'redeliver', 'forward')),
    -- what else the act needs: to whom it is forwarded, how it was handed over
    details     TEXT NOT NULL CHECK (json_valid(details)),
    -- SHA-256 over the ids of its deliveries, a line each, in order
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    deliveries  INTEGER NOT NULL CHECK (deliveries BETWEEN 1 AND 1000),
    reason      TEXT NOT NULL,
    made_at     INTEGER NOT NULL,
    made_by     TEXT NOT NULL,
    expires_at  INTEGER NOT NULL CHECK (expires_at > made_at),
    answer      TEXT CHECK (answer IN ('consented', 'refused', 'withdrawn', 'lapsed')),
    answered_at INTEGER,
    answered_by TEXT,
    answered_why TEXT,
    -- how many lines the act moved so far, and how many it was not for any more
    moved       INTEGER NOT NULL DEFAULT 0,
    unfit       INTEGER NOT NULL DEFAULT 0,
    ended_at    INTEGER,
    CHECK ((answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)),
    CHECK (answer NOT IN ('consented', 'refused') OR answered_by <> made_by),
    CHECK (answer <> 'withdrawn' OR answered_by = made_by),
    CHECK (ended_at IS NULL OR COALESCE(answer, '') = 'consented'),
    CHECK (moved + unfit <= deliveries)
) STRICT;
CREATE INDEX proposal_open ON proposal (expires_at) WHERE answer IS NULL;
CREATE INDEX proposal_running ON proposal (answered_at) WHERE answer = 'consented' AND ended_at IS NULL;
CREATE INDEX proposal_by_age ON proposal (made_at);

CREATE TABLE proposal_line (
    proposal_id TEXT NOT NULL REFERENCES proposal (id),
    place       INTEGER NOT NULL,
    delivery_id TEXT NOT NULL REFERENCES delivery (id),
    -- moved, or why the act was not for it when its turn came
    result      TEXT,
    PRIMARY KEY (proposal_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX proposal_line_by_delivery ON proposal_line (delivery_id);

-- Alarms --------------------------------------------------------------------------------------------

-- A trouble that needs a person: one open row for each rule and subject.
CREATE TABLE alarm (
    id              TEXT PRIMARY KEY,
    -- of `gateway.alarms.rules`
    rule            TEXT NOT NULL,
    -- a channel, an office, a part of the server
    subject         TEXT NOT NULL,
    is_flash        INTEGER NOT NULL CHECK (is_flash IN (0, 1)),
    -- when the trouble began, which is before it was told
    since           INTEGER NOT NULL,
    opened_at       INTEGER NOT NULL,
    -- name, count and detail for people
    facts           TEXT NOT NULL CHECK (json_valid(facts)),
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    snoozed_until   INTEGER,
    note            TEXT,
    -- when it is told again; NULL: not again
    again_at        INTEGER,
    closed_at       INTEGER,
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL)),
    CHECK (closed_at IS NULL OR again_at IS NULL)
) STRICT;
CREATE UNIQUE INDEX alarm_open ON alarm (rule, subject) WHERE closed_at IS NULL;
CREATE INDEX alarm_closed ON alarm (closed_at) WHERE closed_at IS NOT NULL;

-- What one address is told of an alarm: a row before anybody dials.
CREATE TABLE alarm_notice (
    id         TEXT PRIMARY KEY,
    alarm_id   TEXT NOT NULL REFERENCES alarm (id),
    way        TEXT NOT NULL CHECK (way IN ('mail', 'push')),
    target     TEXT NOT NULL,
    about      TEXT NOT NULL CHECK (about IN ('opened', 'again', 'closed')),
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    -- that sends it
    boot_id    TEXT REFERENCES boot (id),
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    failures   INTEGER NOT NULL DEFAULT 0,
    -- whether it may have been told though nobody knows
    doubted    INTEGER NOT NULL DEFAULT 0 CHECK (doubted IN (0, 1)),
    ended_at   INTEGER,
    reason     TEXT,
    CHECK ((state = 'sending') = (boot_id IS NOT NULL)),
    CHECK ((ended_at IS NOT NULL) = (state IN ('sent', 'failed')))
) STRICT;
CREATE INDEX alarm_notice_due ON alarm_notice (due_at) WHERE state = 'waiting';
CREATE INDEX alarm_notice_sending ON alarm_notice (boot_id) WHERE state = 'sending';
CREATE INDEX alarm_notice_by_alarm ON alarm_notice (alarm_id);

-- Urgent deliveries that an office's system took, and of which a person heard by telephone that the office has them: no
-- status of the office, but no alarm is about them any more.
CREATE TABLE heard (
    delivery_id TEXT PRIMARY KEY REFERENCES delivery (id),
    at          INTEGER NOT NULL,
    by          TEXT NOT NULL,
    -- with whom the person spoke
    spoke_to    TEXT NOT NULL,
    -- when it was sent again after that: of what came then nobody has said anything yet
    again_at    INTEGER
) STRICT, WITHOUT ROWID;

-- Urgent documents that the systems of offices took and for which they have reported nothing, or that a page left open has
-- listed, which said 01 by itself, and nobody has opened; since when: what nobody heard by telephone of, or what was sent
-- again after that.
CREATE VIEW unconfirmed AS
SELECT d.id AS delivery_id, d.message_id, d.recipient_id, d.endpoint_id, m.priority > 2 AS is_flash,
       COALESCE((SELECT h.again_at FROM heard AS h WHERE h.delivery_id = d.id), d.arrived_at, d.state_at) AS since
FROM delivery AS d JOIN message AS m ON m.id = d.message_id JOIN endpoint AS e ON e.id = d.endpoint_id
WHERE m.kind = 'document' AND m.priority > 0 AND m.sandbox = 0 AND e.is_relay = 0 AND d.expects_status = 1
  AND (d.in_inbox = 0 AND d.state = 'delivered' AND d.business_status IS NULL
       OR d.in_inbox = 1 AND d.state IN ('delivered', 'acknowledged') AND d.business_status = '01' AND d.fetched_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM reading AS r
                          WHERE r.message_id = d.message_id AND r.delivery_id = d.id AND r.act = 'opened'))
  AND NOT EXISTS (SELECT 1 FROM heard AS h WHERE h.delivery_id = d.id AND h.again_at IS NULL);

-- Each reminder is told by an alert of its own; who has handled a document is asked alike everywhere.

CREATE TABLE alert_anew (
    id           TEXT PRIMARY KEY,
    way          TEXT NOT NULL CHECK (way IN ('mail', 'call')),
    agency_id    TEXT NOT NULL REFERENCES agency (id),
    -- NULL in a digest, which has a day
    delivery_id  TEXT REFERENCES delivery (id),
    day          TEXT,
    target       TEXT NOT NULL,
    -- waiting: due at due_at; sending: in an attempt; dropped: not needed any more
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'dropped')),
    created_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    failures     INTEGER NOT NULL DEFAULT 0,
    -- whether an attempt ended without anybody knowing how
    doubted      INTEGER NOT NULL DEFAULT 0 CHECK (doubted IN (0, 1)),
    attempt_id   TEXT,
    ended_at     INTEGER,
    reason       TEXT,
    acknowledged_at INTEGER,
    -- of the reminder that it tells; 0: of the first telling
    reminded_at  INTEGER NOT NULL DEFAULT 0,
    CHECK ((delivery_id IS NULL) = (day IS NOT NULL)),
    CHECK ((ended_at IS NOT NULL) = (state IN ('sent', 'failed', 'dropped'))),
    UNIQUE (delivery_id, way, target, reminded_at),
    UNIQUE (agency_id, day, target)
) STRICT;
INSERT INTO alert_anew SELECT id, way, agency_id, delivery_id, day, target, state, created_at, due_at, failures, doubted, attempt_id,
    ended_at, reason, acknowledged_at,
    COALESCE((SELECT MAX(r.at) FROM reminder AS r WHERE r.delivery_id = alert.delivery_id), 0) FROM alert;
DROP TABLE alert;
ALTER TABLE alert_anew RENAME TO alert;
CREATE INDEX alert_due ON alert (due_at) WHERE state = 'waiting';
CREATE INDEX alert_sending ON alert (attempt_id) WHERE state = 'sending';
CREATE INDEX alert_ended ON alert (agency_id, ended_at) WHERE state = 'sent';

-- Deliveries with which nobody has anything to do any more: registered, returned or finished; a recall that was
-- answered, and what is agreed to be given back.
CREATE VIEW handled AS
SELECT d.id AS delivery_id FROM delivery AS d JOIN message AS m ON m.id = d.message_id
WHERE EXISTS (SELECT 1 FROM status AS s WHERE s.delivery_id = d.id AND s.code BETWEEN '02' AND '06')
   OR m.business_type = '1' AND d.business_status IN ('15', '16')
   OR d.business_status = '15' AND EXISTS (
       SELECT 1 FROM message AS r INDEXED BY message_by_original
       WHERE r.original_id = m.id AND ((r.kind = 'document' AND r.business_type = '1')
                                       OR (r.kind = 'status' AND r.business_type = '13')));

-- whether an office has clerks
CREATE INDEX user_office_by_agency ON user_office (agency_id);

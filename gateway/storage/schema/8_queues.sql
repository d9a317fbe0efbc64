-- Queues of problems ---------------------------------------------------------------------------------

-- What a person has dealt with, so that it waits in no queue any more; insert only.
CREATE TABLE settled (
    kind    TEXT NOT NULL CHECK (kind IN ('conflict', 'flag', 'misrouted')),
    -- a document, a status, a delivery
    subject TEXT NOT NULL,
    at      INTEGER NOT NULL,
    by      TEXT NOT NULL,
    why     TEXT NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_returned ON delivery (state_at) WHERE business_status = '02';
CREATE INDEX status_flagged ON status (recorded_at) WHERE flag IS NOT NULL;
CREATE INDEX event_of_conflicts ON event (seq) WHERE kind = 'document.conflicted';
-- when channels went down, came up, were paused
CREATE INDEX event_of_channels ON event (seq) WHERE kind IN ('endpoint.opened', 'endpoint.closed', 'endpoint.paused',
    'endpoint.resumed', 'source.opened', 'source.closed', 'source.silenced', 'source.heard');
-- what people did with deliveries, for the handover of a shift
CREATE INDEX event_of_people ON event (at) WHERE actor >= 'user:' AND actor < 'user;' AND kind IN ('delivery.requeued',
    'delivery.held', 'delivery.released', 'delivery.confirmed', 'delivery.handed_over', 'delivery.quarantined',
    'delivery.reminded', 'delivery.telephoned', 'delivery.adopted', 'replay.asked', 'document.readdressed');
-- calls that failed, or took longer than half a minute and a second for each megabyte
CREATE INDEX attempt_troubled ON attempt (started_at)
    WHERE outcome IN ('deferred', 'refused', 'unknown', 'mixed') OR ended_at - started_at > 30000000 + bytes;
-- hỏa tốc that was refused or given up
CREATE INDEX delivery_flash_failed ON delivery (state_at) WHERE priority > 2 AND state IN ('dead', 'refused');

-- The tries over each channel, in their order, so that a report of one goes through its own alone; insert only. A
-- transmission keeps its channel for good.
CREATE TABLE attempt_of_channel (
    endpoint_id TEXT NOT NULL,
    attempt_id  TEXT NOT NULL,
    PRIMARY KEY (endpoint_id, attempt_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER attempt_has_channel AFTER INSERT ON attempt
BEGIN
    INSERT INTO attempt_of_channel SELECT p.endpoint_id, NEW.id FROM dispatch AS p WHERE p.id = NEW.dispatch_id;
END;

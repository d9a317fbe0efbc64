-- Queues of problems: what a person has dealt with, and ways to what waits.
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

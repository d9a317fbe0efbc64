-- Offices that a person reminded of a document.
CREATE TABLE reminder (
    delivery_id TEXT NOT NULL REFERENCES delivery (id),
    at          INTEGER NOT NULL,
    message_id  TEXT NOT NULL REFERENCES message (id),
    by          TEXT NOT NULL,
    PRIMARY KEY (delivery_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX reminder_by_message ON reminder (message_id, at);

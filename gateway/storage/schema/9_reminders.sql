-- Reminders ------------------------------------------------------------------------------------------

-- Offices that a person reminded of a document.
CREATE TABLE reminder (
    delivery_id TEXT NOT NULL REFERENCES delivery (id),
    at          INTEGER NOT NULL,
    message_id  TEXT NOT NULL REFERENCES message (id),
    by          TEXT NOT NULL,
    PRIMARY KEY (delivery_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX reminder_by_message ON reminder (message_id, at);

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

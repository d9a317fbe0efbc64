-- What waits at a desk in the order in which it is shown; files of an office at the desk are counted.

-- its message's, so that a desk finds the urgent ones first
ALTER TABLE delivery ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET priority = (SELECT m.priority FROM message AS m WHERE m.id = delivery.message_id)
WHERE message_id IN (SELECT m.id FROM message AS m WHERE m.priority > 0);
DROP INDEX delivery_of_desk;
CREATE INDEX delivery_of_desk ON delivery (recipient_id, priority DESC, seq)
    WHERE expects_status = 1 AND (business_status IS NULL OR business_status IN ('01', '15', '16'));
CREATE INDEX desk_file_by_office ON desk_file (office_id, added_at);

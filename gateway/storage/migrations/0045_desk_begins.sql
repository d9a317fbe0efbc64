-- A desk's list begins with what came since, and passes over what was brought to offices that keep none.
ALTER TABLE desk_office ADD COLUMN after_seq INTEGER NOT NULL DEFAULT 0;
UPDATE desk_office SET after_seq = COALESCE(
    (SELECT MIN(d.seq) - 1 FROM message AS m JOIN delivery AS d ON d.message_id = m.id WHERE m.accepted_at >= desk_office.since),
    (SELECT MAX(seq) FROM delivery), 0);
DROP INDEX delivery_of_desk;
CREATE INDEX delivery_of_desk ON delivery (recipient_id, in_inbox, priority, seq)
    WHERE expects_status = 1 AND (business_status IS NULL OR business_status IN ('01', '15', '16'));

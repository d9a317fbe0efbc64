-- What reports count: when a line arrived, when its receiver registered it, and of a document its type and date due.
-- Lines of before have neither instant in their row; reports find theirs in the history.
ALTER TABLE delivery ADD COLUMN arrived_at INTEGER;
ALTER TABLE delivery ADD COLUMN registered_at INTEGER;

ALTER TABLE message ADD COLUMN type_name TEXT GENERATED ALWAYS AS (envelope ->> 'doc_type_name') VIRTUAL;
ALTER TABLE message ADD COLUMN due_on TEXT GENERATED ALWAYS AS (envelope ->> 'due_date') VIRTUAL;
ALTER TABLE message ADD COLUMN answers_ref TEXT
    GENERATED ALWAYS AS (envelope ->> '$.responses_for[0].document_id') VIRTUAL;

-- A report of a period reads no document but by this; it serves exports by date as the one before it did.
DROP INDEX message_by_acceptance;
CREATE INDEX message_by_acceptance ON message (accepted_at, id, sender_id, business_type, type_name, priority, due_on,
    sandbox) WHERE kind = 'document';
CREATE INDEX message_by_answer ON message (answers_ref, sender_id, accepted_at)
    WHERE kind = 'document' AND answers_ref > '';

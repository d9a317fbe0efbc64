-- Pages and counts cost what they show, not what the ledger holds.

-- nothing asked by it
DROP INDEX delivery_by_recipient;

-- the row's own number, which ends every index, is the order of its pages; what is on its way is in delivery_open
DROP INDEX delivery_by_recipient_state;
CREATE INDEX delivery_by_recipient_state ON delivery (recipient_id, state) WHERE state NOT IN ('queued', 'in_flight');

-- statuses bear DocumentId and number of their document, hundreds those of a circular; every office has a number 15
DROP INDEX message_by_document_ref;
CREATE INDEX message_by_document_ref ON message (document_ref, kind, sender_id);
DROP INDEX message_by_number;
CREATE INDEX message_by_number ON message (code_number, code_notation, kind, sender_id, accepted_at);

-- what waits, by endpoint: one that is down does not let all of it be looked at
DROP INDEX dispatch_open_by_age;
CREATE INDEX dispatch_open_by_age ON dispatch (endpoint_id, give_up_at) WHERE state = 'ready';
CREATE INDEX dispatch_open ON dispatch (endpoint_id, state, created_at) WHERE state <> 'done';

-- of the parked ones, those nobody has resolved
DROP INDEX status_parked;
CREATE INDEX status_parked ON status (resolution, recorded_at) WHERE parked IS NOT NULL;

CREATE INDEX rendition_by_sha256 ON rendition (sha256);

-- Exports by date, and the newest document, without going through every message.
CREATE INDEX message_by_acceptance ON message (accepted_at, id) WHERE kind = 'document';

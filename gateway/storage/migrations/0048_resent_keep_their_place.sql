-- What a person sent again keeps the place that its age gives it where a channel drains the oldest first.
ALTER TABLE dispatch ADD COLUMN first_at INTEGER;
UPDATE dispatch SET first_at = (SELECT accepted_at FROM message WHERE message.id = dispatch.message_id)
WHERE state <> 'done' AND series > 1;
CREATE INDEX dispatch_resent ON dispatch (endpoint_id, first_at, due_at, lane) WHERE state = 'ready' AND first_at IS NOT NULL;

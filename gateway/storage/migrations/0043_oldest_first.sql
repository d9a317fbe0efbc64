-- What waits for a channel by its age, with what says whether it is due: the oldest first is found without its rows.
DROP INDEX dispatch_open;
CREATE INDEX dispatch_open ON dispatch (endpoint_id, state, created_at, due_at, lane) WHERE state <> 'done';

-- The tries over each channel, in their order, so that a report of one goes through its own alone; insert only. A
-- transmission keeps its channel for good.
CREATE TABLE attempt_of_channel (
    endpoint_id TEXT NOT NULL,
    attempt_id  TEXT NOT NULL,
    PRIMARY KEY (endpoint_id, attempt_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER attempt_has_channel AFTER INSERT ON attempt
BEGIN
    INSERT INTO attempt_of_channel SELECT p.endpoint_id, NEW.id FROM dispatch AS p WHERE p.id = NEW.dispatch_id;
END;

-- in the order of time, unsorted: sorting would hold all of them in memory
INSERT INTO attempt_of_channel
SELECT p.endpoint_id, a.id FROM attempt AS a NOT INDEXED CROSS JOIN dispatch AS p ON p.id = a.dispatch_id;

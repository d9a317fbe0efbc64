-- Who has read what (decision 38): rows of one hour are one row that counts, so that nobody can fill the disk by asking.

CREATE TABLE reading (
    message_id  TEXT NOT NULL REFERENCES message (id),
    -- as whose delivery; '' for its sender and for operators
    delivery_id TEXT NOT NULL,
    -- credential:<id>, operator:<uid>
    actor       TEXT NOT NULL,
    act         TEXT NOT NULL CHECK (act IN ('opened', 'downloaded', 'shown', 'exported', 'proved')),
    -- of a download: content, or attachment <number>
    part        TEXT NOT NULL,
    -- rest, another protocol's name, or command
    channel     TEXT NOT NULL,
    -- hours since 1970
    hour        INTEGER NOT NULL,
    first_at    INTEGER NOT NULL,
    last_at     INTEGER NOT NULL,
    times       INTEGER NOT NULL CHECK (times > 0),
    PRIMARY KEY (message_id, delivery_id, actor, act, part, channel, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX reading_by_hour ON reading (hour);

-- A listing that showed a reader something new: which lines of the inbox of which recipient.
CREATE TABLE listing (
    id           INTEGER PRIMARY KEY,
    recipient_id TEXT NOT NULL REFERENCES agency (id),
    -- of the new ones: lowest and highest number, and all of them
    first_seq    INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL,
    seqs         TEXT NOT NULL CHECK (json_valid(seqs)),
    actor        TEXT NOT NULL,
    channel      TEXT NOT NULL,
    at           INTEGER NOT NULL
) STRICT;
CREATE INDEX listing_by_line ON listing (recipient_id, last_seq);

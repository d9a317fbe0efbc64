-- Receipts ---------------------------------------------------------------------------------------------

-- Time stamps over receipts, in order of their events; what comes after the last row has none yet.
CREATE TABLE receipt_stamp (
    -- events of the first and the last receipt below the stamp
    first_seq  INTEGER PRIMARY KEY,
    last_seq   INTEGER NOT NULL,
    -- record: over the root of the tree of many (RFC 4998); each: over the signature value of one (XAdES B-T)
    form       TEXT NOT NULL CHECK (form IN ('record', 'each')),
    -- the tree's leaves, a SHA-256 a receipt; the imprint, where it is one
    hashes     BLOB NOT NULL CHECK (length(hashes) >= 32 AND length(hashes) % 32 = 0),
    server     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    -- RFC 3161 answer
    token      BLOB NOT NULL,
    CHECK (last_seq >= first_seq)
) STRICT;

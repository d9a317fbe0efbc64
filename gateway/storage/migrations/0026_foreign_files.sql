-- Files of ledgers that were taken over (decision 42). Insert only.
CREATE TABLE foreign_file (
    origin  TEXT NOT NULL REFERENCES foreign_ledger (origin),
    -- in the ledger's folder
    name    TEXT NOT NULL,
    size    INTEGER NOT NULL CHECK (size >= 0),
    sha256  TEXT NOT NULL CHECK (length(sha256) = 64),
    PRIMARY KEY (origin, name)
) STRICT, WITHOUT ROWID;

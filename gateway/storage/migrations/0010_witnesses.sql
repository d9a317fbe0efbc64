-- Witnesses of the transparency log (docs/witness.md).

-- A witness that says it has seen another history of the log, as long as it says so.
CREATE TABLE witness_contradiction (
    witness  TEXT PRIMARY KEY,
    since    INTEGER NOT NULL,
    -- ahead: it knows more leaves than were signed here; other_history: what it knows is not continued
    code     TEXT NOT NULL CHECK (code IN ('ahead', 'other_history')),
    -- leaves that it knows, and of the checkpoint that it was asked about
    known    INTEGER NOT NULL CHECK (known >= 0),
    asked    INTEGER NOT NULL CHECK (asked >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX cosignature_by_witness ON cosignature (witness, size);

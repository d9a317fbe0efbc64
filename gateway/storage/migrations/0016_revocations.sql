-- What CAs say about revocation, where it is fetched, and documents whose verdict waits for it (decision 36).

-- what a CA said is about, as `gateway.seal.revocation` names it; NULL: it came with a signature, nobody looks it up
ALTER TABLE revocation_answer ADD COLUMN subject TEXT;
ALTER TABLE revocation_answer ADD COLUMN kind TEXT CHECK (kind IN ('crl', 'ocsp'));
ALTER TABLE revocation_answer ADD COLUMN this_update INTEGER;
ALTER TABLE revocation_answer ADD COLUMN next_update INTEGER;
-- whether a verdict rests on it: then it stays
ALTER TABLE revocation_answer ADD COLUMN used INTEGER NOT NULL DEFAULT 1 CHECK (used IN (0, 1));
-- when its file was in its place for those that judge signatures
ALTER TABLE revocation_answer ADD COLUMN placed_at INTEGER;
CREATE INDEX revocation_answer_by_subject ON revocation_answer (subject, this_update) WHERE subject IS NOT NULL;

-- Lists that are fetched again and again: where, and how that went.
CREATE TABLE revocation_source (
    url           TEXT NOT NULL,
    -- SHA-256 of the certificate of the CA that must have signed them; '': any that is trusted here
    issuer_sha256 TEXT NOT NULL,
    issuer        BLOB NOT NULL,
    authority     TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    -- when a signature was last judged by it
    wanted_at     INTEGER NOT NULL,
    answered_at   INTEGER,
    -- when the list at hand ends
    until         INTEGER,
    failing_since INTEGER,
    fault         TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (url, issuer_sha256)
) STRICT, WITHOUT ROWID;

-- 0, 1: to be examined, what holds a delivery back first; 2: it was, and waits for what CAs have not said yet
ALTER TABLE check_due ADD COLUMN turn INTEGER NOT NULL DEFAULT 0 CHECK (turn IN (0, 1, 2));
-- since when it waits so, and when it is looked at again whatever they say
ALTER TABLE check_due ADD COLUMN waiting_since INTEGER;
ALTER TABLE check_due ADD COLUMN due_at INTEGER;
-- when the recipients' policies decided without it
ALTER TABLE check_due ADD COLUMN decided_at INTEGER;
UPDATE check_due SET turn = (held = '{}');
DROP INDEX check_due_by_turn;
CREATE INDEX check_due_by_turn ON check_due (turn, created_at, message_id);
CREATE INDEX check_due_waiting ON check_due (due_at) WHERE turn = 2;

-- The answers that would do for a document that waits; gone with the wait.
CREATE TABLE check_wait (
    message_id TEXT NOT NULL REFERENCES check_due (message_id) ON DELETE CASCADE,
    subject    TEXT NOT NULL,
    authority  TEXT NOT NULL,
    PRIMARY KEY (message_id, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_wait_by_subject ON check_wait (subject);

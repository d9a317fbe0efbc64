-- Forms of the console that came when their session had ended: kept over a restart, sealed, until they are sent, left
-- or too old.
CREATE TABLE late_form (
    id      TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id),
    at      INTEGER NOT NULL,
    -- address and fields, sealed for this person and this row
    sealed  BLOB NOT NULL
) STRICT;
CREATE INDEX late_form_of_user ON late_form (user_id, at);
CREATE INDEX late_form_by_age ON late_form (at);

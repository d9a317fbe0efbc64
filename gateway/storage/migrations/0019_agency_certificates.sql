-- Which certificates agencies and their people sign with.

-- A period in which somebody signs with a certificate; ended, never deleted.
CREATE TABLE agency_certificate (
    id          TEXT PRIMARY KEY,
    agency_id   TEXT NOT NULL REFERENCES agency (id),
    -- of the certificate, and the certificate
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    der         BLOB NOT NULL,
    -- whose it is, and its holder's name
    kind        TEXT NOT NULL CHECK (kind IN ('person', 'agency')),
    name        TEXT NOT NULL,
    valid_from  INTEGER NOT NULL,
    valid_until INTEGER CHECK (valid_until > valid_from),
    bound_at    INTEGER NOT NULL,
    bound_by    TEXT NOT NULL,
    ended_at    INTEGER,
    ended_by    TEXT
) STRICT;
CREATE INDEX agency_certificate_by_agency ON agency_certificate (agency_id, valid_from);
CREATE INDEX agency_certificate_by_certificate ON agency_certificate (sha256);

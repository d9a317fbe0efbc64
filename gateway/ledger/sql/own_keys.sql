-- name: own_certificate_insert
-- From now on the gateway signs with this certificate: purpose, SHA-256, DER, instant.
INSERT INTO own_certificate (purpose, sha256, der, since) VALUES (?, ?, ?, ?);

-- name: own_certificate_read_latest
-- The certificate in force for a purpose.
SELECT sha256 FROM own_certificate WHERE purpose = ? ORDER BY since DESC, rowid DESC LIMIT 1;

-- name: own_certificate_list
-- Every certificate that was in force, with the instant from which on: purpose, SHA-256, DER, since.
SELECT purpose, sha256, der, since FROM own_certificate ORDER BY purpose, since, rowid;

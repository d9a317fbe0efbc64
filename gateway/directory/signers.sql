-- name: agency_certificate_insert
-- Bind a certificate to an agency.
INSERT INTO agency_certificate (id, agency_id, sha256, kind, name, der, valid_from, valid_until, bound_at, bound_by)
VALUES (:id, :agency_id, :sha256, :kind, :name, :der, :valid_from, :valid_until, :now, :actor)
RETURNING id;

-- name: agency_certificate_find_overlapping
-- Whom a certificate is bound to in some of a period: certificate, from, until.
SELECT agency_id, kind FROM agency_certificate
WHERE sha256 = :sha256 AND (valid_until IS NULL OR valid_until > :valid_from)
  AND (:valid_until IS NULL OR valid_from < :valid_until);

-- name: agency_certificate_end
-- End what binds a certificate to an agency, from an instant on; the row stays.
UPDATE agency_certificate SET valid_until = :at, ended_at = :now, ended_by = :actor
WHERE agency_id = :agency_id AND sha256 = :sha256 AND valid_from < :at AND (valid_until IS NULL OR valid_until > :at)
RETURNING id;

-- name: agency_certificate_list_of_agency
-- Every certificate that an agency signs with, or ever did.
SELECT agency_id, sha256, kind, name, valid_from, valid_until, bound_at, bound_by, ended_at, ended_by
FROM agency_certificate WHERE agency_id = ? ORDER BY valid_from, id;

-- name: agency_certificate_list_of_certificates
-- Whom some certificates were ever bound to.
SELECT agency_id, sha256, kind, name, valid_from, valid_until, bound_at, bound_by, ended_at, ended_by
FROM agency_certificate WHERE sha256 IN (SELECT value FROM json_each(?)) ORDER BY valid_from, id;

-- name: encryption_certificate_insert_new
-- One certificate to encrypt to; an agency has it once, for ever.
INSERT INTO encryption_certificate (agency_id, sha256, der, not_before, not_after, added_at, added_by)
    VALUES (:agency_id, :sha256, :der, :not_before, :not_after, :now, :actor)
    ON CONFLICT (agency_id, sha256) DO NOTHING RETURNING sha256;

-- name: encryption_certificate_end_one
-- End one that was not ended; the row stays.
UPDATE encryption_certificate SET ended_at = :now, ended_by = :actor, ended_as = :as
    WHERE agency_id = :agency_id AND sha256 = :sha256 AND ended_at IS NULL RETURNING sha256;

-- name: encryption_certificate_list_of_agencies
-- Every one that these agencies have or had, the newest first.
SELECT agency_id, der, added_at, added_by, ended_at, ended_by, ended_as FROM encryption_certificate
    WHERE agency_id IN (SELECT value FROM json_each(?)) ORDER BY added_at DESC, sha256;

-- name: encryption_certificate_list_watched
-- Those that nobody ended, and those that the gateway ended after an instant, because their CA revoked them.
SELECT agency_id, der, added_at, added_by, ended_at, ended_by, ended_as FROM encryption_certificate
    WHERE ended_at IS NULL OR (ended_by = 'gateway' AND ended_at > ?) ORDER BY agency_id, added_at DESC, sha256;

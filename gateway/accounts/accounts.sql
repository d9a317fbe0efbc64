-- name: credential_find_by_fingerprint
-- The credential of a certificate or token.
SELECT id, agency_id, kind, fingerprint, allowed_networks, issued_at, expires_at, revoked_at, replaces_id, label
    FROM credential WHERE fingerprint = ?;

-- name: credential_list_of_agency
-- All credentials an agency ever had, the newest first.
SELECT id, agency_id, kind, fingerprint, allowed_networks, issued_at, expires_at, revoked_at, replaces_id, label
    FROM credential WHERE agency_id = ? ORDER BY issued_at DESC, id DESC;

-- name: credential_insert_new
-- One credential; a fingerprint exists once.
INSERT INTO credential (id, agency_id, kind, fingerprint, allowed_networks, issued_at, expires_at, replaces_id, label)
    VALUES (:id, :agency_id, :kind, :fingerprint, :allowed_networks, :issued_at, :expires_at, :replaces_id, :label)
    ON CONFLICT (fingerprint) DO NOTHING RETURNING id;

-- name: credential_insert_if_replaced_in_force
-- One credential in place of another of the same agency, if that one is in force.
INSERT INTO credential (id, agency_id, kind, fingerprint, allowed_networks, issued_at, expires_at, replaces_id, label)
    SELECT :id, agency_id, 'certificate', :fingerprint, allowed_networks, :issued_at, :expires_at, id, label
        FROM credential WHERE id = :replaces_id AND kind = 'certificate' AND revoked_at IS NULL AND expires_at > :now
    ON CONFLICT (fingerprint) DO NOTHING RETURNING agency_id;

-- name: credential_list_ending
-- Credentials and shared secrets of open agencies that end between two instants, were not revoked, and that no later one
-- of the same system follows; the next end first: since, until.
SELECT c.id, c.agency_id, c.kind AS sort, c.label, c.issued_at, c.expires_at AS ends
    FROM credential AS c JOIN agency AS a ON a.id = c.agency_id
    WHERE c.revoked_at IS NULL AND c.expires_at > :since AND c.expires_at <= :until AND a.sandbox = 0
        AND (a.closed_at IS NULL OR a.closed_at > :until)
        AND NOT EXISTS (SELECT 1 FROM credential AS n
                        WHERE n.agency_id = c.agency_id AND n.kind = c.kind AND n.revoked_at IS NULL
                            AND n.expires_at > c.expires_at AND (n.replaces_id = c.id OR n.label = c.label))
UNION ALL
SELECT s.id, s.agency_id, s.binding, s.label, s.issued_at, s.expires_at
    FROM shared_secret AS s JOIN agency AS a ON a.id = s.agency_id
    WHERE s.revoked_at IS NULL AND s.expires_at > :since AND s.expires_at <= :until AND a.sandbox = 0
        AND (a.closed_at IS NULL OR a.closed_at > :until)
        AND NOT EXISTS (SELECT 1 FROM shared_secret AS n
                        WHERE n.binding = s.binding AND n.system_id = s.system_id AND n.revoked_at IS NULL
                            AND n.expires_at > s.expires_at)
    ORDER BY ends;

-- name: credential_revoke_with_renewals
-- Revoke a credential and everything that was ever renewed from it: whoever stole the key may have renewed it.
WITH RECURSIVE heirs (id) AS (
    SELECT id FROM credential WHERE id = :credential OR fingerprint = :credential
    UNION
    SELECT c.id FROM credential AS c JOIN heirs AS h ON c.replaces_id = h.id
)
UPDATE credential SET revoked_at = :now WHERE id IN (SELECT id FROM heirs) AND revoked_at IS NULL
    RETURNING id, agency_id;

-- name: credential_revoke_of_agency
-- Revoke whatever an agency holds.
UPDATE credential SET revoked_at = :now WHERE agency_id = :agency_id AND revoked_at IS NULL RETURNING id, agency_id;

-- name: credential_set_networks
-- From where a credential may be used.
UPDATE credential SET allowed_networks = :networks
    WHERE (id = :credential OR fingerprint = :credential) AND revoked_at IS NULL RETURNING id, agency_id;

-- name: enrolment_insert_new
-- A one-time code, by its hash.
INSERT INTO enrolment (code_hash, agency_id, issued_at, expires_at, issued_by)
    VALUES (:code_hash, :agency_id, :issued_at, :expires_at, :issued_by);

-- name: enrolment_find_usable
-- Whose code it is, while it can be used.
SELECT e.agency_id FROM enrolment AS e JOIN agency AS a ON a.id = e.agency_id
    WHERE e.code_hash = :code_hash AND e.used_at IS NULL AND e.expires_at > :now
        AND (a.closed_at IS NULL OR a.closed_at > :now);

-- name: enrolment_use_if_unused
-- The one who gets a row has used the code; everybody else has not.
UPDATE enrolment SET used_at = :now
    WHERE code_hash = :code_hash AND used_at IS NULL AND expires_at > :now RETURNING agency_id;

-- name: shared_secret_find_of_system
-- The newest secrets of one peer, ended ones too, so that it can be told why it is refused.
SELECT sealed, id, agency_id, binding, system_id, fingerprint, key_id, allowed_networks, issued_at, expires_at, revoked_at,
       label
    FROM shared_secret WHERE binding = ? AND system_id = ? ORDER BY issued_at DESC LIMIT 16;

-- name: shared_secret_list_of_agency
-- All that an agency ever had, the newest first.
SELECT id, agency_id, binding, system_id, fingerprint, key_id, allowed_networks, issued_at, expires_at, revoked_at,
       label
    FROM shared_secret WHERE agency_id = ? ORDER BY issued_at DESC, id DESC;

-- name: shared_secret_list_keys
-- Under which keys secrets in force are sealed: a handful.
SELECT DISTINCT key_id FROM shared_secret WHERE revoked_at IS NULL AND expires_at > ?;

-- name: sealed_find_any
-- Whether something is sealed that a lost key takes away from somebody: a secret in force, the second factor of a person
-- who may sign in. What `check` and `doctor` count, so that nothing hinders a new key that they do not tell of.
SELECT 1 FROM shared_secret WHERE revoked_at IS NULL AND expires_at > ?
UNION ALL SELECT 1 FROM user WHERE totp IS NOT NULL AND disabled_at IS NULL LIMIT 1;

-- name: shared_secret_find_other_owner
-- Whether a system id is in use by another agency.
SELECT id FROM shared_secret
    WHERE binding = :binding AND system_id = :system_id AND revoked_at IS NULL AND expires_at > :now
        AND agency_id <> :agency_id LIMIT 1;

-- name: shared_secret_end_earlier
-- Let the secrets of a peer end at an instant, unless they end before it.
UPDATE shared_secret SET expires_at = MIN(expires_at, :until)
    WHERE binding = :binding AND system_id = :system_id AND revoked_at IS NULL AND expires_at > :now
    RETURNING id;

-- name: shared_secret_insert_new
-- One secret, sealed.
INSERT INTO shared_secret (id, agency_id, binding, system_id, sealed, key_id, fingerprint, allowed_networks,
                           issued_at, expires_at, label)
    VALUES (:id, :agency_id, :binding, :system_id, :sealed, :key_id, :fingerprint, :allowed_networks,
            :issued_at, :expires_at, :label) RETURNING id;

-- name: shared_secret_set_networks
-- The same; none at all changes nothing.
UPDATE shared_secret SET allowed_networks = CASE :networks WHEN '[]' THEN allowed_networks ELSE :networks END
    WHERE id = :credential AND revoked_at IS NULL RETURNING id, agency_id;

-- name: shared_secret_revoke_one
-- Revoke one, by its id.
UPDATE shared_secret SET revoked_at = :now WHERE id = :credential AND revoked_at IS NULL RETURNING id, agency_id;

-- name: shared_secret_revoke_of_agency
-- Revoke whatever an agency holds.
UPDATE shared_secret SET revoked_at = :now WHERE agency_id = :agency_id AND revoked_at IS NULL RETURNING id, agency_id;

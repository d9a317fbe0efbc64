-- name: agency_insert
-- An agency of the catalogue.
INSERT INTO agency (id, pid, code, old_code, name, mail, level, version, modified_at, deleted, system_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: agency_read
-- By either of its codes.
SELECT code, old_code, deleted, system_id, name FROM agency WHERE code = ?1 OR old_code = ?1
ORDER BY deleted, id LIMIT 1;

-- name: agency_list_live
-- The list that names old codes.
SELECT id, pid, code, old_code, name, mail FROM agency WHERE NOT deleted ORDER BY id;

-- name: agency_list_level
-- The list by level; 0 means all.
SELECT id, code, old_code, name, mail FROM agency WHERE NOT deleted AND (?1 = 0 OR level = ?1) ORDER BY id;

-- name: agency_list_all
-- For those who keep a copy: deleted ones, too.
SELECT id, pid, code, name, mail, version, deleted, modified_at FROM agency ORDER BY id;

-- name: agency_newest
-- The version of the catalogue, and the last id.
SELECT COALESCE(max(version), 0), COALESCE(max(id), 0), count(*) FROM agency;

-- name: agency_list_codes
-- Whom a change may befall.
SELECT id, code, name FROM agency WHERE NOT deleted ORDER BY id;

-- name: agency_rename
-- Another name, as after a merger.
UPDATE agency SET name = ?, version = ?, modified_at = ? WHERE id = ?;

-- name: agency_delete
-- It stays, marked, for those who keep a copy.
UPDATE agency SET deleted = 1, version = ?, modified_at = ? WHERE code = ? AND NOT deleted;

-- name: agency_restore
-- Registered again by a system.
UPDATE agency SET deleted = 0, name = ?, mail = ?, version = ?, modified_at = ?, system_id = ? WHERE code = ?;

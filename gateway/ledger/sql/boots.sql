-- name: boot_insert
-- Record a start.
INSERT INTO boot (id, started_at, version) VALUES (?, ?, ?);

-- name: boot_mark_stopped
-- Record an orderly end.
UPDATE boot SET stopped_at = ? WHERE id = ?;

-- name: transaction_begin_immediate
-- Take the write lock at once, so that no statement later finds it taken.
BEGIN IMMEDIATE;

-- name: transaction_begin_deferred
-- Open a reader's snapshot; it is fixed by the first SELECT.
BEGIN DEFERRED;

-- name: transaction_commit_all
-- Make the transaction durable (synchronous=FULL syncs the WAL here).
COMMIT;

-- name: transaction_rollback_all
-- Undo the whole transaction.
ROLLBACK;

-- name: savepoint_open_payload
-- Mark the place to return to if one payload is refused.
SAVEPOINT payload;

-- name: savepoint_keep_payload
-- Keep what one payload wrote.
RELEASE payload;

-- name: savepoint_undo_payload
-- Undo what one payload wrote; the savepoint stays open.
ROLLBACK TO payload;

-- name: database_probe_write
-- Dirty the first page, so that the commit writes and syncs one WAL frame.
PRAGMA user_version = 1;

-- name: checkpoint_copy_passive
-- Copy what can be copied from the WAL without waiting for anybody.
PRAGMA wal_checkpoint(PASSIVE);

-- name: checkpoint_cut_truncate
-- Copy everything and cut the WAL to nothing; fails at once while a reader needs it.
PRAGMA wal_checkpoint(TRUNCATE);

-- name: meta_create_missing
-- The runner's own table: schema and compatibility version, checksums of the migrations.
CREATE TABLE IF NOT EXISTS meta (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- name: meta_exists_any
-- One row if the runner has ever worked here.
SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta';

-- name: meta_read_all
-- Every key of the runner.
SELECT key, value FROM meta;

-- name: meta_write_value
-- Set one key.
INSERT INTO meta (key, value) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: foreign_keys_off
-- Outside of a transaction only: a table that others refer to is built anew.
PRAGMA foreign_keys = OFF;

-- name: foreign_keys_on
-- References are checked again.
PRAGMA foreign_keys = ON;

-- name: foreign_keys_check
-- Every row that refers to nothing.
PRAGMA foreign_key_check;

-- name: schema_list_all
-- What the database consists of, without SQLite's own tables and the runner's.
SELECT type, name, sql FROM sqlite_schema
    WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND tbl_name <> 'meta'
    ORDER BY type, name;

-- name: copy_journal_off
-- A copy in the making needs no way back: it has no name yet.
PRAGMA journal_mode = OFF;

-- name: copy_synchronous_off
-- Its pages are synced once, by whoever gives it its name.
PRAGMA synchronous = OFF;

-- name: snapshot_fix_any
-- The first read of a transaction, which fixes what it sees.
SELECT COUNT(*) FROM sqlite_schema;

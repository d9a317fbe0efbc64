-- name: log_tree_read
-- The tree as it is: leaves, root, frontier, number of its last event, epoch.
SELECT size, root, frontier, seq, epoch FROM log_tree WHERE id = 1;

-- name: log_tree_advance_if_unchanged
-- Compare and swap: only over the tree that was read.
UPDATE log_tree SET size = :size, root = :root, frontier = :frontier, seq = :seq
WHERE id = 1 AND size = :old_size AND root = :old_root
RETURNING size;

-- name: log_tree_set_epoch
-- From now on the tree is signed as that of another log.
UPDATE log_tree SET epoch = ? WHERE id = 1;

-- name: event_list_hashes_after
-- The leaf hashes of the next events.
SELECT seq, leaf_hash FROM event WHERE seq > :after ORDER BY seq LIMIT :limit;

-- name: event_read_leaf
-- The leaf of an event.
SELECT leaf FROM event WHERE seq = ?;

-- name: event_find_accepted
-- The event of a message's acceptance.
SELECT seq FROM event WHERE message_id = ? AND kind IN ('document.accepted', 'document.imported') ORDER BY seq LIMIT 1;

-- name: event_list_checked
-- The verdicts about a message's signatures: event, leaf.
SELECT seq, leaf FROM event WHERE message_id = ? AND kind = 'document.checked' ORDER BY seq;

-- name: log_tile_put
-- A new tile, or more hashes of one: level, index, hashes.
INSERT INTO log_tile (level, idx, hashes) VALUES (?, ?, ?)
ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes;

-- name: log_tile_list
-- Some tiles, asked for as [[level, index], …].
SELECT t.level, t.idx, t.hashes FROM json_each(?) AS asked
JOIN log_tile AS t ON t.level = asked.value ->> 0 AND t.idx = asked.value ->> 1;

-- name: log_run_insert
-- Events whose numbers follow each other begin: first number, first index, count.
INSERT INTO log_run (first_seq, first_index, count) VALUES (?, ?, ?);

-- name: log_run_extend_last
-- So many more follow.
UPDATE log_run SET count = count + ? WHERE first_seq = (SELECT MAX(first_seq) FROM log_run);

-- name: log_run_find_seq
-- The run that a number of an event may be in.
SELECT first_seq, first_index, count FROM log_run WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1;

-- name: log_run_find_index
-- The run that an index of a leaf may be in.
SELECT first_seq, first_index, count FROM log_run WHERE first_index <= ? ORDER BY first_index DESC LIMIT 1;

-- name: checkpoint_insert
-- Keep what was signed: leaves, root, instant, note.
INSERT INTO checkpoint (size, root, at, note) VALUES (?, ?, ?, ?);

-- name: checkpoint_read_latest
-- What was signed last.
SELECT size, root, at, note FROM checkpoint ORDER BY size DESC LIMIT 1;

-- name: checkpoint_read
-- That of so many leaves.
SELECT size, root, at, note FROM checkpoint WHERE size = ?;

-- name: checkpoint_find_covering
-- The first that a leaf is under.
SELECT size, root, at, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1;

-- name: checkpoint_list_stamps
-- Time stamps over a checkpoint.
SELECT server, at, token FROM checkpoint_stamp WHERE size = ? ORDER BY at, server;

-- name: cosignature_list
-- Lines of witnesses below a checkpoint.
SELECT line FROM cosignature WHERE size = ? ORDER BY at, witness;

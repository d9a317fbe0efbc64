-- name: cosignature_insert
-- Keep a line below a checkpoint: leaves, witness, instant, line.
INSERT INTO cosignature (size, witness, at, line) VALUES (?, ?, ?, ?) ON CONFLICT (size, witness) DO NOTHING;

-- name: cosignature_find_last
-- What a witness cosigned last: leaves, instant.
SELECT size, at FROM cosignature WHERE witness = ? ORDER BY size DESC LIMIT 1;

-- name: checkpoint_find_cosigned
-- The first that a leaf is under and that so many of these witnesses cosigned: leaf, JSON list of names, number.
SELECT c.size, c.root, c.at, c.note FROM checkpoint AS c WHERE c.size = (
    SELECT size FROM cosignature WHERE size > :leaf AND witness IN (SELECT value FROM json_each(:names))
    GROUP BY size HAVING COUNT(*) >= :quorum ORDER BY size LIMIT 1
);

-- name: checkpoint_find_last_cosigned
-- The newest that so many of these witnesses cosigned: JSON list of names, number.
SELECT c.size, c.root, c.at, c.note FROM checkpoint AS c WHERE c.size = (
    SELECT size FROM cosignature WHERE witness IN (SELECT value FROM json_each(:names))
    GROUP BY size HAVING COUNT(*) >= :quorum ORDER BY size DESC LIMIT 1
);

-- name: checkpoint_find_uncosigned
-- The first of more leaves than a witness cosigned last: instant.
SELECT at FROM checkpoint WHERE size > ? ORDER BY size LIMIT 1;

-- name: witness_contradiction_list
-- Witnesses that contradict: name, since, code, leaves that it knows, leaves that it was asked about.
SELECT witness, since, code, known, asked FROM witness_contradiction ORDER BY witness;

-- name: witness_contradiction_insert
-- It does from now on; nothing is returned where it did already.
INSERT INTO witness_contradiction (witness, since, code, known, asked) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (witness) DO NOTHING RETURNING witness;

-- name: witness_contradiction_delete
-- It does no longer; nothing is returned where it did not.
DELETE FROM witness_contradiction WHERE witness = ? RETURNING since;

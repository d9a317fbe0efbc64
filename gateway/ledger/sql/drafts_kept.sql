-- name: desk_file_insert
-- What a file is; its bytes are kept.
INSERT INTO desk_file (id, office_id, sha256, size, name, content_type, added_at, added_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: desk_file_forget_if_loose
-- A file of a draft that is gone, where no line and no other draft has it.
DELETE FROM desk_file WHERE id = ?1
  AND NOT EXISTS (SELECT 1 FROM desk_entry WHERE scan_id = ?1)
  AND NOT EXISTS (SELECT 1 FROM desk_draft_file WHERE file_id = ?1);

-- name: desk_file_list_loose
-- Files that no line and no draft has, added before an instant: id and digest.
SELECT f.id, f.sha256 FROM desk_file AS f
WHERE f.added_at < ? AND NOT EXISTS (SELECT 1 FROM desk_entry AS e WHERE e.scan_id = f.id)
  AND NOT EXISTS (SELECT 1 FROM desk_draft_file AS d WHERE d.file_id = f.id)
ORDER BY f.id LIMIT 500;

-- name: draft_insert
-- A new draft.
INSERT INTO desk_draft (id, office_id, owner, form, changed_at) VALUES (?, ?, ?, ?, ?);

-- name: draft_count_of_office
-- How many drafts an office has.
SELECT COUNT(*) FROM desk_draft WHERE office_id = ?;

-- name: draft_change_if_same
-- Keep a draft as it is now: who, form, when, id, office, and when it was changed last as far as the clerk has seen.
UPDATE desk_draft SET owner = ?, form = ?, changed_at = MAX(?, changed_at + 1)
WHERE id = ? AND office_id = ? AND changed_at = ? RETURNING id;

-- name: draft_number_if_none
-- Its number was taken; one whose line was struck out is none.
UPDATE desk_draft SET entry_id = ? WHERE id = ? AND office_id = ?
  AND NOT EXISTS (SELECT 1 FROM desk_entry AS e WHERE e.id = desk_draft.entry_id AND e.voided_at IS NULL) RETURNING id;

-- name: draft_is_same
-- Whether an office has a draft as it was changed last at an instant.
SELECT 1 FROM desk_draft WHERE id = ? AND office_id = ? AND changed_at = ?;

-- name: draft_is_of_office
-- Whether an office has a draft.
SELECT 1 FROM desk_draft WHERE id = ? AND office_id = ?;

-- name: draft_forget
-- A draft is gone.
DELETE FROM desk_draft WHERE id = ?;

-- name: draft_file_insert
-- A file of a draft.
INSERT INTO desk_draft_file (draft_id, place, file_id) VALUES (?, ?, ?);

-- name: draft_file_forget
-- Its files are others from now on.
DELETE FROM desk_draft_file WHERE draft_id = ?;

-- name: draft_list_files
-- Its files with what they are.
SELECT f.id, f.office_id, f.sha256, f.size, f.name, f.content_type
FROM desk_draft_file AS d JOIN desk_file AS f ON f.id = d.file_id WHERE d.draft_id = ? ORDER BY d.place;

-- name: draft_list
-- Drafts of some offices, the last changed first, after (that is, before) one of them, with the line whose number each
-- has: one that was struck out is none.
SELECT id, office_id, owner, form,
       COALESCE((SELECT e.id FROM desk_entry AS e WHERE e.id = desk_draft.entry_id AND e.voided_at IS NULL), ''), changed_at
FROM desk_draft
WHERE office_id IN (SELECT value FROM json_each(:offices)) AND (changed_at, id) < (:at, :id)
ORDER BY changed_at DESC, id DESC LIMIT :limit;

-- name: draft_read
-- One of them, likewise.
SELECT id, office_id, owner, form,
       COALESCE((SELECT e.id FROM desk_entry AS e WHERE e.id = desk_draft.entry_id AND e.voided_at IS NULL), ''), changed_at
FROM desk_draft WHERE id = :id AND office_id IN (SELECT value FROM json_each(:offices));

-- name: desk_office_insert
-- An office keeps a desk from now on, although documents are brought to it.
INSERT INTO desk_office (office_id, since, set_by, after_seq)
SELECT ?1, ?2, ?3, COALESCE((SELECT MIN(d.seq) - 1
                             FROM message AS m INDEXED BY message_by_acceptance CROSS JOIN delivery AS d ON d.message_id = m.id
                             WHERE m.kind = 'document' AND m.accepted_at >= ?2),
                            (SELECT MAX(seq) FROM delivery), 0)
WHERE TRUE ON CONFLICT (office_id) DO NOTHING RETURNING office_id;

-- name: desk_office_forget
-- It keeps none.
DELETE FROM desk_office WHERE office_id = ? RETURNING office_id;

-- name: group_list
-- The groups of an office.
SELECT name, members FROM desk_group WHERE office_id = ? ORDER BY name;

-- name: group_forget
-- There is no such group any more.
DELETE FROM desk_group WHERE office_id = ? AND name = ?;

-- name: group_insert
-- A group.
INSERT INTO desk_group (office_id, name, members) VALUES (?, ?, ?);

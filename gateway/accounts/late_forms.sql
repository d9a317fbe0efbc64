-- name: late_form_list_of_user
-- Somebody's since an instant, the newest first: user, since.
SELECT id, at, sealed FROM late_form WHERE user_id = ? AND at >= ? ORDER BY at DESC, id DESC;

-- name: late_form_count_of_user
-- How many these are: user, since.
SELECT COUNT(*) FROM late_form WHERE user_id = ? AND at >= ?;

-- name: late_form_insert_new
-- One more.
INSERT INTO late_form (id, user_id, at, sealed) VALUES (:id, :user_id, :at, :sealed);

-- name: late_form_delete_some
-- Those of somebody whose ids stand in a JSON list.
DELETE FROM late_form WHERE user_id = :user_id AND id IN (SELECT value FROM json_each(:ids));

-- name: late_form_delete_old
-- Those of everybody from before an instant.
DELETE FROM late_form WHERE at < ? RETURNING id;

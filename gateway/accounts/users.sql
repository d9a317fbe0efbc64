-- name: user_find_by_login
-- A person by the login.
SELECT id, login, name, role, may_preview, password, password_ends_at, totp, totp_step, subject, failures, locked_until,
       created_at, disabled_at
    FROM user WHERE login = ?;

-- name: user_find_by_id
-- The same, by the id.
SELECT id, login, name, role, may_preview, password, password_ends_at, totp, totp_step, subject, failures, locked_until,
       created_at, disabled_at
    FROM user WHERE id = ?;

-- name: user_find_by_subject
-- The same, by who it is at another provider.
SELECT id, login, name, role, may_preview, password, password_ends_at, totp, totp_step, subject, failures, locked_until,
       created_at, disabled_at
    FROM user WHERE subject = ?;

-- name: user_list_all
-- Everybody, by login.
SELECT id, login, name, role, may_preview, password, password_ends_at, totp, totp_step, subject, failures, locked_until,
       created_at, disabled_at
    FROM user ORDER BY login;

-- name: user_list_factors
-- The second factors of all who may sign in.
SELECT id, totp FROM user WHERE totp IS NOT NULL AND disabled_at IS NULL;

-- name: user_list_names
-- Logins and names of the ids in a JSON list.
SELECT id, login, name FROM user WHERE id IN (SELECT value FROM json_each(?));

-- name: user_list_offices
-- For whom somebody acts.
SELECT agency_id FROM user_office WHERE user_id = ? ORDER BY agency_id;

-- name: user_insert_new
-- A person; a login exists once.
INSERT INTO user (id, login, name, role, may_preview, password, password_ends_at, subject, created_at)
    VALUES (:id, :login, :name, :role, :may_preview, :password, :password_ends_at, :subject, :now)
    ON CONFLICT DO NOTHING RETURNING id;

-- name: user_set_rights
-- What somebody may do.
UPDATE user SET name = :name, role = :role, may_preview = :may_preview WHERE id = :id RETURNING id;

-- name: user_delete_offices
-- Nobody's clerk.
DELETE FROM user_office WHERE user_id = ?;

-- name: user_insert_office
-- One office more.
INSERT INTO user_office (user_id, agency_id) VALUES (?, ?);

-- name: user_set_password
-- Another password; wrong tries are forgotten.
UPDATE user SET password = :password, password_ends_at = :ends_at, failures = 0, locked_until = NULL
    WHERE id = :id RETURNING id;

-- name: user_set_totp
-- Another second factor, or none.
UPDATE user SET totp = :totp, totp_step = 0 WHERE id = :id RETURNING id;

-- name: user_disable
-- May sign in no more.
UPDATE user SET disabled_at = :now WHERE id = :id AND disabled_at IS NULL RETURNING id;

-- name: user_enable
-- May again.
UPDATE user SET disabled_at = NULL WHERE id = :id AND disabled_at IS NOT NULL RETURNING id;

-- name: user_unlock
-- Wrong tries are forgotten.
UPDATE user SET failures = 0, locked_until = NULL WHERE id = :id RETURNING id;

-- name: user_note_failure
-- A wrong try; the last that is allowed locks.
UPDATE user SET failures = failures + 1,
       locked_until = CASE WHEN failures + 1 >= :most THEN :locked_until ELSE locked_until END
    WHERE id = :id RETURNING failures;

-- name: user_note_success
-- A right try; a code of the second factor counts once, also of two at once; step 0 where none was asked for.
UPDATE user SET failures = 0, locked_until = NULL, totp_step = MAX(totp_step, :step)
    WHERE id = :id AND disabled_at IS NULL AND (:step = 0 OR :step > totp_step) RETURNING id;

-- name: session_insert_new
-- Somebody signed in.
INSERT INTO session (id, user_id, created_at, seen_at, ends_at, address, agent)
    VALUES (:id, :user_id, :now, :now, :ends_at, :address, :agent);

-- name: session_find_by_id
-- Whose it is, ended or not.
SELECT id, user_id, created_at, seen_at, ends_at, address, agent, ended_at FROM session WHERE id = ?;

-- name: session_list_open
-- Those of one person that may still count, the newest first.
SELECT id, user_id, created_at, seen_at, ends_at, address, agent, ended_at
    FROM session WHERE user_id = :user_id AND ended_at IS NULL AND ends_at > :now ORDER BY created_at DESC;

-- name: session_count_open
-- How many sessions count, of everybody.
SELECT COUNT(*) FROM session WHERE ended_at IS NULL AND ends_at > :now AND seen_at > :seen;

-- name: session_end_all
-- Every session ends: the ledger was restored from a copy.
UPDATE session SET ended_at = ? WHERE ended_at IS NULL RETURNING id;

-- name: session_touch
-- It is in use.
UPDATE session SET seen_at = MAX(seen_at, :now) WHERE id = :id AND ended_at IS NULL;

-- name: session_end_one
-- One of a person's, by the beginning of its digest or all of it; not so short that it may mean two.
UPDATE session SET ended_at = :now
    WHERE user_id = :user_id AND ended_at IS NULL AND length(:id) >= 16 AND substr(id, 1, length(:id)) = :id RETURNING id;

-- name: session_end_of_user
-- All of a person's, but one.
UPDATE session SET ended_at = :now WHERE user_id = :user_id AND ended_at IS NULL AND id <> :but RETURNING id;

-- name: session_delete_old
-- Those that ended long ago.
DELETE FROM session WHERE user_id = :user_id AND ends_at < :before;

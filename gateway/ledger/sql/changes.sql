-- name: change_list_newest
-- Changes before a number, newest first: of an agency, of a user or by one, or all.
SELECT seq, kind, at, actor, leaf, COALESCE(note, '') FROM change
WHERE seq < :before AND (:agency IS NULL OR agency_id = :agency OR other_id = :agency)
  AND (:user IS NULL OR user_id = :user OR actor = 'user:' || :user)
ORDER BY seq DESC LIMIT :limit;

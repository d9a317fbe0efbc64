-- name: change_list_newest
-- Changes before a number, newest first: of an agency, of a user or by one, or all.
SELECT seq, kind, at, actor, leaf, COALESCE(note, '') FROM change
WHERE seq < :before AND (:agency IS NULL OR agency_id = :agency OR other_id = :agency)
  AND (:user IS NULL OR user_id = :user OR actor = 'user:' || :user)
ORDER BY seq DESC LIMIT :limit;

-- name: change_find_one_hand
-- Who opened both accounts, or gave them a first password, since an instant, be it by others opened so; each is in the
-- own hand. Nobody: no row.
WITH RECURSIVE hand(side, who) AS (
    VALUES (1, :first), (2, :second)
    UNION
    SELECT h.side, c.actor FROM change AS c JOIN hand AS h ON h.who = 'user:' || c.user_id
    WHERE c.kind IN ('user.added', 'user.reset') AND c.at >= :since AND c.actor GLOB 'user:*')
SELECT who FROM hand GROUP BY who HAVING COUNT(*) > 1 LIMIT 1;

-- name: directory_version_read
-- How often what routing depends on has changed.
SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'directory_version';

-- name: directory_version_bump
-- Count one change of what routing depends on.
INSERT INTO meta (key, value) VALUES ('directory_version', '1')
    ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
    RETURNING CAST(value AS INTEGER);

-- name: agency_code_find_holders
-- Who holds, and who held, each of the canonical codes.
SELECT c.canonical, c.agency_id, c.valid_from, c.valid_until
    FROM json_each(?) AS j JOIN agency_code AS c ON c.canonical = j.value;

-- name: agency_read_by_ids
-- Agencies with all their codes and names.
SELECT a.id, a.kind, a.parent_id, a.endpoint_id, a.contact, a.opened_at, a.closed_at, a.successor_id, a.sandbox,
        a.daily_quota_bytes, a.served_by,
        (SELECT json_group_array(json_array(c.code, c.scheme, c.canonical, c.valid_from, c.valid_until))
            FROM agency_code AS c WHERE c.agency_id = a.id),
        (SELECT json_group_array(json_array(n.name, n.is_alias, n.valid_from, n.valid_until))
            FROM agency_name AS n WHERE n.agency_id = a.id)
    FROM json_each(?) AS j JOIN agency AS a ON a.id = j.value;

-- name: agency_read_periods
-- From when until when some agencies exist.
SELECT a.id, a.opened_at, a.closed_at FROM json_each(?) AS j JOIN agency AS a ON a.id = j.value;

-- name: agency_list_children
-- A page of the agencies directly below one, or of those below none, in the order of their ids.
SELECT id FROM agency WHERE parent_id IS :parent_id AND id > :after AND kind <> 'virtual' ORDER BY id LIMIT :limit;

-- name: agency_list_all
-- A page of all agencies that users see, in the order of their ids.
SELECT id FROM agency WHERE id > :after AND kind <> 'virtual' ORDER BY id LIMIT :limit;

-- name: agency_search_words
-- A page of the first matches: names that hold the phrase first, then by length; `most` bounds a vague question.
WITH found AS (SELECT agency_id FROM agency_search WHERE agency_search MATCH :question LIMIT :most),
named AS (
    SELECT f.agency_id AS id,
            (SELECT n.folded FROM agency_name AS n WHERE n.agency_id = f.agency_id
                ORDER BY n.is_alias, n.valid_until IS NOT NULL, n.valid_from DESC LIMIT 1) AS folded
        FROM found AS f
),
ranked AS (SELECT id, folded, (instr(folded, :phrase) = 0) * 1000 + length(folded) AS far FROM named)
SELECT id FROM ranked
    WHERE :after IS NULL OR (far, folded, id) > (SELECT far, folded, id FROM ranked WHERE id = :after)
    ORDER BY far, folded, id LIMIT :limit;

-- name: agency_name_list_shared
-- Names that several agencies bear or bore.
SELECT folded FROM agency_name WHERE is_alias = 0 GROUP BY folded HAVING COUNT(DISTINCT agency_id) > 1;

-- name: representation_list_principals
-- Whom an agency may speak for, ever.
SELECT principal_id, valid_from, valid_until FROM representation WHERE agent_id = ?;

-- name: representation_list_agents
-- Who may speak for an agency, ever.
SELECT agent_id, valid_from, valid_until FROM representation WHERE principal_id = ?;

-- name: agency_list_predecessors
-- Whom an agency has succeeded, over any number of steps, and when each was closed.
WITH RECURSIVE heritage (id, closed_at) AS (
    SELECT id, closed_at FROM agency WHERE successor_id = ?
    UNION
    SELECT a.id, max(a.closed_at, h.closed_at) FROM agency AS a JOIN heritage AS h ON a.successor_id = h.id
)
SELECT id, max(closed_at), NULL FROM heritage WHERE closed_at IS NOT NULL GROUP BY id;

-- name: agency_list_successors
-- Who has succeeded an agency, over any number of steps, and since when.
WITH RECURSIVE heirs (id, since) AS (
    SELECT successor_id, closed_at FROM agency WHERE id = ? AND successor_id IS NOT NULL
    UNION
    SELECT a.successor_id, max(a.closed_at, h.since) FROM agency AS a JOIN heirs AS h ON a.id = h.id
        WHERE a.successor_id IS NOT NULL
)
SELECT id, min(since), NULL FROM heirs WHERE since IS NOT NULL GROUP BY id;

-- name: endpoint_list_of_one_agency
-- Channels that lead to one agency alone, and which.
SELECT e.id, a.id FROM endpoint AS e JOIN agency AS a
    ON a.id = (SELECT b.id FROM agency AS b WHERE b.endpoint_id = e.id AND b.closed_at IS NULL LIMIT 1)
WHERE NOT EXISTS (SELECT 1 FROM agency AS c WHERE c.endpoint_id = e.id AND c.closed_at IS NULL AND c.id <> a.id);

-- name: endpoint_list_all
-- Every endpoint.
SELECT id, name, kind, settings, capabilities, is_relay, paused_until, down_since, paused_by, paused_why,
        last_success_at, oldest_first
    FROM endpoint ORDER BY name;

-- name: agency_list_sandbox
-- Agencies that are for tests.
SELECT id FROM agency WHERE sandbox = 1 AND closed_at IS NULL ORDER BY id LIMIT ?;

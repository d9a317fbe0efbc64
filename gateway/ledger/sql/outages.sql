-- name: outage_list_open
-- Planned outages that are neither over nor called off, the next first: now.
SELECT o.id, COALESCE(o.endpoint_id, ''), COALESCE(e.name, ''), o.starts_at, o.ends_at, o.why, o.announced_by
FROM planned_outage AS o LEFT JOIN endpoint AS e ON e.id = o.endpoint_id
WHERE o.ends_at > ? AND o.ended_at IS NULL ORDER BY o.starts_at, o.id;

-- name: outage_insert
-- Somebody announces one: id, channel or nothing, from, until, why, at, by.
INSERT INTO planned_outage (id, endpoint_id, starts_at, ends_at, why, announced_at, announced_by)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: outage_end_open
-- It is called off, or over earlier: id, at, by.
UPDATE planned_outage SET ended_at = :at, ended_by = :by
WHERE id = :id AND ended_at IS NULL AND ends_at > :at RETURNING COALESCE(endpoint_id, '');

-- name: agency_insert_new
-- One agency.
INSERT INTO agency (id, kind, parent_id, endpoint_id, contact, opened_at, closed_at, successor_id, sandbox,
        daily_quota_bytes, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: agency_update_fields
-- What an agency is apart from its dated codes and names.
UPDATE agency SET kind = ?, parent_id = ?, endpoint_id = ?, contact = ?, closed_at = ?, successor_id = ?,
        sandbox = ?, daily_quota_bytes = ?, updated_at = ?
    WHERE id = ?;

-- name: agency_close_if_open
-- Close an agency, if it is not closed by then.
UPDATE agency SET closed_at = :at, successor_id = :successor_id, updated_at = :now
    WHERE id = :id AND opened_at < :at AND (closed_at IS NULL OR closed_at > :at) RETURNING id;

-- name: agency_set_endpoint
-- The channel that an agency's deliveries take from now on.
UPDATE agency SET endpoint_id = :endpoint_id, updated_at = :now WHERE id = :id RETURNING id;

-- name: agency_set_served_by
-- Who serves an agency from now on; nothing comes back where that is so already.
UPDATE agency SET served_by = :served_by, updated_at = :now
    WHERE id = :id AND coalesce(served_by, '') <> :served_by RETURNING id;

-- name: agency_code_end
-- A code ends.
UPDATE agency_code SET valid_until = ? WHERE canonical = ? AND valid_from = ?;

-- name: agency_code_end_with_agency
-- The codes that a closing agency still holds end with it.
UPDATE agency_code SET valid_until = :at WHERE agency_id = :id AND (valid_until IS NULL OR valid_until > :at);

-- name: agency_code_delete_empty
-- What would have held for no time was a mistake.
DELETE FROM agency_code WHERE agency_id = ? AND valid_until <= valid_from;

-- name: agency_code_insert_new
-- An agency's code from an instant on.
INSERT INTO agency_code (agency_id, code, scheme, canonical, valid_from, valid_until) VALUES (?, ?, ?, ?, ?, ?);

-- name: agency_name_end
-- A name ends.
UPDATE agency_name SET valid_until = ? WHERE agency_id = ? AND name = ? AND valid_from = ?;

-- name: agency_name_end_with_agency
-- The names that a closing agency still has end with it.
UPDATE agency_name SET valid_until = :at WHERE agency_id = :id AND (valid_until IS NULL OR valid_until > :at);

-- name: agency_name_delete_empty
-- What would have held for no time was a mistake.
DELETE FROM agency_name WHERE agency_id = ? AND valid_until <= valid_from;

-- name: agency_name_insert_new
-- An agency's name or alias from an instant on.
INSERT INTO agency_name (agency_id, name, folded, is_alias, valid_from, valid_until) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (agency_id, name, valid_from) DO UPDATE
        SET is_alias = min(is_alias, excluded.is_alias), valid_until = excluded.valid_until;

-- name: agency_search_delete
-- Forget an agency's words.
DELETE FROM agency_search WHERE rowid = ?;

-- name: agency_search_insert
-- An agency's words: all its names and codes of all times, and its parent's names; none of what users do not see.
INSERT INTO agency_search (rowid, agency_id, words)
    SELECT ?, a.id,
            (SELECT group_concat(n.folded, ' ') FROM agency_name AS n WHERE n.agency_id = a.id)
            || ' ' || coalesce((SELECT group_concat(c.code, ' ') FROM agency_code AS c WHERE c.agency_id = a.id), '')
            || ' ' || coalesce((SELECT group_concat(p.folded, ' ') FROM agency_name AS p
                WHERE p.agency_id = a.parent_id), '')
        FROM agency AS a WHERE a.id = ? AND a.kind <> 'virtual';

-- name: agency_search_insert_new
-- A new agency's words, and its parent's names.
INSERT INTO agency_search (rowid, agency_id, words)
    VALUES (?, ?, ? || ' ' || coalesce((SELECT group_concat(p.folded, ' ') FROM agency_name AS p
        WHERE p.agency_id = ?), ''));

-- name: agency_list_ids_below
-- The agencies directly below any of some.
SELECT a.id FROM json_each(?) AS j JOIN agency AS a ON a.parent_id = j.value;

-- name: representation_insert_new
-- One agency may speak for another from an instant on.
INSERT INTO representation (agent_id, principal_id, valid_from, valid_until)
    VALUES (:agent_id, :principal_id, :valid_from, :valid_until)
    ON CONFLICT (agent_id, principal_id, valid_from) DO UPDATE SET valid_until = excluded.valid_until;

-- name: representation_end_if_valid
-- It may no longer.
UPDATE representation SET valid_until = max(valid_from, :at)
    WHERE agent_id = :agent_id AND principal_id = :principal_id AND (valid_until IS NULL OR valid_until > :at)
    RETURNING agent_id;

-- name: endpoint_upsert_configuration
-- Make an endpoint, or change how it is reached; its state is left alone.
INSERT INTO endpoint (id, name, kind, settings, capabilities, is_relay)
    VALUES (:id, :name, :kind, :settings, :capabilities, :is_relay)
    ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, settings = excluded.settings,
        capabilities = excluded.capabilities, is_relay = excluded.is_relay
    RETURNING id;

-- name: endpoint_set_most_in_flight
-- How many transmissions may be under way at once; kind, whether it is a relay.
UPDATE endpoint SET capabilities = json_set(capabilities, '$.max_in_flight', :most)
    WHERE id = :id RETURNING kind, is_relay;

-- name: endpoint_set_order
-- In which order what waits goes; kind, whether it is a relay.
UPDATE endpoint SET oldest_first = :oldest_first WHERE id = :id RETURNING kind, is_relay;

-- name: endpoint_read_down_since
-- Whether an endpoint exists, and since when nothing gets through.
SELECT down_since FROM endpoint WHERE id = ?;

-- name: endpoint_pause_until
-- Send nothing until an instant; the time counts as down.
UPDATE endpoint SET paused_until = :until, paused_by = :by, paused_why = :why,
        down_since = coalesce(down_since, :now)
    WHERE id = :id RETURNING down_since;

-- name: endpoint_resume_if_paused
-- Send again; where an instant is given, only if the pause was to end by then: id, before or nothing.
UPDATE endpoint SET paused_until = NULL, paused_by = NULL, paused_why = NULL, down_since = NULL
    WHERE id = :id AND paused_until <= COALESCE(:before, paused_until) RETURNING id;

-- name: endpoint_mark_down_if_up
-- Nothing gets through since an instant.
UPDATE endpoint SET down_since = :at WHERE id = :id AND down_since IS NULL RETURNING id;

-- name: endpoint_mark_up_if_down
-- It answers again.
UPDATE endpoint SET down_since = NULL, last_success_at = :at WHERE id = :id AND down_since IS NOT NULL
    RETURNING id;

-- name: endpoint_note_success
-- When something last got through.
UPDATE endpoint SET last_success_at = max(coalesce(last_success_at, 0), ?) WHERE id = ?;

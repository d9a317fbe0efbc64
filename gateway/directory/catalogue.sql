-- name: catalogue_read_state
-- What a channel's catalogue last came to.
SELECT lists_digest, synced_at, held_digest FROM catalogue WHERE endpoint_id = ?;

-- name: catalogue_list_states
-- What every channel's catalogue last came to.
SELECT endpoint_id, synced_at, held_digest, held_at, held_counts FROM catalogue;

-- name: catalogue_find_missing
-- Whether an agency that still exists is missing in a catalogue.
SELECT 1 FROM catalogue_entry AS e JOIN agency AS a ON a.id = e.agency_id
    WHERE e.endpoint_id = ? AND e.missing_since IS NOT NULL AND a.closed_at IS NULL LIMIT 1;

-- name: catalogue_entry_list_page
-- A page of the agencies known from a catalogue, and whether they are the catalogue's to change.
-- They are unless somebody has changed them, or one of our systems speaks for them, or they speak for others.
SELECT e.agency_id, e.code, e.digest, e.written_at, e.missing_since, a.closed_at,
        a.updated_at = e.written_at AND a.endpoint_id IS e.endpoint_id
            AND a.id NOT IN (SELECT agency_id FROM credential)
            AND a.id NOT IN (SELECT agency_id FROM enrolment)
            AND a.id NOT IN (SELECT agency_id FROM shared_secret)
            AND a.id NOT IN (SELECT agent_id FROM representation)
            AND a.id NOT IN (SELECT principal_id FROM representation)
    FROM catalogue_entry AS e JOIN agency AS a ON a.id = e.agency_id
    WHERE e.endpoint_id = :endpoint_id AND e.agency_id > :after ORDER BY e.agency_id LIMIT :limit;

-- name: catalogue_entry_upsert
-- What the directory took of an agency.
INSERT INTO catalogue_entry (agency_id, endpoint_id, code, digest, written_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (agency_id) DO UPDATE SET code = excluded.code, digest = excluded.digest,
        written_at = excluded.written_at, missing_since = NULL;

-- name: catalogue_entry_mark_missing
-- A catalogue no longer names it, or (NULL) names it again.
UPDATE catalogue_entry SET missing_since = ? WHERE agency_id = ?;

-- name: catalogue_find_changed_since
-- Agencies that somebody has changed since they were looked at.
SELECT a.id FROM json_each(?) AS j JOIN agency AS a ON a.id = json_extract(j.value, '$[0]')
    WHERE a.updated_at <> json_extract(j.value, '$[1]') LIMIT 1;

-- name: catalogue_mark_synced
-- It was taken in whole; nothing waits any more.
INSERT INTO catalogue (endpoint_id, lists_digest, synced_at) VALUES (:endpoint_id, :lists_digest, :at)
    ON CONFLICT (endpoint_id) DO UPDATE SET lists_digest = excluded.lists_digest, synced_at = excluded.synced_at,
        held_digest = NULL, held_at = NULL, held_counts = NULL;

-- name: catalogue_mark_held
-- It waits for a person; nothing comes back where this very one waits already.
INSERT INTO catalogue (endpoint_id, held_digest, held_at, held_counts) VALUES (:endpoint_id, :digest, :at, :counts)
    ON CONFLICT (endpoint_id) DO UPDATE SET held_digest = excluded.held_digest, held_at = excluded.held_at,
        held_counts = excluded.held_counts
        WHERE held_digest IS NOT excluded.held_digest
    RETURNING endpoint_id;

-- name: catalogue_entry_read
-- From whose catalogue an agency is known, since when it is missing there, and whether nobody else has changed it.
SELECT p.name, e.missing_since, a.updated_at = e.written_at
    FROM catalogue_entry AS e JOIN agency AS a ON a.id = e.agency_id JOIN endpoint AS p ON p.id = e.endpoint_id
    WHERE e.agency_id = ?;

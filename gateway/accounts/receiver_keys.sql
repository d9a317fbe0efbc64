-- name: receiver_key_list_in_force
-- The keys of one id among some agencies: those that count now.
SELECT agency_id, key_id, public_key, label, added_at, ended_at FROM receiver_key
WHERE agency_id IN (SELECT value FROM json_each(:agencies)) AND key_id = :key_id
  AND added_at <= :now AND (ended_at IS NULL OR ended_at > :now);

-- name: receiver_key_list_of_agency
-- Every key that an agency ever had, the newest first.
SELECT agency_id, key_id, public_key, label, added_at, ended_at FROM receiver_key
WHERE agency_id = ? ORDER BY added_at DESC, key_id;

-- name: receiver_key_insert_new
-- One key; an agency has it once, for ever.
INSERT INTO receiver_key (agency_id, key_id, public_key, label, added_at)
    VALUES (:agency_id, :key_id, :public_key, :label, :now)
    ON CONFLICT (agency_id, key_id) DO NOTHING RETURNING key_id;

-- name: receiver_key_end_one
-- End a key, if it counts.
UPDATE receiver_key SET ended_at = :now
    WHERE agency_id = :agency_id AND key_id = :key_id AND ended_at IS NULL RETURNING key_id;

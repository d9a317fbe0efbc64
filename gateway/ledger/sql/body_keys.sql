-- name: body_key_list
-- The data keys, oldest first: id, the key they are encrypted under, themselves, when made, since when so.
SELECT id, wrapper, wrapped, made_at, wrapped_at FROM body_key ORDER BY number;

-- name: body_key_put
-- A new data key, or a known one encrypted anew: id, now, what it is encrypted under, itself.
INSERT INTO body_key (id, made_at, wrapper, wrapped_at, wrapped) VALUES (?1, ?2, ?3, ?2, ?4)
ON CONFLICT (id) DO UPDATE SET wrapper = excluded.wrapper, wrapped_at = excluded.wrapped_at, wrapped = excluded.wrapped;

-- name: message_any
-- Whether anything was ever accepted here.
SELECT EXISTS (SELECT 1 FROM message);

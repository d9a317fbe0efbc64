-- name: log_renewal_list
-- Renewals of the head, oldest first: when, leaves, text, roots, stamp, and the checkpoint that each is over.
SELECT r.number, r.at, r.text, r.chunks, r.stamps, r.server, r.stamped_at, r.token, c.note
FROM log_renewal AS r JOIN checkpoint AS c ON c.size = r.size ORDER BY r.number;

-- name: log_renewal_insert
-- Keep one: number, instant, leaves, text, roots, stamps that it is over, server, not later than, answer.
INSERT INTO log_renewal (number, at, size, text, chunks, stamps, server, stamped_at, token)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: checkpoint_read_first_stamped
-- When the first checkpoint was stamped.
SELECT at FROM checkpoint_stamp ORDER BY size LIMIT 1;

-- name: checkpoint_read_latest_stamped
-- The newest checkpoint that has a stamp.
SELECT size FROM checkpoint_stamp ORDER BY size DESC LIMIT 1;

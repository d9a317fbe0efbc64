-- name: dispatch_shift_waits
-- The clock went back: what is not due keeps its distance. What was written since comes early, which does no harm.
UPDATE dispatch SET due_at = due_at + :jump WHERE state = 'ready' AND due_at > :now RETURNING id;

-- name: dispatch_shift_lives
-- The clock went forward: the time left out counts towards no age.
UPDATE dispatch INDEXED BY dispatch_open
SET give_up_at = give_up_at + :jump, created_at = created_at + :jump, first_at = first_at + :jump
WHERE state IN ('ready', 'in_flight', 'held') AND state <> 'done'
RETURNING id;

-- name: delivery_shift_leases
-- Leases of readers keep their distance too, and none is longer than allowed.
UPDATE delivery SET leased_until = MIN(leased_until + :jump, :longest)
WHERE in_inbox = 1 AND state IN ('queued', 'in_flight') AND leased_until > :before
RETURNING id;

-- name: entry_next_number
-- The next number of a series in a year: office, direction, series, year.
SELECT COALESCE(MAX(number), 0) + 1 FROM desk_entry WHERE office_id = ? AND direction = ? AND series = ? AND year = ?;

-- name: entry_day_is_closed
-- Whether a day of a register is closed.
SELECT 1 FROM desk_day WHERE office_id = ? AND direction = ? AND day = ?;

-- name: entry_find_of_delivery
-- The valid line of a document that came: id, number, day.
SELECT id, number, day FROM desk_entry WHERE delivery_id = ? AND voided_at IS NULL;

-- name: entry_find_struck_of_delivery
-- A line of a document that came which was struck out.
SELECT id FROM desk_entry WHERE delivery_id = ? AND voided_at IS NOT NULL LIMIT 1;

-- name: entry_find_twin
-- A valid line of the same document: id, number, day.
SELECT id, number, day FROM desk_entry
WHERE office_id = ? AND direction = ? AND twin = ? AND voided_at IS NULL ORDER BY id LIMIT 1;

-- name: entry_insert
-- Write a line.
INSERT INTO desk_entry (id, office_id, direction, series, year, number, day, at, actor, message_id, delivery_id, status_id,
    issuer, code_number, code_notation, issued_on, type_name, subject, signer, recipients, receiver, passed_on, due_on,
    copies, note, scan_id, twin, salt, sha256)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: entry_link_if_free
-- The document of a number taken beforehand goes out: its envelope says what the line said.
UPDATE desk_entry SET message_id = ?, issuer = '', code_number = '', code_notation = '', issued_on = '', type_name = '',
    subject = '', signer = '', recipients = ''
WHERE id = ? AND office_id = ? AND direction = 'out' AND message_id IS NULL AND voided_at IS NULL RETURNING id;

-- name: entry_amend_if_valid
-- What the office writes beside a line.
UPDATE desk_entry SET receiver = ?, passed_on = ?, due_on = ?, copies = ?, note = ?
WHERE id = ? AND office_id = ? AND voided_at IS NULL RETURNING id;

-- name: entry_void_if_valid
-- Strike a line out.
UPDATE desk_entry SET voided_at = ?, voided_by = ?, voided_why = ?
WHERE id = ? AND office_id = ? AND voided_at IS NULL RETURNING id;

-- name: entry_is_of_office
-- Whether an office has a line.
SELECT 1 FROM desk_entry WHERE id = ? AND office_id = ?;

-- name: entry_list_digests_of_day
-- The digests of a day's lines, in their order.
SELECT sha256 FROM desk_entry WHERE office_id = ? AND direction = ? AND day = ? ORDER BY series, number;

-- name: entry_day_read_before
-- The digest of the day of a register that was closed before.
SELECT sha256 FROM desk_day WHERE office_id = ? AND direction = ? AND day < ? ORDER BY day DESC LIMIT 1;

-- name: entry_day_insert
-- Close a day: office, direction, day, lines, digest, when.
INSERT INTO desk_day (office_id, direction, day, entries, sha256, closed_at) VALUES (?, ?, ?, ?, ?, ?);

-- name: entry_mark_closed
-- Its lines are closed.
UPDATE desk_entry SET is_closed = 1 WHERE office_id = ? AND direction = ? AND day = ? RETURNING id;

-- name: entry_day_list_due
-- Days before one that are not closed: office, direction, day.
SELECT DISTINCT office_id, direction, day FROM desk_entry WHERE is_closed = 0 AND day < ? ORDER BY day LIMIT 500;

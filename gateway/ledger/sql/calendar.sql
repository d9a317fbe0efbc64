-- name: calendar_day_list
-- Days that people entered, in order: day, whether it is worked on, name, when and by whom it was entered.
SELECT day, works, name, at, by FROM calendar_day ORDER BY day;

-- name: calendar_day_set
-- A day is off or worked on, whatever was entered before.
INSERT INTO calendar_day (day, works, name, at, by) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (day) DO UPDATE SET works = excluded.works, name = excluded.name, at = excluded.at, by = excluded.by;

-- name: calendar_day_drop
-- The rule counts again.
DELETE FROM calendar_day WHERE day = ?;

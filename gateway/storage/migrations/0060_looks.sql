-- How the last looks at a list went: when, in microseconds, negative where it could not be read; the oldest first.
ALTER TABLE source ADD COLUMN looks TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(looks));

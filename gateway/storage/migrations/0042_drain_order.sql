-- Whether what waits for a channel goes the oldest first, behind hỏa tốc alone.
ALTER TABLE endpoint ADD COLUMN oldest_first INTEGER NOT NULL DEFAULT 0 CHECK (oldest_first IN (0, 1));

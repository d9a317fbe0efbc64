-- Holidays and exchanged working days, which people enter.
-- Days that people said are off or worked on, before the rule of gateway/workdays.py.
CREATE TABLE calendar_day (
    day   TEXT NOT NULL PRIMARY KEY CHECK (day GLOB '[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    works INTEGER NOT NULL CHECK (works IN (0, 1)),
    name  TEXT NOT NULL,
    at    INTEGER NOT NULL,
    by    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

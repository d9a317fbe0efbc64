-- What auditors looked up, without going through the history.
CREATE INDEX event_of_lookups ON event (seq) WHERE kind = 'lookup.made';

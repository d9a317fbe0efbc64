-- Orders to destroy that were ended before they were carried out, as the log has it.
CREATE INDEX event_of_purge_ends ON event (seq) WHERE kind IN ('purge.cancelled', 'purge.lapsed');

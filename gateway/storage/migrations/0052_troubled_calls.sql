-- what people did with deliveries, for the handover of a shift
CREATE INDEX event_of_people ON event (at) WHERE actor >= 'user:' AND actor < 'user;' AND kind IN ('delivery.requeued',
    'delivery.held', 'delivery.released', 'delivery.confirmed', 'delivery.handed_over', 'delivery.quarantined',
    'delivery.reminded', 'delivery.telephoned', 'delivery.adopted', 'replay.asked', 'document.readdressed');
-- calls that failed, or took longer than half a minute and a second for each megabyte
CREATE INDEX attempt_troubled ON attempt (started_at)
    WHERE outcome IN ('deferred', 'refused', 'unknown', 'mixed') OR ended_at - started_at > 30000000 + bytes;

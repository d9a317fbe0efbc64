-- What was changed of agencies, users, channels and settings, by whom and why: the agency or the user that it is about
-- stands in the index. Of sessions, those alone that were ended for a reason.
CREATE INDEX event_of_changes ON event (
    seq, kind, actor, COALESCE(CAST(leaf AS TEXT) ->> '$.facts.agency', CAST(leaf AS TEXT) ->> '$.facts.principal',
                               CAST(leaf AS TEXT) ->> '$.facts.office'),
    COALESCE(CAST(leaf AS TEXT) ->> '$.facts.agent', CAST(leaf AS TEXT) ->> '$.facts.successor'),
    CAST(leaf AS TEXT) ->> '$.facts.user')
WHERE kind IN (
    'agency.imported', 'agency.closed', 'agency.registered', 'agency.deregistered', 'agency.rerouted', 'agency.taken',
    'agency.watched', 'agency.returned', 'agency.certificate_bound', 'agency.certificate_ended',
    'agency.encryption_published', 'agency.encryption_ended', 'catalogue.synced', 'catalogue.held',
    'representation.added', 'representation.ended', 'enrolment.offered', 'credential.issued', 'credential.renewed',
    'credential.restricted', 'credential.revoked', 'user.added', 'user.changed', 'user.reset', 'user.rekeyed',
    'user.secured', 'user.disabled', 'user.enabled', 'user.locked', 'user.unlocked', 'session.ended',
    'key.registered', 'key.ended', 'alerting.set', 'desk.opened', 'desk.closed', 'endpoint.configured',
    'endpoint.rekeyed', 'outage.announced', 'outage.ended', 'calendar.changed', 'configuration.reloaded', 'key.taken',
    'revocation.loaded', 'encryption.begun', 'encryption.rekeyed', 'ledger.taken', 'log.declared')
  AND (kind <> 'session.ended' OR note IS NOT NULL) AND json_valid(CAST(leaf AS TEXT));
CREATE VIEW change AS
SELECT e.seq, e.kind, e.at, e.actor, e.leaf, e.note,
       COALESCE(CAST(e.leaf AS TEXT) ->> '$.facts.agency', CAST(e.leaf AS TEXT) ->> '$.facts.principal',
                CAST(e.leaf AS TEXT) ->> '$.facts.office') AS agency_id,
       COALESCE(CAST(e.leaf AS TEXT) ->> '$.facts.agent', CAST(e.leaf AS TEXT) ->> '$.facts.successor') AS other_id,
       CAST(e.leaf AS TEXT) ->> '$.facts.user' AS user_id
FROM event AS e INDEXED BY event_of_changes
WHERE e.kind IN (
    'agency.imported', 'agency.closed', 'agency.registered', 'agency.deregistered', 'agency.rerouted', 'agency.taken',
    'agency.watched', 'agency.returned', 'agency.certificate_bound', 'agency.certificate_ended',
    'agency.encryption_published', 'agency.encryption_ended', 'catalogue.synced', 'catalogue.held',
    'representation.added', 'representation.ended', 'enrolment.offered', 'credential.issued', 'credential.renewed',
    'credential.restricted', 'credential.revoked', 'user.added', 'user.changed', 'user.reset', 'user.rekeyed',
    'user.secured', 'user.disabled', 'user.enabled', 'user.locked', 'user.unlocked', 'session.ended',
    'key.registered', 'key.ended', 'alerting.set', 'desk.opened', 'desk.closed', 'endpoint.configured',
    'endpoint.rekeyed', 'outage.announced', 'outage.ended', 'calendar.changed', 'configuration.reloaded', 'key.taken',
    'revocation.loaded', 'encryption.begun', 'encryption.rekeyed', 'ledger.taken', 'log.declared')
  AND (e.kind <> 'session.ended' OR e.note IS NOT NULL) AND json_valid(CAST(e.leaf AS TEXT));

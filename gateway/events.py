"""The registry of event names: `noun.past_verb`, nothing else may be recorded.

An event is one row of the ledger's history, written in the transaction of what it tells. Its *leaf* is the
canonical JSON of its facts (ids, digests, codes, instants; never a subject, a name or a free text) and its
leaf hash is RFC 6962's SHA-256(0x00 || leaf), so that a Merkle tree is grown over them without
touching a row (`gateway.evidence.sequencer`).
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256

import msgspec

from gateway.states import Trigger

#: The largest leaf, in bytes: the 16-bit length prefix of C2SP tile bundles allows no more.
MAX_LEAF_BYTES = 65_535


class Event(StrEnum):
    """What may be recorded."""

    #: A message was accepted, sealed and recorded; the leaf holds the receipt's digest.
    DOCUMENT_ACCEPTED = "document.accepted"
    #: The same content was known already, or a relay brought a document of ours back.
    DOCUMENT_LINKED = "document.linked"
    #: The same business key came with other content; both are kept, a person decides.
    DOCUMENT_CONFLICTED = "document.conflicted"
    #: A copy in another dialect was made for peers that cannot read the original.
    DOCUMENT_RENDERED = "document.rendered"
    #: The same bytes were sent to new recipients, or a person added some.
    DOCUMENT_READDRESSED = "document.readdressed"
    #: The attempt was committed, before anybody dialled.
    DELIVERY_CLAIMED = "delivery.claimed"
    #: The recipient fetched the content from its inbox.
    DELIVERY_FETCHED = "delivery.fetched"
    #: An intermediary took it and gave its own id; not yet arrived.
    DELIVERY_RELAYED = "delivery.relayed"
    #: The recipient's system confirmed it, or its reader acknowledged it.
    DELIVERY_DELIVERED = "delivery.delivered"
    #: The recipient's own status came.
    DELIVERY_ACKNOWLEDGED = "delivery.acknowledged"
    #: A temporary failure; it is tried again.
    DELIVERY_DEFERRED = "delivery.deferred"
    #: A permanent refusal by the transport or by policy.
    DELIVERY_REFUSED = "delivery.refused"
    #: It waits for a person.
    DELIVERY_HELD = "delivery.held"
    #: A person let it go on.
    DELIVERY_RELEASED = "delivery.released"
    #: A person opened a new series of attempts.
    DELIVERY_REQUEUED = "delivery.requeued"
    #: A crash or a lost lease left it in flight; it is queued again under the same ids.
    DELIVERY_RESCUED = "delivery.rescued"
    #: The time allowed has passed; it is dead until a person requeues it.
    DELIVERY_EXPIRED = "delivery.expired"
    #: Announced before that happens.
    DELIVERY_EXPIRING = "delivery.expiring"
    #: A person had its office told once more that it waits to be fetched and registered, or answered.
    DELIVERY_REMINDED = "delivery.reminded"
    #: A person heard by telephone that its office has it; no status of the office. The leaf does not say from whom.
    DELIVERY_TELEPHONED = "delivery.telephoned"
    #: The sender took it back before it left.
    DELIVERY_WITHDRAWN = "delivery.withdrawn"
    #: It was in flight at several crashes, or a person set it aside; it is kept whole for a person.
    DELIVERY_QUARANTINED = "delivery.quarantined"
    #: A person delivered it by post or hand.
    DELIVERY_HANDED_OVER = "delivery.handed_over"
    #: Its receiver signed for it, when it had been closed already; the leaf holds the digest of the proof.
    DELIVERY_PROVED = "delivery.proved"
    #: A person recorded, on the word of its receiver, that a held one had arrived.
    DELIVERY_CONFIRMED = "delivery.confirmed"
    #: A person found it at an intermediary whose answer was lost; the leaf holds the intermediary's id of it.
    DELIVERY_ADOPTED = "delivery.adopted"
    #: The stored bytes of a message are damaged or gone; what would hand them out is quarantined.
    BODY_DAMAGED = "body.damaged"
    #: A document was destroyed by order: nobody is given a byte of it from now on; the leaf names digest and order.
    BODY_PURGED = "body.purged"
    #: A paper of a clerk's register was destroyed by order; the leaf names line, order and the digest of its scan.
    PAPER_PURGED = "paper.purged"
    #: Somebody, or a rule of retention, ordered documents to be destroyed; the leaf holds their number and digest.
    PURGE_ORDERED = "purge.ordered"
    #: A first person answers for an order that a rule made.
    PURGE_BACKED = "purge.backed"
    #: A second person confirmed an order.
    PURGE_CONFIRMED = "purge.confirmed"
    #: An order was cancelled before that.
    PURGE_CANCELLED = "purge.cancelled"
    #: Nobody confirmed it in time.
    PURGE_LAPSED = "purge.lapsed"
    #: Nothing of what it names is left in any place that the gateway knows.
    PURGE_COMPLETED = "purge.completed"
    #: A person wants an act that a second one must consent to; the leaf holds the digest of its list of deliveries.
    PROPOSAL_MADE = "proposal.made"
    #: A second person consents: it is carried out from now on.
    PROPOSAL_CONSENTED = "proposal.consented"
    #: A second person refuses.
    PROPOSAL_REFUSED = "proposal.refused"
    #: Whoever made it does not want it any more.
    PROPOSAL_WITHDRAWN = "proposal.withdrawn"
    #: Nobody answered in time.
    PROPOSAL_LAPSED = "proposal.lapsed"
    #: It was carried out on every delivery that it is still for.
    PROPOSAL_COMPLETED = "proposal.completed"
    #: A person sent a test document by a channel; the leaf names both.
    TEST_SENT = "test.sent"
    #: A person has dealt with what waited in a queue of problems; the leaf says what it was.
    PROBLEM_SETTLED = "problem.settled"
    #: A document must not be destroyed, whatever order names it.
    DOCUMENT_RETAINED = "document.retained"
    #: It may be again, as far as that entry goes.
    DOCUMENT_UNRETAINED = "document.unretained"
    #: Rows of messages cannot be read any more; the leaf says how many lines were quarantined for it.
    LEDGER_DAMAGED = "ledger.damaged"
    #: The signatures that others made on a document were examined; the leaf holds verdict and digest of the report.
    DOCUMENT_CHECKED = "document.checked"
    #: An outcome came for an attempt that no longer owned its dispatch; it changed nothing.
    ATTEMPT_OUTDATED = "attempt.outdated"
    #: A status message was matched to a delivery and appended to its history.
    STATUS_RECORDED = "status.recorded"
    #: A status message matched nothing, or too much; it waits for a person.
    STATUS_PARKED = "status.parked"
    #: A person matched a parked status with a delivery; what it says is recorded of that one as of any other.
    STATUS_MATCHED = "status.matched"
    #: A person found that a parked status is about nothing here; it stays, marked.
    STATUS_DISMISSED = "status.dismissed"
    #: A status contradicts what was reported before, or came after a withdrawal.
    STATUS_FLAGGED = "status.flagged"
    #: An endpoint that was down answers again.
    ENDPOINT_OPENED = "endpoint.opened"
    #: An endpoint is down: its breaker opened.
    ENDPOINT_CLOSED = "endpoint.closed"
    #: An endpoint was made or changed.
    ENDPOINT_CONFIGURED = "endpoint.configured"
    #: An operator stopped transmissions to an endpoint until a given time.
    ENDPOINT_PAUSED = "endpoint.paused"
    #: That pause was ended.
    ENDPOINT_RESUMED = "endpoint.resumed"
    #: The receiver at an endpoint has shown that it holds the channel's key; the leaf says for which address.
    ENDPOINT_VERIFIED = "endpoint.verified"
    #: It has not, or says that the address is gone; no document is sent until it has.
    ENDPOINT_DOUBTED = "endpoint.doubted"
    #: An endpoint's key is replaced; the leaf says until when the old one goes on signing.
    ENDPOINT_REKEYED = "endpoint.rekeyed"
    #: An import made or changed an agency.
    AGENCY_IMPORTED = "agency.imported"
    #: An agency was closed; its successor, if it has one, is named.
    AGENCY_CLOSED = "agency.closed"
    #: An operator had a peer enter an agency of ours in its catalogue; the leaf says whether it did.
    AGENCY_REGISTERED = "agency.registered"
    #: An operator had a peer take an agency of ours out of its catalogue; the leaf says whether it did.
    AGENCY_DEREGISTERED = "agency.deregistered"
    #: The directory was brought to what a peer's catalogue says; the leaf holds counts and the catalogue's digest.
    CATALOGUE_SYNCED = "catalogue.synced"
    #: A catalogue would change so much that a person must look at it first; nothing was taken of it.
    CATALOGUE_HELD = "catalogue.held"
    #: An agency is reached through another endpoint from now on.
    AGENCY_REROUTED = "agency.rerouted"
    #: From now on the gateway serves an agency that another system served.
    AGENCY_TAKEN = "agency.taken"
    #: Another system serves it; the gateway looks at what is offered to it.
    AGENCY_WATCHED = "agency.watched"
    #: Another system serves it.
    AGENCY_RETURNED = "agency.returned"
    #: What a peer's list offers was fetched and kept, and not acknowledged; the leaf holds its digest.
    OFFER_FETCHED = "offer.fetched"
    #: A peer gave the id of an entry that we knew to another document; the leaf holds the digest of the one we had.
    OFFER_REPLACED = "offer.replaced"
    #: A person decided about an entry that could not be accepted; the peer is told so.
    OFFER_DECIDED = "offer.decided"
    #: A person had a peer's list read at once; the leaf names the channel, or none for all of them.
    SOURCE_ASKED = "source.asked"
    #: A peer's list cannot be read.
    SOURCE_CLOSED = "source.closed"
    #: It can be read again.
    SOURCE_OPENED = "source.opened"
    #: A list that is in order has held nothing new for longer than is usual.
    SOURCE_SILENCED = "source.silenced"
    #: Something came after all.
    SOURCE_HEARD = "source.heard"
    #: A day of our ledger was compared with a peer's own books; the leaf holds the report's digest.
    RECONCILIATION_MADE = "reconciliation.made"
    #: A document was accepted from the files of another system; the leaf holds when that says it was sent or came.
    DOCUMENT_IMPORTED = "document.imported"
    #: A receiver asked to be pushed again what it had confirmed.
    REPLAY_ASKED = "replay.asked"
    #: A try to do so ended; the leaf says how. The delivery stays what it was.
    REPLAY_ENDED = "replay.ended"
    #: How an agency wants to hear that documents wait was set; the leaf holds no address.
    ALERTING_SET = "alerting.set"
    #: A mail server or a call gateway took an alert.
    ALERT_SENT = "alert.sent"
    #: An alert was refused for good, or given up.
    ALERT_FAILED = "alert.failed"
    #: A person put off an alert that waits; never one about an express document (hỏa tốc).
    ALERT_SNOOZED = "alert.snoozed"
    #: Somebody who was called says that he has seen it; nobody else is called.
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    #: An agency's mail address bounces for good; nothing more is sent there until it is set again.
    ADDRESS_BOUNCED = "address.bounced"
    #: Something needs a person who looks after the gateway; the leaf names the rule, and what it is about.
    ALARM_OPENED = "alarm.opened"
    #: It is over.
    ALARM_CLOSED = "alarm.closed"
    #: A person sees to it.
    ALARM_ACKNOWLEDGED = "alarm.acknowledged"
    #: A person wants to hear of it again at an instant, and not before.
    ALARM_SNOOZED = "alarm.snoozed"
    #: Somebody was told of these alarms; the leaf holds no address.
    ALARM_TOLD = "alarm.told"
    #: Somebody could not be told of them for good.
    ALARM_UNTOLD = "alarm.untold"
    #: A person announced that a channel, or the whole gateway, is not in service for a while.
    OUTAGE_ANNOUNCED = "outage.announced"
    #: It was called off, or was over earlier than announced.
    OUTAGE_ENDED = "outage.ended"
    #: One agency may speak for another.
    REPRESENTATION_ADDED = "representation.added"
    #: It may no longer.
    REPRESENTATION_ENDED = "representation.ended"
    #: A one-time code was given out; the leaf holds no code.
    ENROLMENT_OFFERED = "enrolment.offered"
    #: A certificate or a token was issued.
    CREDENTIAL_ISSUED = "credential.issued"
    #: A certificate was replaced by its successor.
    CREDENTIAL_RENEWED = "credential.renewed"
    #: It counts from the networks named only; from anywhere where none is.
    CREDENTIAL_RESTRICTED = "credential.restricted"
    #: It is refused from the next request on.
    CREDENTIAL_REVOKED = "credential.revoked"
    #: Somebody may use the console; the leaf holds the user's id, role and offices, no name and no login.
    USER_ADDED = "user.added"
    #: What a user may do has changed, or the name.
    USER_CHANGED = "user.changed"
    #: A user got another first password, and has no second factor any more.
    USER_RESET = "user.reset"
    #: A user chose a password.
    USER_REKEYED = "user.rekeyed"
    #: A user set a second factor, or took it away.
    USER_SECURED = "user.secured"
    #: A user may sign in no more.
    USER_DISABLED = "user.disabled"
    #: A user may sign in again.
    USER_ENABLED = "user.enabled"
    #: Too many wrong passwords: until an instant none is looked at.
    USER_LOCKED = "user.locked"
    #: Wrong tries of a user were forgotten.
    USER_UNLOCKED = "user.unlocked"
    #: A user signed in to the console.
    SESSION_OPENED = "session.opened"
    #: A user signed out, or somebody ended the session.
    SESSION_ENDED = "session.ended"
    #: A key with which an office signs what it says of documents counts from now on.
    KEY_REGISTERED = "key.registered"
    #: It does not count any more.
    KEY_ENDED = "key.ended"
    #: A peer asked for something that only an operator may do.
    TASK_OPENED = "task.opened"
    #: An operator did it, or said why not.
    TASK_CLOSED = "task.closed"
    #: The data folder was opened by the server or by a command.
    SERVER_STARTED = "server.started"
    #: It was closed in order; without this event, a crash came.
    SERVER_STOPPED = "server.stopped"
    #: The wall clock jumped while the server ran, by so many seconds; what waited keeps its distance.
    CLOCK_JUMPED = "clock.jumped"
    #: Settings, certificates and directory were read again.
    CONFIGURATION_RELOADED = "configuration.reloaded"
    #: From now on the gateway signs with the key of this certificate; the leaf names the one before by its digest.
    KEY_TAKEN = "key.taken"
    #: An operator bound a certificate to the agency that signs with it; the leaf holds its digest and from when.
    AGENCY_CERTIFICATE_BOUND = "agency.certificate_bound"
    #: From an instant on the agency signs with it no longer.
    AGENCY_CERTIFICATE_ENDED = "agency.certificate_ended"
    #: An operator let senders encrypt to a certificate of an agency; the leaf holds its digest.
    AGENCY_ENCRYPTION_PUBLISHED = "agency.encryption_published"
    #: It is given to no sender any more; the leaf says whether it was replaced or revoked.
    AGENCY_ENCRYPTION_ENDED = "agency.encryption_ended"
    #: An operator loaded what CAs say about revocation; the leaf holds the digests.
    REVOCATION_LOADED = "revocation.loaded"
    #: Somebody downloaded a document, or an operator looked at one, for the first time; the leaf says which.
    DOCUMENT_READ = "document.read"
    #: Somebody exported the evidence of a document; the leaf holds the digest of the bundle's seal. An inspection's
    #: belongs to no document, and its leaf commits to which one it was.
    DOCUMENT_EXPORTED = "document.exported"
    #: Somebody began a conformance run for an office, in a sandbox of its own.
    CONFORMANCE_BEGUN = "conformance.begun"
    #: It has ended; the leaf says how many steps passed and failed.
    CONFORMANCE_ENDED = "conformance.ended"
    #: Some days are off or worked on, a person says; the leaf says which days.
    CALENDAR_CHANGED = "calendar.changed"
    #: An auditor looked something up, or somebody took lines of the ledger as a file; the leaf says what was done
    #: and how much was found, and commits to what was asked for.
    LOOKUP_MADE = "lookup.made"
    #: Somebody exported the proof that an agency sent no such document; the leaf holds the digest of its seal.
    ABSENCE_EXPORTED = "absence.exported"
    #: A day was closed; the leaf holds the root over the registers of its agencies.
    REGISTER_CLOSED = "register.closed"
    #: A clerk gave a document its number in the office's register; the leaf holds the digest of the line.
    ENTRY_REGISTERED = "entry.registered"
    #: The document of a number taken beforehand went out.
    ENTRY_SENT = "entry.sent"
    #: A clerk wrote down who got it, or a note.
    ENTRY_AMENDED = "entry.amended"
    #: A clerk struck a line out; its number is not given again.
    ENTRY_VOIDED = "entry.voided"
    #: A day of an office's register was closed; the leaf holds the digest over its lines.
    BOOK_CLOSED = "book.closed"
    #: An office that documents are brought to keeps a clerk's desk from now on, too; by its own clerk.
    DESK_OPENED = "desk.opened"
    #: It keeps none any more.
    DESK_CLOSED = "desk.closed"
    #: A month of the ledger was written into one file; the leaf says which leaves, and the digest of its seal.
    ARCHIVE_MADE = "archive.made"
    #: A copy of the data folder was made and verified while the server ran.
    BACKUP_MADE = "backup.made"
    #: The newest copy was restored aside and examined, and held.
    DRILL_PASSED = "drill.passed"
    #: The newest copy could not be restored, or did not hold.
    DRILL_FAILED = "drill.failed"
    #: What was signed beyond the present tree is lost, an operator says; the log goes on under another name.
    LOG_DECLARED = "log.declared"
    #: The log's head was worked out by another hash and stamped anew; the leaf holds the digests of both.
    LOG_RESTAMPED = "log.restamped"
    #: A witness has seen another history of the log, or more of it than was signed here.
    WITNESS_CONTRADICTED = "witness.contradicted"
    #: It cosigns this one again.
    WITNESS_AGREED = "witness.agreed"
    #: The last event of a ledger that was handed over; the leaf names the successor and what was open.
    LEDGER_ENDED = "ledger.ended"
    #: A ledger of another gateway was verified and taken over; the leaf holds its final checkpoint.
    LEDGER_TAKEN = "ledger.taken"
    #: From now on new bodies are encrypted; the leaf names the data key and the key that it is encrypted under.
    ENCRYPTION_BEGUN = "encryption.begun"
    #: Every data key was encrypted under another key, and new bodies have a new one.
    ENCRYPTION_REKEYED = "encryption.rekeyed"
    #: The data folder was restored from a copy; the leaf names the copy's last event. Numbers go on from the
    #: instant of the restore, in microseconds, so that no number given out before is given out again.
    EPOCH_OPENED = "epoch.opened"


def of_delivery(trigger: Trigger) -> Event:
    """The event that records `trigger`."""
    return Event(f"delivery.{trigger}")


def canonical(facts: dict[str, object]) -> bytes:
    """The canonical JSON of an event's facts: sorted keys, no white space, UTF-8 (RFC 8785 without floats)."""
    leaf = msgspec.json.encode(facts, order="sorted")
    if len(leaf) > MAX_LEAF_BYTES:
        raise ValueError(f"a leaf of {len(leaf)} bytes is over {MAX_LEAF_BYTES}")
    return leaf


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 2.1: SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()

"""The registry of event names: `noun.past_verb`, nothing else may be recorded.

An event is one row of the ledger's history, written in the transaction of what it tells. Its *leaf* is the
canonical JSON of its facts (ids, digests, codes, instants; never a subject, a name or a free text) and its
leaf hash is RFC 6962's SHA-256(0x00 || leaf), so that a Merkle tree can be grown over them later without
touching a row.
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

    DOCUMENT_ACCEPTED = "document.accepted"
    DOCUMENT_LINKED = "document.linked"
    DOCUMENT_CONFLICTED = "document.conflicted"
    DOCUMENT_READDRESSED = "document.readdressed"
    DELIVERY_CLAIMED = "delivery.claimed"
    DELIVERY_FETCHED = "delivery.fetched"
    DELIVERY_RELAYED = "delivery.relayed"
    DELIVERY_DELIVERED = "delivery.delivered"
    DELIVERY_ACKNOWLEDGED = "delivery.acknowledged"
    DELIVERY_DEFERRED = "delivery.deferred"
    DELIVERY_REFUSED = "delivery.refused"
    DELIVERY_HELD = "delivery.held"
    DELIVERY_RELEASED = "delivery.released"
    DELIVERY_REQUEUED = "delivery.requeued"
    DELIVERY_RESCUED = "delivery.rescued"
    DELIVERY_EXPIRED = "delivery.expired"
    DELIVERY_EXPIRING = "delivery.expiring"
    DELIVERY_WITHDRAWN = "delivery.withdrawn"
    DELIVERY_QUARANTINED = "delivery.quarantined"
    DELIVERY_HANDED_OVER = "delivery.handed_over"
    ATTEMPT_OUTDATED = "attempt.outdated"
    STATUS_RECORDED = "status.recorded"
    STATUS_PARKED = "status.parked"
    STATUS_RESOLVED = "status.resolved"
    STATUS_FLAGGED = "status.flagged"
    ENDPOINT_OPENED = "endpoint.opened"
    ENDPOINT_CLOSED = "endpoint.closed"
    ENDPOINT_CONFIGURED = "endpoint.configured"
    ENDPOINT_PAUSED = "endpoint.paused"
    ENDPOINT_RESUMED = "endpoint.resumed"
    AGENCY_IMPORTED = "agency.imported"
    AGENCY_CLOSED = "agency.closed"
    AGENCY_REROUTED = "agency.rerouted"
    REPRESENTATION_ADDED = "representation.added"
    REPRESENTATION_ENDED = "representation.ended"
    ENROLMENT_OFFERED = "enrolment.offered"
    CREDENTIAL_ISSUED = "credential.issued"
    CREDENTIAL_RENEWED = "credential.renewed"
    CREDENTIAL_REVOKED = "credential.revoked"
    SERVER_STARTED = "server.started"
    SERVER_STOPPED = "server.stopped"
    CONFIGURATION_RELOADED = "configuration.reloaded"


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

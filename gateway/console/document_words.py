"""Words for what happened to a document: events, tries, groups of recipients, who did it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gateway.console.document_story import Told
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.ledger.params import as_json
from gateway.model import AgencyId

#: Group of recipients -> what is said of them, and how it looks.
GROUPS: Final[Mapping[str, tuple[str, str]]] = {
    "booked": (N_("registered"), "good"),
    "arrived": (N_("arrived, not registered yet"), "good"),
    "fetched": (N_("fetched, not confirmed yet"), "busy"),
    "unopened": (N_("not opened"), "wait"),
    "under_way": (N_("on the way"), "busy"),
    "returned": (N_("returned"), "bad"),
    "refused": (N_("refused by their system or on the way"), "bad"),
    "stuck": (N_("stuck, waiting for a person"), "bad"),
    "withdrawn": (N_("withdrawn or cancelled"), "calm"),
    "otherwise": (N_("handed over another way"), "good"),
}
#: How a try ended.
OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    "": (N_("not ended yet"), "busy"),
    "delivered": (N_("sent and confirmed"), "good"),
    "relayed": (N_("taken by the intermediary"), "good"),
    "deferred": (N_("did not work, is tried again"), "wait"),
    "refused": (N_("refused by the other side"), "bad"),
    "unknown": (N_("ended without an answer"), "wait"),
    "mixed": (N_("worked for some recipients"), "wait"),
}
EVENTS: Final[Mapping[str, tuple[str, str]]] = {
    "document.accepted": (N_("Accepted, sealed and entered"), "good"),
    "document.linked": (N_("The same content was known already"), "calm"),
    "document.conflicted": (N_("The same number came with other content"), "wait"),
    "document.rendered": (N_("A copy in another dialect was made"), "calm"),
    "document.readdressed": (N_("Recipients were added"), "busy"),
    "document.checked": (N_("Signatures were examined"), "good"),
    "document.exported": (N_("Evidence was exported"), "calm"),
    "document.read": (N_("Looked at or downloaded"), "calm"),
    "document.imported": (N_("Taken over from another system"), "calm"),
    "document.retained": (N_("Must not be destroyed"), "calm"),
    "document.unretained": (N_("May be destroyed again"), "calm"),
    "delivery.fetched": (N_("Fetched by the recipient"), "good"),
    "delivery.relayed": (N_("Taken by the intermediary, not arrived yet"), "busy"),
    "delivery.delivered": (N_("Arrived"), "good"),
    "delivery.acknowledged": (N_("The recipient's own status came"), "good"),
    "delivery.deferred": (N_("Failed for now, is tried again"), "wait"),
    "delivery.refused": (N_("Refused for good"), "bad"),
    "delivery.held": (N_("Held, waits for a person"), "calm"),
    "delivery.released": (N_("Let go on"), "busy"),
    "delivery.requeued": (N_("To be sent again"), "busy"),
    "delivery.rescued": (N_("Queued again after an interruption"), "wait"),
    "delivery.expired": (N_("Given up, the time has passed"), "bad"),
    "delivery.expiring": (N_("Will be given up soon"), "wait"),
    "delivery.reminded": (N_("The office was reminded"), "busy"),
    "delivery.telephoned": (N_("Heard by telephone that it is there; no status of the office"), "calm"),
    "delivery.withdrawn": (N_("Taken back by the sender"), "calm"),
    "delivery.quarantined": (N_("Put into quarantine"), "bad"),
    "delivery.handed_over": (N_("Handed over another way"), "good"),
    "delivery.proved": (N_("The recipient signed for it"), "good"),
    "delivery.confirmed": (N_("Arrival confirmed by a person"), "good"),
    "delivery.adopted": (N_("Found at the intermediary"), "good"),
    "body.damaged": (N_("The stored bytes are damaged"), "bad"),
    "body.purged": (N_("Destroyed by order"), "calm"),
    "attempt.outdated": (N_("A late answer that changed nothing"), "calm"),
    "status.parked": (N_("A status that matches nothing"), "wait"),
    "status.matched": (N_("A status was matched by a person"), "good"),
    "status.dismissed": (N_("A status was set aside by a person"), "calm"),
    "status.flagged": (N_("A status contradicts an earlier one"), "wait"),
    "replay.asked": (N_("The recipient asked for it again"), "busy"),
    "test.sent": (N_("Sent as a test"), "calm"),
    "problem.settled": (N_("Dealt with, out of the queue of problems"), "calm"),
    "replay.ended": (N_("It was sent again"), "good"),
    "alert.sent": (N_("The office was told that it waits"), "busy"),
    "alert.failed": (N_("The office could not be told"), "wait"),
    "alert.acknowledged": (N_("Somebody at the office has seen the alert"), "good"),
}
#: Acts of operators that leave the same event as what another system does.
BY_PEOPLE: Final[Mapping[str, tuple[str, str]]] = {
    "delivery.withdrawn": (N_("Cancelled by two persons"), "calm"),
    "replay.asked": (N_("To be pushed once more"), "busy"),
}
#: Rows of the ledger about the connection, in words.
FACTS: Final[Mapping[str, str]] = {
    "http_status": N_("HTTP answer"),
    "status": N_("their status"),
    "address": N_("address"),
    "certificate_sha256": N_("certificate"),
    "duration_ms": N_("milliseconds"),
    "answer": N_("their answer"),
    "inquiry": N_("what was found there"),
    "proposal": N_("request"),
}
RELATIONS: Final[Mapping[str, str]] = {
    "0": N_("New document"),
    "1": N_("Recalled by"),
    "2": N_("Updated by"),
    "3": N_("Replaced by"),
}
#: What a document with this business type does to the one that it names.
DOES: Final[Mapping[str, str]] = {
    "0": N_("Belongs to"),
    "1": N_("Recalls"),
    "2": N_("Updates"),
    "3": N_("Replaces"),
    "13": N_("Takes back"),
}


def event_words(told: Told) -> tuple[str, str]:
    """What an event is called, and how it looks."""
    is_of_person = told.kind == "replay.asked" and told.actor.startswith(("user:", "operator:"))
    if is_of_person or told.reason == "cancelled_by_operator":
        return BY_PEOPLE.get(told.kind, (told.kind, "calm"))
    return EVENTS.get(told.kind, (told.kind, "calm"))


async def actors_of(visit: Visit, actors: Iterable[str]) -> Mapping[str, str]:
    """What people call those who acted."""
    asked = {each for each in actors if each}
    named = dict(await visit.names(asked))
    agencies = {each: AgencyId(each.removeprefix("agency:")) for each in asked if each.startswith("agency:")}
    keys = sorted(each.removeprefix("credential:") for each in asked if each.startswith("credential:"))
    rows = await visit.base.readers.fetch("credential_list_named", {"ids": as_json(keys)}) if keys else []
    agencies |= {f"credential:{row[0]}": AgencyId(row[1]) for row in rows}
    known = await visit.base.directory.agencies(set(agencies.values()))
    named |= {actor: known[key].name for actor, key in agencies.items() if key in known}
    _ = visit.gettext
    for each in asked - named.keys():
        kind, _sep, rest = each.partition(":")
        named[each] = (
            _("account %(name)s of the server") % {"name": rest} if kind == "operator" else _("the gateway")
        )
    return named

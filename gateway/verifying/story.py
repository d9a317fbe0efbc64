"""Whether what `evidence/bundle.json` tells is what receipts and leaves say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.bundle.container import Container
from gateway.bundle.facts import Delivery, Facts
from gateway.bundle.format import DOCUMENT, MANIFEST, MIMETYPE, TRANSFER, role_of
from gateway.bundle.manifest import manifest_of
from gateway.errors import BundleError
from gateway.verifying.findings import Check, failed, passed, undecided
from gateway.verifying.tree import Logged, facts_of


def check_lists(container: Container, facts: str, told: Mapping[str, str]) -> Iterator[Check]:
    """The two lists of entries against what there is; `told` is that in the entry `facts`."""
    found = {name: role_of(name) or "" for name in container.entries if name not in {MIMETYPE, facts}}
    if found == told:
        yield passed("entries", f"{len(found)} entries")
    else:
        odd = sorted(found.items() ^ told.items())
        yield failed("entries", "entries_differ", ", ".join(name for name, _ in odd)[:500])
    is_of_format = all(name == MIMETYPE or role_of(name) for name in container.entries)
    try:
        manifest = container.bytes_of(MANIFEST)
    except BundleError:
        manifest = b""
    if is_of_format and manifest == manifest_of(container.entries):
        yield passed("manifest")
    else:
        yield failed("manifest", "entries_differ", f"{MANIFEST} is not the list of these entries")


def check_transfer(container: Container, facts: Facts) -> Check:
    """transfer.json, the bytes and bundle.json speak of one document."""
    document = facts.document
    return _transfer(container, "transfer", TRANSFER, DOCUMENT, (document.id, document.sha256, document.size))


def check_message(container: Container, facts: Facts, key: str) -> Check | None:
    """The same of a message beside the document; None where the facts do not know it."""
    for message in facts.messages:
        if message.id == key:
            due = (key, message.sha256, message.size)
            names = (f"messages/{key}.transfer.json", f"messages/{key}.edxml")
            return _transfer(container, f"messages.{key}.transfer", *names, due)
    return None


def _transfer(container: Container, name: str, transfer: str, body: str, due: tuple[str, str, int]) -> Check:
    try:
        told: Any = json.loads(container.bytes_of(transfer))
        is_told = (told["message"], told["document"]["sha256"], told["document"]["size"]) == due
    except (ValueError, KeyError, TypeError, RecursionError, BundleError) as error:
        return failed(name, "facts_unreadable", f"{transfer}: {error}")
    size = container.size_of(body)
    if not is_told or size != due[2] or container.digest_of(body).hex() != due[1]:
        return failed(name, "facts_differ", f"{transfer}, {body} and bundle.json are not about the same bytes")
    return passed(name)


def check_acceptance(
    logged: Logged, name: str, message: str, sha256: str, receipt: str, *, may_be_pending: bool
) -> Check:
    """A proved leaf of the acceptance names these bytes and this receipt.

    `may_be_pending`: it is of a message about the document, and some events were not proved yet.
    """
    found = list(facts_of(logged.of("document.accepted", message=message)))
    if any((each.get("sha256"), each.get("receipt")) == (sha256, receipt) for each in found):
        return passed(name)
    if found:
        return failed(name, "leaf_of_another_document", "the leaf of the acceptance names another receipt")
    if may_be_pending and logged.leaves:
        return undecided(name, "leaves_pending", "no leaf that is proved tells of it yet", counts=False)
    return undecided(name, "leaf_missing", "no leaf that is proved tells of the acceptance")


def check_statuses(facts: Facts, logged: Logged) -> Check:
    """Every status that the history tells of is there, and comes with its message."""
    name = "statuses"
    messages = {message.id for message in facts.messages}
    lost = [f"{each.code} in message {each.message}" for each in facts.statuses if each.message not in messages]
    told = sum(1 for _ in logged.of("status.recorded"))
    if told > len(facts.statuses):
        lost.append(f"the history tells of {told}, bundle.json of {len(facts.statuses)}")
    if lost:
        return failed(name, "status_missing", "; ".join(lost)[:500])
    return passed(name, f"{len(facts.statuses)} statuses")


def check_delivery(delivery: Delivery, facts: Facts, logged: Logged) -> Check:
    """The last move that the leaves prove leads to the state that bundle.json tells."""
    name, state = f"delivery.{delivery.id}", "queued"
    for leaf in (leaf for _, leaf in sorted(logged.leaves.items()) if leaf.get("delivery") == delivery.id):
        for each in facts_of((leaf,)):
            if "from" in each and "to" in each:
                state = str(each["to"])
            elif leaf.get("kind") in {"delivery.claimed", "delivery.fetched"}:
                state = "in_flight"
    if state == delivery.state:
        return passed(name, state)
    if facts.pending_leaves or not logged.leaves:
        return undecided(
            name, "leaves_pending", f"bundle.json says {delivery.state}, leaves up to now {state}", counts=False
        )
    return failed(name, "state_not_in_history", f"bundle.json says {delivery.state}, the history {state}")

"""What receivers said and how it is proved: `receiver.<delivery>` of an acknowledgement, `.<message>` of a status.

A signature counts as the office's if its key lies in `receivers/CODE.pem` of the anchors. An acknowledgement that
PASSED was signed by whoever holds that key, for these very bytes and this delivery, and no gateway could have made
it up. Where no key of the office was given, the signature may be sound and the key a stranger's: undecided, and it
does not count. Nor does what was bound to a connection: that the gateway authenticated it so is the gateway's word,
under the log since then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.bundle.container import Container
from gateway.bundle.facts import Facts
from gateway.bundle.format import DOCUMENT
from gateway.errors import BundleError, ReceiverProofError
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed, undecided
from gateway.verifying.tree import Logged

if TYPE_CHECKING:
    from gateway.bundle.receivers import Due, Proof

_PREFIX: Final = "evidence/verdicts/receiver-"
_BOUND: Final = "receiver_bound_to_connection"
#: Leaves that hold the digest of a proof in `facts.proof`.
_KINDS: Final = ("delivery.delivered", "delivery.proved", "document.accepted")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """What a proved leaf says of a proof."""

    name: str
    message: str
    delivery: str


def check_receivers(container: Container, facts: Facts, logged: Logged, anchors: Anchors) -> Iterator[Check]:
    """A check for each acknowledgement and each status that has a proof, in the log or in the bundle."""
    told = dict(_told(logged))
    files = {container.digest_of(name).hex(): name for name in container.entries if name.startswith(_PREFIX)}
    for digest, due in told.items():
        if digest not in files:
            yield failed(due.name, "receiver_proof_missing", f"SHA-256 {digest}")
    for leaf in logged.of("delivery.delivered"):
        found = _facts(leaf)
        if "proof" not in found and "certificate" in found:
            server = f"a server confirmed it that had the certificate SHA-256 {found['certificate']}"
            yield undecided(f"receiver.{leaf.get('delivery')}", _BOUND, server, counts=False)
    for digest, name in files.items():
        yield _one(container, facts, anchors, name, told.get(digest))


def _told(logged: Logged) -> Iterator[tuple[str, _Told]]:
    for leaf in logged.of(*_KINDS):
        digest = _facts(leaf).get("proof")
        if isinstance(digest, str):
            message, delivery = str(leaf.get("message", "")), str(leaf.get("delivery", ""))
            yield digest, _Told(name=f"receiver.{delivery or message}", message=message, delivery=delivery)


def _facts(leaf: Mapping[str, Any]) -> Mapping[str, Any]:
    found = leaf.get("facts")
    return found if isinstance(found, dict) else {}


def _one(container: Container, facts: Facts, anchors: Anchors, name: str, leaf: _Told | None) -> Check:
    from gateway.bundle.receivers import read  # many bundles hold no proof

    try:
        proof = read(container.bytes_of(name))
    except (ReceiverProofError, BundleError) as error:
        return failed(leaf.name if leaf else name, "receiver_proof_unreadable", str(error))
    title = f"receiver.{proof.delivery if proof.act == 'acknowledgement' else proof.message}"
    if leaf is None:
        if facts.pending_leaves:
            return undecided(title, "leaves_pending", "no leaf that is proved tells of it yet", counts=False)
        return failed(title, "receiver_proof_not_in_log", name)
    said = (proof.message, proof.delivery if leaf.delivery else "")
    if title != leaf.name or said != (leaf.message, leaf.delivery):
        return failed(leaf.name, "facts_differ", f"{name} and its leaf are about different acts")
    try:
        return _judged(container, facts, anchors, title, proof)
    except (ReceiverProofError, BundleError) as error:
        return failed(title, error.code, str(error))


def _judged(container: Container, facts: Facts, anchors: Anchors, title: str, proof: Proof) -> Check:
    from gateway.bundle.receivers import verify_signed

    offices = {line.id: (line.recipient, line.code) for line in facts.deliveries}
    if proof.act == "acknowledgement" and offices.get(proof.delivery, ("", ""))[0] != proof.agency:
        return failed(title, "facts_differ", "the delivery is another office's")
    is_here = proof.delivery in offices and proof.message in {facts.document.id, *(m.id for m in facts.messages)}
    if is_here and proof.document and proof.document != container.digest_of(DOCUMENT).hex():
        raise ReceiverProofError(
            "it names another document than that of the bundle", code="receiver_other_document"
        )
    if proof.signature is None:
        return undecided(title, _BOUND, _connection(proof), counts=False)
    said = verify_signed(proof.signature, _due(container, facts, proof))
    at = datetime.fromtimestamp(int(said["created"]), UTC).isoformat()
    code = _code(facts, proof)
    known = anchors.receivers.get(code.upper(), {})
    told = f"key {proof.signature.keyid[:16]}…, {proof.signature.algorithm}; the receiver's clock said {at}"
    if proof.signature.keyid in known:
        return passed(title, f"signed with {known[proof.signature.keyid]}; {told}")
    if known:
        return undecided(title, "receiver_key_not_given", f"{code}: {told}")
    return undecided(title, "receiver_key_from_gateway", f"the signature is right; {code}: {told}", counts=False)


def _due(container: Container, facts: Facts, proof: Proof) -> Due:
    """What the signature must be about, from the bundle, not from the proof."""
    from gateway.bundle.receivers import Due, body_of, digest_of

    assert proof.signature is not None, "looked at before"
    body = body_of(proof.signature)
    if proof.act == "acknowledgement":
        return Due(act=proof.act, delivery=proof.delivery, document=proof.document, body="")
    if body is None:
        sent = container.digest_of(f"messages/{proof.message}.edxml").hex()
        return Due(act=proof.act, delivery=proof.delivery, document=proof.document, body=sent)
    codes = {each.code for each in facts.statuses if each.message == proof.message}
    if codes and _status_code(body) not in codes:
        raise ReceiverProofError("another status was signed", code="receiver_other_document")
    return Due(act=proof.act, delivery=proof.delivery, document=proof.document, body=digest_of(body))


def _status_code(body: bytes) -> str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("code", "")) if isinstance(found, dict) else ""


def _code(facts: Facts, proof: Proof) -> str:
    """The office's code, as the sender of the document wrote it; the proof's own where the bundle has none."""
    for line in facts.deliveries:
        if line.recipient == proof.agency:
            return line.code
    return proof.code


def _connection(proof: Proof) -> str:
    found = proof.connection
    if found.method == "certificate":
        return f"its connection had the certificate SHA-256 {found.certificate} ({found.subject or 'no subject'})"
    named = {
        "token": "a token, which the gateway issued and whoever has it can use",
        "shared_secret": "a secret that the gateway holds as well",
        "session": "a person who was signed in to the gateway's console",
        "pulled": "nothing: the gateway fetched it from a list",
    }
    return f"authenticated by {named.get(found.method, found.method)}; credential {found.credential}"

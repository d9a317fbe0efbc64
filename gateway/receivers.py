"""What receivers say of what they got, made evidence: verified if it is signed, bound to the connection if not.

An acknowledgement or a status of an office is proved by its own key where the request is signed (RFC 9421, tag
`gateway-receiver`); else by nothing but how the connection was authenticated, which is written down all the same. A
signature that is there must be right: wrong, stale, over other bytes, for another delivery or by a key that is not
the office's refuses the request. `[receivers]` says from whom an unsigned one is refused.

It does NOT store anything: the row goes with the act into its transaction (`gateway.ledger.receiver_proofs`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from gateway.accounts.receiver_keys import keys_in_force
from gateway.bundle.receivers import (
    MOST_BASE,
    MOST_BODY,
    TAG,
    Connection,
    Due,
    Proof,
    Signature,
    digest_of,
    signature_of,
    verify_signed,
    written,
)
from gateway.clock import rfc3339
from gateway.config.signatures import ReceiverSettings
from gateway.edxml.organ_ids import canonical
from gateway.errors import ReceiverProofError, RefusedError
from gateway.ids import uuid7
from gateway.ledger.reads import InboxRow
from gateway.ledger.receiver_proofs import ProofRow
from gateway.message_signatures import Presented, seconds_in, signed_of
from gateway.model import Agency, AgencyId, Caller
from gateway.storage.readers import Readers

#: How far `created` of a signature may be from our clock.
_TOLERANCE: Final = timedelta(minutes=5)
#: Any XML signature has its name in the file: names, unlike namespaces, cannot be written by references.
_NAME: Final = b"ignature"
#: Callers that are no office's own connection: nothing can be required of them.
_OTHERS: Final = frozenset({"pulled", "imported", "socket"})


class Receivers:
    """Makes proofs of what receivers say."""

    def __init__(self, readers: Readers, settings: ReceiverSettings) -> None:
        self._readers, self._default = readers, settings.policy
        self._own = {canonical(code): "record" for code in settings.record}
        self._own |= {canonical(code): "require" for code in settings.require}

    async def acknowledged(
        self, caller: Caller, row: InboxRow, request: Presented | None, now: datetime
    ) -> ProofRow:
        """The proof of an acknowledgement; RefusedError where a signature is wrong, or lacks and is required."""
        due = Due(act="acknowledgement", delivery=row.id, document=row.sha256, body="")
        offices = {row.recipient_id, caller.agency_id}
        signature = await self._signed(request, due, offices, row.recipient_code, now)
        if signature is None:
            self._require(caller, row.recipient_code)
        proof = _proof(caller, due, row.recipient_id, row.recipient_code, row.message_id, signature, now)
        return _row(proof, caller, now)

    async def reported(
        self, caller: Caller, sender: Agency, status: Due, message_id: str, request: Presented | None, now: datetime
    ) -> ProofRow:
        """Likewise of a status message, which `sender` is the reporter of; `status.body` is what it would sign."""
        signature = await self._signed(request, status, {sender.id, caller.agency_id}, sender.organ_id, now)
        if signature is None and caller.relay_endpoint_id is None:
            self._require(caller, sender.organ_id)
        return _row(_proof(caller, status, sender.id, sender.organ_id, message_id, signature, now), caller, now)

    def _require(self, caller: Caller, code: str) -> None:
        if caller.method not in _OTHERS and self._own.get(canonical(code), self._default) == "require":
            raise RefusedError("receiver_signature_required", code)

    async def _signed(
        self, request: Presented | None, due: Due, offices: Iterable[AgencyId], code: str, now: datetime
    ) -> Signature | None:
        if request is None:
            return None
        try:
            signed = signed_of(request, TAG)
            if signed is None:
                return None
            if len(signed.base) > MOST_BASE or len(request.body or b"") > MOST_BODY:
                raise RefusedError(
                    "receiver_signature_wrong", f"sign {MOST_BASE} bytes and a body of {MOST_BODY} at most"
                )
        except ValueError as error:
            raise RefusedError("receiver_signature_wrong", str(error)) from error
        found = await keys_in_force(self._readers, offices, signed.facts.get("keyid", ""), now)
        if not found:
            raise RefusedError(
                "receiver_key_unknown", f"{code} has no key {signed.facts.get('keyid', '')!r} in force"
            )
        signature = signature_of(signed, found[0].public, found[0].der, request.body)
        try:
            _require_fresh(verify_signed(signature, due), now)
        except ReceiverProofError as error:
            raise RefusedError("receiver_signature_wrong", str(error)) from error
        return signature


def may_be_signed(content: bytes | None) -> bool:
    """Whether a status message may be signed itself; None: too large to be in memory, so nobody has seen it."""
    return content is None or _NAME in content


def due_of_answer(row: InboxRow, body: bytes) -> Due:
    """What a signed answer to an inbox item must be about."""
    return Due(act="status", delivery=row.id, document=row.sha256, body=digest_of(body))


def _require_fresh(facts: dict[str, str], now: datetime) -> None:
    created, expires = seconds_in(facts, "created"), seconds_in(facts, "expires")
    assert created is not None, "verified"
    at, tolerance = now.timestamp(), _TOLERANCE.total_seconds()
    if abs(at - created) > tolerance:
        raise RefusedError("receiver_signature_wrong", f"created is {at - created:.0f} s from our clock")
    if "expires" in facts and (expires is None or expires + tolerance < at):
        raise RefusedError("receiver_signature_wrong", "it has expired")


def _proof(
    caller: Caller,
    due: Due,
    agency: AgencyId,
    code: str,
    message_id: str,
    signature: Signature | None,
    now: datetime,
) -> Proof:
    return Proof(
        act=due.act,
        at=rfc3339(now),
        agency=agency,
        code=code,
        message=message_id,
        delivery=due.delivery,
        document=due.document,
        connection=Connection(
            method=caller.method,
            credential=caller.credential_id,
            certificate=caller.fingerprint if caller.method == "certificate" else "",
            subject=_subject(caller.certificate),
        ),
        signature=signature,
    )


def _row(proof: Proof, caller: Caller, now: datetime) -> ProofRow:
    kind = "signature" if proof.signature else proof.connection.method
    return ProofRow(
        id=uuid7(),
        message_id=proof.message,
        delivery_id=proof.delivery or None,
        act=proof.act,
        agency_id=proof.agency,
        kind=kind,
        key_id=proof.signature.keyid if proof.signature else None,
        at=now,
        file=written(proof),
        certificate=caller.certificate,
    )


def _subject(certificate: bytes) -> str:
    """As RFC 4514 writes it; "" for none that can be read."""
    if not certificate:
        return ""
    try:
        with warnings.catch_warnings(action="ignore"):
            return x509.load_der_x509_certificate(certificate).subject.rfc4514_string()[:500]
    except ValueError:
        return ""

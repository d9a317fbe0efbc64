"""Vectors of what receivers signed: the story of `making`, with proofs of its acknowledgement and first status.

The office's key lies in the anchors (`receivers/CODE.pem`); each case is what somebody would try without it.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.bundle.build import Material
from gateway.bundle.receivers import (
    CERTIFICATE_ENTRY,
    ENTRY,
    TAG,
    Connection,
    Proof,
    Signature,
    certificate_file,
    signature_of,
    written,
)
from gateway.client_signature import ReceiverSigner
from gateway.events import canonical
from gateway.message_signatures import Presented, signed_of
from tests.bundle.making import DELIVERY, MESSAGE, Story, made, made_id, story, with_
from tests.pki.build import build
from tests.unit.seal.sealing import DOCUMENT, SIGNED_AT

CODE: Final = "000.01.32.H33"
BODY: Final = '{"code":"01","description":"Đã đến"}'.encode()
_AT: Final = SIGNED_AT + timedelta(minutes=2)
_URL: Final = "https://truc.example.vn/api/v1"
_ACK, _ANSWER = f"{_URL}/inbox/{DELIVERY}/ack", f"{_URL}/inbox/{DELIVERY}/status"
_SHA256: Final = sha256(DOCUMENT).hexdigest()
#: Leaves of the story: that it was delivered, that the first status was accepted.
_DELIVERED, _ACCEPTED = 5, 6
_PROOFS: Final = (made_id(40), made_id(41))


def key(name: str) -> Ed25519PrivateKey:
    """One that signs the same way every time."""
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


OFFICE, STRANGER = key("hon-son"), key("somebody else")


def write_keys(folder: Path) -> None:
    """What the auditor has from the office itself."""
    (folder / "receivers").mkdir(parents=True)
    pem = OFFICE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "receivers" / f"{CODE}.pem").write_bytes(pem)


def signed(
    url: str = _ACK, *, by: Ed25519PrivateKey = OFFICE, document: str = _SHA256, body: bytes | None = None
) -> Signature:
    """As the gateway keeps it."""
    headers = ReceiverSigner(private=by).headers(url, document_sha256=document, at=_AT, body=body)
    request = Presented(method="POST", target_uri=url, fields={k.lower(): v for k, v in headers.items()}, body=body)
    found = signed_of(request, TAG)
    assert found is not None
    public = by.public_key()
    return signature_of(found, public, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), body)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the two acts are proved by."""

    acknowledgement: Signature | None
    status: Signature | None

    def proofs(self, statuses: tuple[str, ...]) -> tuple[Proof, Proof]:
        """Their files' content."""
        connection = Connection(method="token", credential=made_id(70))
        if self.acknowledgement is None:
            certificate = _certificate()
            connection = Connection(
                method="certificate",
                credential=made_id(71),
                certificate=sha256(certificate).hexdigest(),
                subject="CN=QLVB",
            )
        common: dict[str, Any] = {
            "at": "2026-11-22T03:02:00Z", "agency": "recipient", "code": CODE, "delivery": DELIVERY,
            "document": _SHA256, "connection": connection,
        }  # fmt: skip
        return (
            Proof(act="acknowledgement", message=MESSAGE, signature=self.acknowledgement, **common),
            Proof(act="status", message=statuses[0], signature=self.status, **common),
        )


GOOD: Final = Said(acknowledgement=signed(), status=signed(_ANSWER, body=BODY))


def _certificate() -> bytes:
    return build()["seal-rsa"].certificate.public_bytes(Encoding.DER)


def proved(said: Said = GOOD, *, swapped: bytes | None = None, without: bool = False) -> bytes:
    """The bundle of a story with these proofs; `swapped`: another file than that of the leaf, `without`: none."""
    a = story()
    files = [written(each) for each in said.proofs(tuple(each.id for each in a.statuses))]
    a = _with_leaves(a, files)
    if swapped is not None:
        files[0] = swapped

    def change(material: Material) -> Material:
        others = {ENTRY.format(name): file for name, file in zip(_PROOFS, files, strict=True)}
        if said.acknowledgement is None:
            der = _certificate()
            others[CERTIFICATE_ENTRY.format(sha256(der).hexdigest())] = certificate_file(der)
        if without:
            del others[ENTRY.format(_PROOFS[0])]
        return replace(material, others={**material.others, **others})

    return made(a, change=change)


def _with_leaves(a: Story, files: list[bytes]) -> Story:
    tree = list(a.tree)
    for index, file in zip((_DELIVERED, _ACCEPTED), files, strict=True):
        leaf = json.loads(tree[index])
        leaf["facts"]["proof"] = sha256(file).hexdigest()
        tree[index] = canonical(leaf)
    return with_(a, tree=tuple(tree))


def receiver_bundles() -> Iterator[tuple[str, str, bytes]]:
    """Name, why, bundle."""
    yield "receiver-signed", "acknowledgement and status are signed by the office's key", proved()
    unsigned = proved(Said(acknowledgement=None, status=None))
    yield (
        "receiver-bound-to-connection",
        "nothing is signed: that is said, and PASSED",
        unsigned,
    )
    other = signed(document=sha256(b"another document").hexdigest())
    yield "receiver-signed-another-document", "the office signed for other bytes", proved(_acknowledged(other))
    replayed = signed(f"{_URL}/inbox/{made_id(3)}/ack")
    yield "receiver-signature-replayed", "a signature for another delivery", proved(_acknowledged(replayed))
    strange = signed(by=STRANGER)
    yield "receiver-key-of-a-stranger", "signed, but by no key that the office gave", proved(_acknowledged(strange))
    called = signed(by=STRANGER)
    called = replace_keys(called, signed())
    yield "receiver-key-exchanged", "a stranger's signature under the office's key", proved(_acknowledged(called))
    answered = replace(GOOD, status=signed(_ANSWER, body=BODY.replace(b"01", b"02")))
    yield "receiver-another-status", "the office signed 02, the bundle tells of 01", proved(answered)
    as_ack = signed(_ANSWER, body=BODY)
    yield (
        "receiver-status-as-acknowledgement",
        "an answer's signature is none for receipt",
        proved(_acknowledged(as_ack)),
    )
    yield (
        "receiver-signed-in-no-year",
        "created is a time that no calendar holds",
        proved(_acknowledged(_ageless())),
    )
    later = written(Said(acknowledgement=signed(), status=None).proofs((made_id(10),))[0]) + b"\n"
    yield "receiver-proof-swapped", "the log holds the digest of another file", proved(swapped=later)
    yield "receiver-proof-missing", "the log tells of a proof that is not there", proved(without=True)
    yield "receiver-proof-unreadable", "the file is no proof, though the log holds it", _unreadable()


def _ageless() -> Signature:
    found = signed()
    base = re.sub(r"created=[0-9]+", "created=999999999999999", found.base)
    return msgspec.structs.replace(found, base=base, value=b64encode(OFFICE.sign(base.encode())).decode())


def _acknowledged(signature: Signature) -> Said:
    return replace(GOOD, acknowledgement=signature)


def replace_keys(signature: Signature, other: Signature) -> Signature:
    """This signature and text, said to be by the key of another."""
    base = signature.base.replace(signature.keyid, other.keyid)
    return Signature(keyid=other.keyid, key=other.key, algorithm=other.algorithm, base=base, value=signature.value)


def _unreadable() -> bytes:
    a = story()
    files = [b'{"v":1', written(GOOD.proofs(tuple(each.id for each in a.statuses))[1])]

    def change(material: Material) -> Material:
        return replace(material, others={ENTRY.format(n): f for n, f in zip(_PROOFS, files, strict=True)})

    return made(_with_leaves(a, files), change=change)

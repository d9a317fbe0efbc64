"""Bundles to be verified, made without a gateway: the same bytes every time, and every part of them to be changed.

`Story` holds what a ledger would: one document to one office that took it, answered 01 and 03, with the leaves, the
log and a time stamp. `made` writes the bundle of a story; the keys are those of the test PKI.
"""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import UNSET

from gateway.bundle import facts as shapes
from gateway.bundle.build import Material, Papers, compose, finish, resealed
from gateway.bundle.container import Container, ContainerWriter
from gateway.bundle.format import EXPORT, MIMETYPE, RECORD
from gateway.events import canonical
from gateway.seal.evidence_record import group_hash, path_of, root_of, write_record
from gateway.seal.stamp_token import token_of
from gateway.seal.unsigned import Unsigned, archive_imprint, extended, read_unsigned, signature_imprint
from gateway.seal.writer import draft_export
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.keys import Cosigner, LogSigner
from gateway.transparency.merkle import inclusion_proof, leaf_hash
from gateway.transparency.note import SignedNote, sign, signature_by
from gateway.transparency.proof import InclusionProof
from gateway.verifying.added import sealed_content
from tests.bundle.stamping import stamp
from tests.pki.build import Pki, build
from tests.transparency.growing import root_by_the_book, subtrees
from tests.unit.seal.sealing import DOCUMENT, SIGNED_AT, SignedSealer, signer

#: When the bundle is made, and when it is verified unless a test says otherwise.
MADE_AT: Final = SIGNED_AT + timedelta(hours=3)
AT: Final = SIGNED_AT + timedelta(days=1)
STAMPED_AT: Final = SIGNED_AT + timedelta(minutes=30)
ORIGIN: Final = "000.00.00.H33/log"
WITNESSES: Final = ("thanh-tra/witness", "so-tttt/witness")

_SENDER, _RECIPIENT = "sender", "recipient"
_STATUS: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<edXML><Status><StatusCode>{}</StatusCode></Status></edXML>\n'
)


def made_id(number: int) -> str:
    """An id as the ledger gives them."""
    return f"01900000-0000-7000-8000-{number:012x}"


MESSAGE: Final = made_id(1)
DELIVERY: Final = made_id(2)


def log_signer(origin: str = ORIGIN) -> LogSigner:
    """The log's key."""
    return LogSigner(origin, Ed25519PrivateKey.from_private_bytes(sha256(b"log key").digest()))


def witness(name: str, *, seed: str = "", at: datetime = STAMPED_AT) -> Cosigner:
    """A witness's key; with another `seed`, of somebody who goes by its name."""
    key = Ed25519PrivateKey.from_private_bytes(sha256((seed or name).encode()).digest())
    return Cosigner(name, key, lambda: int(at.timestamp()))


def write_anchors(folder: Path, *, seal: str = "seal-root", quorum: int = 1) -> Path:
    """What an auditor was given."""
    for purpose, member in (("seal", seal), ("tsa", "tsa-root")):
        (folder / purpose).mkdir(parents=True, exist_ok=True)
        (folder / purpose / f"{member}.pem").write_bytes(build()[member].certificate.public_bytes(Encoding.PEM))
    (folder / "log.vkey").write_text(f"{log_signer().verifier}\n")
    lines = [str(witness(name).verifier) for name in WITNESSES]
    (folder / "witnesses.vkey").write_text("\n".join([f"# quorum {quorum}", *lines]) + "\n")
    return folder


@dataclass(frozen=True, kw_only=True)
class Told:
    """A message with its acceptance."""

    id: str
    body: bytes
    transfer: bytes
    receipt: bytes
    at: datetime

    @property
    def papers(self) -> Papers:
        """As bundles take it."""
        return Papers(body=(self.body,), transfer=self.transfer, receipt=self.receipt)


def told(number: int, body: bytes, *, kind: str = "document", member: str = "seal-rsa") -> Told:
    """A message that was accepted."""
    at = SIGNED_AT + timedelta(minutes=number)
    message, digest = made_id(number), sha256(body)
    transfer = canonical(
        {
            "version": 1,
            "gateway": "000.00.00.H33",
            "message": message,
            "kind": kind,
            "document": {"sha256": digest.hexdigest(), "size": len(body)},
            "accepted_at": _z(at),
        }
    )
    sealer = SignedSealer(signer(member))
    receipt = sealer.seal(document_sha256=digest.digest(), transfer=transfer, signed_at=at)
    return Told(id=message, body=body, transfer=transfer, receipt=receipt, at=at)


def accepted_leaf(item: Told, kind: str = "document") -> bytes:
    """The event of its acceptance."""
    facts = {"kind": kind, "sha256": sha256(item.body).hexdigest(), "receipt": sha256(item.receipt).hexdigest()}
    return leaf("document.accepted", item.at, {**facts, "size": len(item.body)}, message=item.id)


def leaf(kind: str, at: datetime, facts: dict[str, object], **about: str) -> bytes:
    whole = {"v": 1, "kind": kind, "at": int(at.timestamp()) * 1_000_000, "actor": "gateway", "facts": facts}
    return canonical(whole | about)


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is known of a document."""

    document: Told
    statuses: tuple[Told, ...]
    #: Every leaf of the log.
    tree: tuple[bytes, ...]
    #: Those of them that are about the document.
    chosen: tuple[int, ...]
    signer: LogSigner = field(default_factory=log_signer)
    witnesses: tuple[str, ...] = WITNESSES
    stamps: tuple[datetime, ...] = (STAMPED_AT,)
    #: Who else signed, and what they signed instead of the checkpoint; b"": that.
    cosigners: tuple[tuple[Cosigner, bytes], ...] = ()
    #: What is stamped instead of the checkpoint.
    stamped: bytes = b""
    state: str = "acknowledged"
    export_member: str = "seal-rsa"
    #: When the evidence record over the receipt was stamped; None: there is none.
    recorded_at: datetime | None = None


def story(member: str = "seal-rsa", *, body: bytes = DOCUMENT) -> Story:
    """A document, relayed, delivered and answered twice."""
    document = told(1, body, member=member)
    statuses = tuple(
        told(10 + number, _STATUS.format(code).encode(), kind="status", member=member)
        for number, code in enumerate(("01", "03"))
    )
    at = SIGNED_AT + timedelta(minutes=2)

    def moved(trigger: str, before: str, after: str) -> bytes:
        facts: dict[str, object] = {"from": before, "to": after}
        return leaf(f"delivery.{trigger}", at, facts, message=MESSAGE, delivery=DELIVERY)

    tree = [
        leaf("server.started", SIGNED_AT, {"boot": made_id(90)}),
        accepted_leaf(document),
        leaf("delivery.claimed", at, {"attempt": made_id(3)}, message=MESSAGE, delivery=DELIVERY),
        moved("relayed", "in_flight", "relayed"),
        leaf("backup.made", at, {}),
        moved("delivered", "relayed", "delivered"),
        accepted_leaf(statuses[0], "status"),
        leaf("status.recorded", at, {"code": "01", "message": statuses[0].id}, delivery=DELIVERY),
        moved("acknowledged", "delivered", "acknowledged"),
        accepted_leaf(statuses[1], "status"),
        leaf("status.recorded", at, {"code": "03", "message": statuses[1].id}, delivery=DELIVERY),
    ]
    chosen = (1, 2, 3, 5, 6, 7, 8, 9, 10)
    return Story(document=document, statuses=statuses, tree=tuple(tree), chosen=chosen)


def checkpoint_of(a: Story) -> tuple[bytes, bytes]:
    """As first signed, and with the lines of its witnesses."""
    checkpoint = Checkpoint(a.signer.name, len(a.tree), root_by_the_book(list(map(leaf_hash, a.tree))))
    note = sign(checkpoint.text(), a.signer)
    lines = [signature_by(witness(name), note.text) for name in a.witnesses]
    lines += [signature_by(each, text or note.text) for each, text in a.cosigners]
    return bytes(note), bytes(note.with_signatures(lines))


def material_of(a: Story) -> Material:
    """What its bundle is made of."""
    signed, note = checkpoint_of(a)
    hashes = list(map(leaf_hash, a.tree))
    leaves = {}
    for index in a.chosen:
        path = inclusion_proof(index, len(hashes), subtrees(hashes))
        leaves[index] = (a.tree[index], bytes(InclusionProof(index, tuple(path), note)))
    imprint = sha256(a.stamped or signed).digest()
    return Material(
        facts=facts_of(a, note),
        document=a.document.papers,
        messages={each.id: each.papers for each in a.statuses},
        leaves=leaves,
        checkpoint=note,
        stamps=[stamp(imprint, at) for at in a.stamps],
        record=record_of(a.document, a.recorded_at) if a.recorded_at else b"",
    )


def crl(
    member: str,
    *,
    until: datetime = MADE_AT + timedelta(days=7),
    key: str = "",
    revoked: str = "",
    is_part: bool = False,
    pki: Pki | None = None,
) -> bytes:
    """The revocation list of an authority; signed by another's key, or of CAs alone, where that is asked for."""
    authority = (pki or build())[member]
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(until - timedelta(days=14))
        .next_update(until)
    )
    if revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(build()[revoked].certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(SIGNED_AT - timedelta(days=1)).build())
    if is_part:
        point = x509.IssuingDistributionPoint(
            full_name=None,
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=True,
            only_some_reasons=None,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
        builder = builder.add_extension(point, critical=True)
    signing = (pki or build())[key or member].key
    return builder.sign(signing, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


def answers(*lists: bytes) -> dict[str, bytes]:
    """The entries of revocation lists."""
    return {f"evidence/revocation/{sha256(each).hexdigest()}.crl": each for each in lists}


def renewal(data: bytes, at: datetime, *, imprint: bytes = b"") -> bytes:
    """A bundle that lasts with one archive stamp more; an imprint: what is stamped instead."""
    container = Container.of(data)
    seal = container.bytes_of(EXPORT)
    properties = read_unsigned(seal)
    assert properties is not None
    due = archive_imprint(seal, sealed_content(container, seal), len(properties.archive_stamps))
    token = token_of(stamp(imprint or due, at))
    more = extended(seal, replace(properties, renewals=(*properties.renewals, token)))
    file = io.BytesIO()
    resealed(container, ContainerWriter(file), more)
    return file.getvalue()


def lasting(
    data: bytes, *lists: bytes, imprint: bytes = b"", archived: bytes = b"", has_archive: bool = True
) -> bytes:
    """The bundle with a seal of B-LTA; an imprint: what is stamped instead."""
    container = Container.of(data)
    seal = container.bytes_of(EXPORT)
    reply = stamp(imprint or signature_imprint(seal), MADE_AT + timedelta(seconds=5))
    authorities = [build()[each].certificate for each in ("seal-ca", "seal-root", "tsa-root")]
    properties = Unsigned(
        signature_stamp=token_of(reply),
        certificates=tuple(each.public_bytes(Encoding.DER) for each in authorities),
        crls=lists,
    )
    if has_archive:
        content = sha256()
        for entry in container.entries:
            if entry not in {MIMETYPE, EXPORT}:
                content.update(container.bytes_of(entry))
        due = archived or archive_imprint(extended(seal, properties), content)
        archive = token_of(stamp(due, MADE_AT + timedelta(seconds=9)))
        properties = replace(properties, archive_stamp=archive)
    return with_entry(data, EXPORT, extended(seal, properties))


def with_entry(data: bytes, name: str, content: bytes) -> bytes:
    """The bundle with other bytes in an entry; nothing else follows from it."""
    container, file = Container.of(data), io.BytesIO()
    writer = ContainerWriter(file)
    for entry in container.entries:
        if entry != MIMETYPE:
            writer.add(entry, content if entry == name else container.bytes_of(entry))
    writer.close()
    return file.getvalue()


def record_of(item: Told, at: datetime, *, imprint: bytes = b"") -> bytes:
    """The evidence record over a receipt among twenty others; `imprint`: what is stamped instead of the root."""
    group = [sha256(each).digest() for each in (item.receipt, item.body, item.transfer)]
    leaves = [sha256(bytes([number])).digest() for number in range(20)]
    leaves.insert(13, group_hash(group))
    token = token_of(stamp(imprint or root_of(leaves), at))
    return write_record(group, path_of(leaves, 13), token)


def facts_of(a: Story, note: bytes) -> shapes.Facts:
    """What the ledger says of it."""
    checkpoint = Checkpoint.parse(SignedNote.parse(note).text)
    document = shapes.Document(
        id=a.document.id, kind="document", document_id="000.00.00.H33,2026/11/22,12,UBND", number="12",
        notation="UBND-VP", promulgated_on="2026-11-22", subject="Về việc họp giao ban", business_type="0",
        sha256=sha256(a.document.body).hexdigest(), size=len(a.document.body), sender=_SENDER, original=None,
        received_at=_z(SIGNED_AT), accepted_at=_z(a.document.at), trace_id="0" * 32,
        caller={"method": "certificate", "fingerprint": "ab" * 32}, findings=[],
    )  # fmt: skip
    delivery = shapes.Delivery(
        id=DELIVERY, recipient=_RECIPIENT, code="000.01.32.H33", state=a.state, created_at=_z(a.document.at),
        state_at=_z(a.document.at), reason="", detail="", business_status="03", peer_reference="VXP-7781",
        dispatch=made_id(4), channel="truc", channel_kind="vxp", is_relay=True,
    )  # fmt: skip
    statuses = [
        shapes.Status(
            id=made_id(20 + number), delivery=DELIVERY, code=code, reporter=_RECIPIENT, reported_at=_z(each.at),
            recorded_at=_z(each.at), description=description, moved=True, flag="", message=each.id,
        )
        for number, (each, code, description) in enumerate(
            zip(a.statuses, ("01", "03"), ("", "Người tiếp nhận: Lê Văn A, số đến 381"), strict=False)
        )
    ]  # fmt: skip
    messages = [
        shapes.Message(
            id=each.id, kind="status", business_type="", sha256=sha256(each.body).hexdigest(), size=len(each.body),
            sender=_RECIPIENT, accepted_at=_z(each.at),
        )
        for each in a.statuses
    ]  # fmt: skip
    attempt = shapes.Attempt(
        id=made_id(3), dispatch=made_id(4), series=1, started_at=_z(a.document.at), ended_at=_z(a.document.at),
        outcome="relayed", reason="", detail="", peer={"address": "10.0.0.1", "certificate": "cd" * 32},
    )  # fmt: skip
    return shapes.Facts(
        made_at=_z(MADE_AT), made_by="operator:0", gateway="000.00.00.H33", program="0.1.0", document=document,
        parties=[
            shapes.Party(agency=_SENDER, code="000.00.00.H33", name_then="Uỷ ban nhân dân tỉnh Kiên Giang",
                         name_now="Uỷ ban nhân dân tỉnh An Giang"),
            shapes.Party(agency=_RECIPIENT, code="000.01.32.H33", name_then="Ủy ban nhân dân xã Hòn Sơn",
                         name_now="Ủy ban nhân dân đặc khu Kiên Hải", closed_at="2025-06-30T17:00:00Z"),
        ],
        deliveries=[delivery], attempts=[attempt], statuses=statuses, messages=messages,
        leaves=[shapes.Leaf(index=index, kind=json.loads(a.tree[index])["kind"]) for index in a.chosen],
        pending_leaves=0,
        log=shapes.Log(origin=checkpoint.origin, size=checkpoint.size, root=b64encode(checkpoint.root).decode(),
                       signed_at=_z(STAMPED_AT), vkey=str(a.signer.verifier)),
        stamps=[shapes.Stamp(entry=f"evidence/stamps/{number}.tsr", server="tsa", at=_z(at))
                for number, at in enumerate(a.stamps)],
        receipt_stamp=shapes.Stamp(entry=RECORD, server="tsa", at=_z(a.recorded_at)) if a.recorded_at else UNSET,
        entries={},
    )  # fmt: skip


def made(
    a: Story | None = None,
    *,
    change: Callable[[Material], Material] = lambda material: material,
    seal: Callable[[bytes], bytes] = lambda seal: seal,
    made_at: datetime = MADE_AT,
) -> bytes:
    """The bundle of a story; `change` what it is made of before it is sealed, `seal` the seal afterwards."""
    a = a or story()
    file = io.BytesIO()
    writer = ContainerWriter(file)
    key = signer(a.export_member)
    draft = draft_export(key, compose(writer, change(material_of(a))), made_at)
    finish(writer, seal(draft.signed(key.sign(draft.signed_info))))
    return file.getvalue()


def with_(a: Story, **changes: Any) -> Story:
    """Another story."""
    return replace(a, **changes)


def _z(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""What lets others verify a bundle in years: CAs, answers about revocation, and on request stamps over its seal.

1. `answers_about`: what is kept about the certificates of seals and stamps goes into the bundle before it is
   sealed.
2. `lasting`: the export seal gets the CAs and the same answers as unsigned properties, where programs that know
   XAdES look for them; on request (B-LTA) a stamp over its signature value before them, and an archive stamp over
   the seal, all that it seals, and the properties.
3. `renewed`: such a bundle gets one archive stamp more, before the certificate of its last one ends.

Nothing is fetched but stamps. An answer that is very large lies in the bundle and is left out of the seal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.bundle.build import Material
from gateway.bundle.container import Container
from gateway.bundle.format import EXPORT, MAX_SMALL_BYTES, answer_entry
from gateway.clock import Clock
from gateway.config.settings import Settings
from gateway.errors import KeyFileError, RefusedError, StampError, TrustStoreError
from gateway.evidence.stamping import HttpTsa, Stamping
from gateway.seal.embedded import certificates_of_export, certificates_of_receipt, certificates_of_stamp
from gateway.seal.evidence_record import read_record
from gateway.seal.keys import Certificates
from gateway.seal.report import Verdict
from gateway.seal.revocation import REVOCATIONS, Answer, RevocationStore
from gateway.seal.stamp_token import reply_with, token_of
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.unsigned import (
    MOST_ARCHIVE_STAMPS,
    Unsigned,
    archive_imprint,
    extended,
    read_unsigned,
    signature_imprint,
)
from gateway.verifying.added import sealed_content
from gateway.verifying.anchors import Anchors
from gateway.verifying.verify import verify

#: Of one answer in the seal; a larger one lies beside it only.
MOST_IN_SEAL: Final = 1024 * 1024
#: CAs and answers in one seal; `gateway.seal.unsigned` reads no more.
_MOST: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorities:
    """What this installation knows of CAs. Everything blocks."""

    settings: Settings

    def above(self, certificates: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
        """The CAs among them, and the anchors that issued any: a certificate each."""
        found = dict.fromkeys(certificates)
        issuers = {each.issuer for each in found}
        anchors = [each for store in self._stores() for each in store if each.subject in issuers]
        return tuple(each for each in dict.fromkeys([*found, *anchors]) if _is_ca(each))

    def about(self, certificates: Iterable[x509.Certificate], at: datetime) -> tuple[Answer, ...]:
        """What is kept about them: the last answers before `at`, and the newest."""
        folder = self.settings.storage.folder / REVOCATIONS
        return RevocationStore(folder).about(certificates, at) if folder.exists() else ()

    def _stores(self) -> Iterable[tuple[x509.Certificate, ...]]:
        for folder, purpose in (
            (self.settings.seal.anchors, TrustPurpose.SEAL),
            (self.settings.stamps.anchors, TrustPurpose.TSA),
        ):
            try:
                yield tuple(each.certificate for each in TrustStore.load(folder, purpose).anchors)
            except TrustStoreError:
                continue  # without it the seal only brings fewer CAs along


def answers_about(settings: Settings, material: Material, now: datetime) -> dict[str, bytes]:
    """The entries: what is kept about every certificate of the bundle's seals and stamps. Blocks."""
    receipts = [material.document.receipt, *(papers.receipt for papers in material.messages.values())]
    found = dict.fromkeys(each for receipt in receipts for each in certificates_of_receipt(receipt))
    found |= dict.fromkeys(each for reply in _replies(material) for each in certificates_of_stamp(reply))
    try:
        own = Certificates.load(settings.seal.certificate)
        found |= dict.fromkeys((own.certificate, *own.chain))
    except KeyFileError:
        pass  # what seals the export says so itself, or nothing is sealed
    answers = Authorities(settings=settings).about(found, now)
    return {answer_entry(each.der, each.kind): each.der for each in answers if len(each.der) <= MAX_SMALL_BYTES}


def _replies(material: Material) -> Iterator[bytes]:
    """Every stamp of a bundle, as an answer."""
    yield from material.stamps
    if material.record:
        yield reply_with(read_record(material.record).token)
    added = read_unsigned(material.document.receipt)
    if added is not None and added.signature_stamp:
        yield reply_with(added.signature_stamp)


async def lasting(settings: Settings, clock: Clock, seal: bytes, content: Any, *, is_lta: bool) -> bytes:
    """The export seal with what makes it last.

    `content`: a SHA-256 that was fed with every sealed file, in the order of the seal's references. RefusedError
    (`no_stamp`) where stamps are asked for and there are none.
    """
    authorities = Authorities(settings=settings)
    if not is_lta:
        properties = await asyncio.to_thread(_properties, authorities, seal, b"", clock.now())
        return extended(seal, properties) if properties.crls or properties.ocsps else seal
    stamping = Stamping(settings.stamps, HttpTsa(settings.stamps.timeout), clock)
    reply = await _stamped(stamping, await asyncio.to_thread(signature_imprint, seal))
    properties = await asyncio.to_thread(_properties, authorities, seal, reply, clock.now())
    imprint = await asyncio.to_thread(archive_imprint, extended(seal, properties), content)
    archive = token_of(await _stamped(stamping, imprint))
    return extended(seal, replace(properties, archive_stamp=archive))


async def renewed(settings: Settings, clock: Clock, container: Container) -> bytes:
    """The export seal of a bundle with one archive stamp more; RefusedError where it is not to be had.

    A bundle that does not hold as it is, is not made to last.
    """
    found = await asyncio.to_thread(verify, container, _own_anchors(settings), clock.now())
    if found.verdict is Verdict.FAILED:
        told = next(f"{each.name}: {each.reason}" for each in found.checks if each.verdict is Verdict.FAILED)
        raise RefusedError("bundle_unfit", told)
    seal = container.bytes_of(EXPORT)
    properties = read_unsigned(seal)
    if properties is None or not properties.archive_stamp:
        raise RefusedError("bundle_unfit", "it has no archive stamp: export it anew with --lta")
    count = len(properties.archive_stamps)
    if count >= MOST_ARCHIVE_STAMPS:
        raise RefusedError("bundle_unfit", f"it has {count} archive stamps, which is the most")
    content = await asyncio.to_thread(sealed_content, container, seal)
    imprint = await asyncio.to_thread(archive_imprint, seal, content, count)
    reply = await _stamped(Stamping(settings.stamps, HttpTsa(settings.stamps.timeout), clock), imprint)
    return extended(seal, replace(properties, renewals=(*properties.renewals, token_of(reply))))


def _own_anchors(settings: Settings) -> Anchors | None:
    """What this installation trusts; None where it cannot be read: then the bundle's own are looked at."""
    try:
        return Anchors(
            seal=TrustStore.load(settings.seal.anchors, TrustPurpose.SEAL),
            tsa=TrustStore.load(settings.stamps.anchors, TrustPurpose.TSA),
        )
    except TrustStoreError:
        return None


async def _stamped(stamping: Stamping, imprint: bytes) -> bytes:
    try:
        return (await stamping.stamp(imprint)).token
    except StampError as error:
        raise RefusedError("no_stamp", str(error)) from error


def _properties(authorities: Authorities, seal: bytes, reply: bytes, now: datetime) -> Unsigned:
    chain = (*certificates_of_export(seal), *(certificates_of_stamp(reply) if reply else ()))
    above = authorities.above(chain)
    answers = authorities.about(dict.fromkeys([*chain, *above]), now)
    return Unsigned(
        signature_stamp=token_of(reply) if reply else b"",
        certificates=tuple(each.public_bytes(Encoding.DER) for each in above[:_MOST]),
        crls=_of_kind(answers, "crl"),
        ocsps=_of_kind(answers, "ocsp"),
    )


def _of_kind(answers: Sequence[Answer], kind: str) -> tuple[bytes, ...]:
    return tuple(each.der for each in answers if each.kind == kind and len(each.der) <= MOST_IN_SEAL)[:_MOST]


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False

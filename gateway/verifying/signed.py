"""Signatures within the document: of persons and agencies on its PDFs, beside them and on the message itself.

Only with `--pdf`: pyHanko is imported with it, and takes most of a second. What such a signature lacks says nothing
about the bundle, but who asks for it wants a verdict that counts. Trusted are the CAs in `signers/` of the
anchors, and `tsa/` for their time stamps. A signature is judged as of the time that is proved of the
bundle, else as of `at`.
"""

from __future__ import annotations

import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from gateway.bundle.container import Container
from gateway.bundle.format import DOCUMENT
from gateway.errors import BundleError, RefusedError, TrustStoreError
from gateway.message_signatures import PublicKey, key_id
from gateway.seal.report import Verdict
from gateway.signatures.document import Task, examine
from gateway.signatures.model import Examined, Found, Kind
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import ORIGINAL, SIGNATURES_NOT_EXAMINED, Check, Verification, passed, undecided
from gateway.verifying.statuses import name_of

#: Checks of how the certificate stands; where the auditor has the key itself they are not needed.
_OF_TRUST: Final = frozenset(
    {"certificate.path", "certificate.revocation", "certificate.validity", "certificate.usage"}
)


def with_signatures(
    found: Verification, path: Path, anchors: Path | None, original: Path | None = None
) -> Verification:
    """What was found, and what the document's own signatures say; `original`: where its bytes are, if not here."""
    at = found.proven_at if found.proven_at is not None and found.proven_at <= found.at else found.at
    is_original = any(each.name == ORIGINAL and each.verdict is Verdict.PASSED for each in found.checks)
    try:
        container = Container.open(path)
        if is_original and found.facts is not None and DOCUMENT not in container.entries:
            document = found.facts.document
            container.supply(DOCUMENT, document.sha256, document.size, original)
        report = _examined(container, DOCUMENT, anchors, at)
        statuses = list(_statuses(container, found, anchors, at))
    except BundleError:
        return found  # the container says so itself
    except (RefusedError, TrustStoreError) as error:
        return replace(found, checks=(*found.checks, undecided("signatures", "signatures_unreadable", str(error))))
    checks = [check for number, each in enumerate(report.signatures, 1) for check in _checks(number, each)]
    if not report.signatures:
        checks = [undecided("signatures", "no_signature", counts=False)]
    anew = {each.name for each in statuses}
    kept = [each for each in found.checks if each.name not in anew]
    unexamined = [each for each in found.not_examined if each != SIGNATURES_NOT_EXAMINED]
    unexamined += [f"in the document: {each}" for each in report.not_examined]
    return replace(found, checks=(*kept, *checks, *statuses), not_examined=tuple(unexamined))


def _examined(container: Container, entry: str, anchors: Path | None, at: datetime) -> Examined:
    with tempfile.NamedTemporaryFile(prefix="gateway-verify-") as file:
        for piece in container.pieces_of(entry):
            file.write(piece)
        file.flush()
        folders = {name: _folder(anchors, name) for name in ("signers", "tsa")}
        task = Task(message=file.name, at=at, signers=folders["signers"], stamps=folders["tsa"])
        return Examined.decode(examine(task))


def _statuses(container: Container, found: Verification, anchors: Path | None, at: datetime) -> Iterator[Check]:
    """What receivers signed of the status messages, one check each."""
    if found.facts is None:
        return
    known = Anchors.load(anchors).receivers if anchors is not None else {}
    codes = {each.id: each.code for each in found.facts.deliveries}
    about = {each.message: codes.get(each.delivery, "") for each in found.facts.statuses}
    for message in found.facts.messages:
        entry = f"messages/{message.id}.edxml"
        if message.kind == "status" and entry in container.entries:
            report = _examined(container, entry, anchors, at)
            code = about.get(message.id, "")
            yield from (
                _status(name_of(message.id), each, report, code, known.get(code.upper(), {}))
                for each in report.signatures
                if each.kind is Kind.XML
            )


def _status(name: str, found: Found, report: Examined, code: str, known: Mapping[str, str]) -> Check:
    """A key that the office gave out needs no CA; of any other, only the gateway says whose it is."""
    own = [each for each in found.faults if each.name not in _OF_TRUST]
    if own or found.coverage != "whole" or found.signer is None:
        why = own[0].reason if own else "it does not cover the whole message"
        return undecided(name, "receiver_message_signature_wrong", why, counts=False)
    certificate = x509.load_der_x509_certificate(b64decode(report.certificates[found.signer.sha256]))
    key = certificate.public_key()
    keyid = key_id(key) if isinstance(key, PublicKey) else ""
    who = f"{found.signer.subject}, serial {found.signer.serial}"
    told = f"{code}: the status message itself is signed by {who}"
    if keyid in known:
        return passed(name, f"{told}; its key is in {known[keyid]}")
    if known:
        return undecided(name, "receiver_key_not_given", told, counts=False)
    trust = "; it leads to your anchors" if not found.faults else f"; {found.faults[0].reason}"
    return undecided(name, "receiver_key_from_gateway", f"{told}{trust}", counts=False)


def _folder(anchors: Path | None, name: str) -> str:
    folder = anchors / name if anchors is not None else None
    return str(folder) if folder is not None and folder.exists() else ""


def _checks(number: int, found: Found) -> Iterator[Check]:
    who = found.signer.name if found.signer is not None else ""
    about = ", ".join(part for part in (found.where, found.name, who) if part)
    yield passed(f"signature.{number}.found", about)
    for each in found.checks:
        reason = str(each.indication).lower() if each.indication else ""
        name = f"signature.{number}.{each.name}"
        yield Check(name=name, verdict=each.verdict, reason=reason, detail=each.reason)

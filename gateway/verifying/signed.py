"""Signatures within the document: of persons and agencies on its PDFs, beside them and on the message itself.

Only with `--pdf`: pyHanko is imported with it, and takes most of a second. What such a signature lacks says nothing
about the bundle, but who asks for it wants a verdict that counts. Trusted are the CAs in `signers/` of the
anchors, and `tsa/` for their time stamps. A signature is judged as of the time that is proved of the
bundle, else as of `at`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gateway.bundle.container import Container
from gateway.bundle.format import DOCUMENT
from gateway.errors import BundleError, RefusedError, TrustStoreError
from gateway.seal.report import Verdict
from gateway.signatures.document import Task, examine
from gateway.signatures.model import Examined, Found
from gateway.verifying.findings import ORIGINAL, SIGNATURES_NOT_EXAMINED, Check, Verification, passed, undecided


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
        with tempfile.NamedTemporaryFile(prefix="gateway-verify-") as file:
            for piece in container.pieces_of(DOCUMENT):
                file.write(piece)
            file.flush()
            folders = {name: _folder(anchors, name) for name in ("signers", "tsa")}
            task = Task(message=file.name, at=at, signers=folders["signers"], stamps=folders["tsa"])
            report = Examined.decode(examine(task))
    except BundleError:
        return found  # the container says so itself
    except (RefusedError, TrustStoreError) as error:
        return replace(found, checks=(*found.checks, undecided("signatures", "signatures_unreadable", str(error))))
    checks = [check for number, each in enumerate(report.signatures, 1) for check in _checks(number, each)]
    if not report.signatures:
        checks = [undecided("signatures", "no_signature", counts=False)]
    unexamined = [each for each in found.not_examined if each != SIGNATURES_NOT_EXAMINED]
    unexamined += [f"in the document: {each}" for each in report.not_examined]
    return replace(found, checks=(*found.checks, *checks), not_examined=tuple(unexamined))


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

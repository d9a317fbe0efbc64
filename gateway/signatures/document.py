"""Examines one whole message: its XML signature, the PDFs among its attachments, and `.p7s` files beside them.

Runs in a parsers' process: the stored message and folders in, the encoded report out. Attachments are decoded one
after the other into temporary files; one larger than `MOST_PDF_BYTES` is not examined, and the report says so.
pyHanko and signxml are imported with the first message that needs them, never by the server.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from gateway.edxml.envelope import Attachment, ParseReport
from gateway.edxml.extract import extract_attachment
from gateway.edxml.limits import ParseLimits
from gateway.edxml.marks import IN_PDF, IN_XML, WordSearch
from gateway.edxml.parser import read_message
from gateway.edxml.prolog import read_prolog
from gateway.edxml.source import Stored, opened
from gateway.errors import RefusedError
from gateway.seal.report import Indication, undecided
from gateway.seal.revocation import RevocationStore
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.signatures.model import Examined, Found, Gathered, Kind

if TYPE_CHECKING:
    from gateway.signatures.path import Trust

MOST_PDF_BYTES: Final = 256 * 1024**2
_IN_MEMORY: Final = 8 * 1024**2
_HEAD: Final = 4096
_P7S: Final = (".p7s", ".p7b", ".p7m")
#: Names of office documents, whose own signatures nobody here reads.
_OFFICE: Final = (".docx", ".xlsx", ".pptx", ".doc", ".xls", ".odt", ".xml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What a parsers' process is told."""

    message: str | Stored
    at: datetime
    #: Folders of anchors; "" for none.
    signers: str = ""
    stamps: str = ""
    #: Folder of revocation answers; "" for none.
    answers: str = ""
    #: Where temporary files go; they have no names there.
    scratch: str | None = None
    #: Names of agencies, so that the Government's own certificates can be told apart.
    agencies: tuple[str, ...] = ()
    #: SHA-256 of revocation data that the caller has already.
    known: frozenset[str] = frozenset()
    limits: ParseLimits = field(default_factory=ParseLimits)


def examine(task: Task) -> bytes:
    """The report on the message at `task.message`, encoded; raises RefusedError for what is no message."""
    return _Examination(task).made().encode()


def is_evidently_unsigned(report: ParseReport) -> bool:
    """Whether `examine` would find nothing and leave nothing out, as the parser has read these bytes already."""
    if report.marked or report.envelope is None:
        return False
    return not any(
        each.size > MOST_PDF_BYTES
        or each.encryption is not None
        or (each.safe_name or each.name).lower().endswith((*_P7S, *_OFFICE))
        for each in report.envelope.attachments
    )


class _Examination:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._gathered = Gathered()
        self._unexamined: list[str] = []

    @cached_property
    def _trust(self) -> Trust:
        """Read with the first signature."""
        from gateway.signatures.path import Trust

        task = self._task
        return Trust(
            signers=_store(task.signers, TrustPurpose.SIGNERS),
            stamps=_store(task.stamps, TrustPurpose.TSA),
            at=task.at,
            answers=RevocationStore(Path(task.answers)) if task.answers else None,
        )

    def made(self) -> Examined:
        found = [*self._in_xml(), *self._in_attachments()]
        revocations = {
            digest: "" if digest in self._task.known else der for digest, der in self._gathered.revocations.items()
        }
        return Examined(
            at=self._task.at,
            signatures=tuple(found),
            not_examined=tuple(self._unexamined),
            certificates=self._gathered.certificates,
            revocations=revocations,
            lookups=tuple(self._gathered.lookups.values()),
        )

    def _in_xml(self) -> tuple[Found, ...]:
        with opened(self._task.message) as stream:
            try:
                start = read_prolog(stream.read(_HEAD)).skip
            except RefusedError:
                self._unexamined.append("XML signatures: the message is not one XML file")
                return ()
            stream.seek(start)
            if not _mentions(
                stream, IN_XML
            ):  # most messages: neither held in memory nor anything imported for them
                return ()
            from gateway.signatures.xml import MOST_BYTES, too_large, verify_xml

            stream.seek(start)
            data = stream.read(MOST_BYTES + 1)
            if len(data) > MOST_BYTES:
                stream.seek(start)
                return (too_large(),) if _mentions(stream, b"SignedInfo") else ()
        return tuple(
            _guarded(
                Kind.XML,
                "edXML",
                lambda: verify_xml(data, trust=self._trust, gathered=self._gathered, agencies=self._task.agencies),
            )
        )

    def _in_attachments(self) -> list[Found]:
        with opened(self._task.message) as stream:
            attached = read_message(stream, self._task.limits, []).attached
        found: list[Found] = []
        for each in attached.attachments:
            found += self._in_attachment(each, attached.attachments)
        return found

    def _in_attachment(self, each: Attachment, others: tuple[Attachment, ...] | list[Attachment]) -> list[Found]:
        name = each.safe_name or each.name
        where = f"{each.number} {name}".strip()
        if each.encryption is not None:
            return [_unseen(where)]
        if each.size > MOST_PDF_BYTES:
            self._unexamined.append(f"{where}: larger than {MOST_PDF_BYTES // 1024**2} MiB")
            return []
        if name.lower().endswith(_P7S):
            return self._detached(each, where, name, others)
        if name.lower().endswith(_OFFICE):
            self._unexamined.append(f"{where}: signatures within office documents")
            return []
        with self._decoded(each) as content:
            return self._pdf(content, where)

    def _pdf(self, content: BinaryIO, where: str) -> list[Found]:
        head = content.read(1024)
        if b"%PDF-" not in head:
            return []
        content.seek(0)
        if not _mentions(content, IN_PDF):
            return []
        from gateway.signatures.pdf import verify_pdf

        content.seek(0)
        return _guarded(
            Kind.PDF,
            where,
            lambda: verify_pdf(
                content,
                where=where,
                trust=self._trust,
                gathered=self._gathered,
                agencies=self._task.agencies,
            ),
        )

    def _detached(
        self, each: Attachment, where: str, name: str, others: tuple[Attachment, ...] | list[Attachment]
    ) -> list[Found]:
        from gateway.signatures.cms import MOST_BYTES, verify_detached

        signed = [one for one in others if (one.safe_name or one.name) == name.rpartition(".")[0]]
        if len(signed) != 1 or each.size > MOST_BYTES:
            self._unexamined.append(f"{where}: no attachment that it would be about")
            return []
        with self._decoded(each) as content, self._decoded(signed[0]) as about:
            signature = content.read()
            return _guarded(
                Kind.CMS,
                where,
                lambda: (
                    verify_detached(
                        signature,
                        _hashing(about),
                        where=f"{signed[0].number} {name}",
                        trust=self._trust,
                        gathered=self._gathered,
                        agencies=self._task.agencies,
                    ),
                ),
            )

    def _decoded(self, each: Attachment) -> BinaryIO:
        spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=self._task.scratch)  # noqa: SIM115
        out = cast("BinaryIO", spool)
        try:
            extract_attachment(self._task.message, number=each.number, out=out, limits=self._task.limits)
        except BaseException:
            out.close()
            raise
        out.seek(0)
        return out


def _unseen(where: str) -> Found:
    """What only its recipients can open: whoever signed the file inside, nobody here can tell."""
    reason = "it is encrypted end to end: only its recipients can look at it"
    check = undecided("content.seen", Indication.SIGNED_DATA_NOT_FOUND, reason)
    return Found(kind=Kind.ENCRYPTED, where=where, checks=(check,))


def _guarded(kind: Kind, where: str, verify: Callable[[], tuple[Found, ...]]) -> list[Found]:
    """What a verifier found; whatever foreign bytes make it raise is a finding about these bytes alone."""
    try:
        return list(verify())
    except (MemoryError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - the boundary
        reason = f"verifying it failed: {type(error).__name__}: {error}"[:300]
        check = undecided("signature.examined", Indication.GENERIC, reason)
        return [Found(kind=kind, where=where, checks=(check,))]


def _hashing(content: BinaryIO) -> Callable[[str], bytes]:
    def digest(name: str) -> bytes:
        content.seek(0)
        hasher = hashlib.new(name, usedforsecurity=False)
        while block := content.read(1024 * 1024):
            hasher.update(block)
        return hasher.digest()

    return digest


def _mentions(content: BinaryIO, word: bytes) -> bool:
    search = WordSearch(word)
    while not search.found and (block := content.read(1024 * 1024)):
        search.feed(block)
    return search.found


_stores: dict[tuple[str, TrustPurpose], tuple[object, TrustStore]] = {}


def _store(folder: str, purpose: TrustPurpose) -> TrustStore | None:
    """The store in a folder, read anew when a file of it was changed."""
    if not folder:
        return None
    path = Path(folder)
    state = tuple(sorted((each.name, each.stat().st_mtime_ns) for each in path.iterdir())) if path.is_dir() else ()
    known = _stores.get((folder, purpose))
    if known is not None and known[0] == state:
        return known[1]
    store = TrustStore.load(path, purpose)
    _stores[folder, purpose] = state, store
    return store

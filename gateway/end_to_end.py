"""edXML documents whose attachments are encrypted for their recipients, and opened again: the work of both ends.

An encrypted attachment is an envelope of CMS that holds the file with its name and type; outside it is called
`tep-1.p7m`. Everything else of the document stays readable, since whoever carries it must route it: the header,
the subject and the number of files are NOT secret. Documents are written anew, so an XML signature in one would be
lost: encrypt first, then sign. The gateway itself calls nothing of this.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

from gateway.edxml.builder import AttachmentSource, write_document
from gateway.edxml.envelope import Attachment, Dialect, Envelope, MessageKind
from gateway.edxml.extract import extract_attachment
from gateway.edxml.limits import ParseLimits
from gateway.edxml.names import safe_name
from gateway.edxml.parser import parse_file
from gateway.edxml.profiles import PROFILE_A, PROFILE_B, Profile
from gateway.edxml.rendition import type_of
from gateway.enveloped.certificates import RecipientCertificate
from gateway.enveloped.entity import Entity
from gateway.enveloped.opening import PrivateKey, open_envelope
from gateway.enveloped.writing import MEDIA_TYPES, Content, envelop
from gateway.errors import EnvelopedError, RefusedError

#: Of envelopes among attachments.
EXTENSION: Final = ".p7m"
_SIGNED: Final = "EDX-SIG-02"
_NO_EDXML: Final = frozenset({"xml_not_wellformed", "xml_encoding_invalid", "not_edxml", "xml_forbidden_construct"})


def document_in(source: Path, limits: ParseLimits) -> Envelope | None:
    """The document in a file; None where it is no edXML. A status, or what is damaged, is refused."""
    report = parse_file(str(source), limits=limits).report
    if report.envelope is None:
        if report.refusal in _NO_EDXML:
            return None
        raise RefusedError(report.refusal, report.detail)
    if report.refusal:
        raise RefusedError(report.refusal, report.detail)
    if report.envelope.kind is not MessageKind.DOCUMENT:
        raise EnvelopedError("it is a status message, which has no files to encrypt")
    if any(each.rule == _SIGNED for each in report.findings):
        raise EnvelopedError("it bears an XML signature, which would be lost: encrypt first, then sign")
    return report.envelope


def encrypt_document(
    source: Path,
    out: BinaryIO,
    recipients: Sequence[RecipientCertificate],
    *,
    content: Content = "aes256-gcm",
    limits: ParseLimits,
) -> int:
    """Write the document with every file encrypted; how many were. What is encrypted already stays as it is."""
    original = _document(source, limits)
    with _Files(source, limits) as files:
        parts = [
            files.as_it_is(each) if each.encryption else files.encrypted(each, recipients, content)
            for each in original.attachments
        ]
        write_document(out, original, parts, files.profile(original), scratch=files.folder)
    return sum(each.encryption is None for each in original.attachments)


def encrypted_parts(
    files: Sequence[tuple[str, bytes, str]],
    recipients: Sequence[RecipientCertificate],
    *,
    content: Content = "aes256-gcm",
) -> list[tuple[str, bytes, str]]:
    """Name, bytes and type of files, as `GatewayClient.submit_parts` takes them, each in an envelope.

    Keep what this gives for as long as you may have to submit it again: made anew the bytes are others, which the
    same Idempotency-Key refuses.
    """
    made = []
    for number, (name, data, content_type) in enumerate(files, start=1):
        out = io.BytesIO()
        envelop(io.BytesIO(data), len(data), out, recipients, name=name, content_type=content_type, content=content)
        made.append((f"tep-{number}{EXTENSION}", out.getvalue(), MEDIA_TYPES[content]))
    return made


def decrypt_document(
    source: Path, out: BinaryIO, key: PrivateKey, certificate: RecipientCertificate | None, *, limits: ParseLimits
) -> int:
    """Write the document with the files that this key opens; how many those are. Others raise."""
    original = _document(source, limits)
    with _Files(source, limits) as files:
        parts = [
            files.opened(each, key, certificate) if each.encryption else files.as_it_is(each)
            for each in original.attachments
        ]
        write_document(out, original, parts, files.profile(original), scratch=files.folder)
    return sum(each.encryption is not None for each in original.attachments)


def _document(source: Path, limits: ParseLimits) -> Envelope:
    found = document_in(source, limits)
    if found is None:
        raise RefusedError("not_edxml", source.name)
    return found


class _Files(ExitStack):
    """The attachments of one document, on the disk while it is written anew."""

    def __init__(self, source: Path, limits: ParseLimits) -> None:
        super().__init__()
        self._source, self._limits = str(source), limits
        self.folder = Path(self.enter_context(TemporaryDirectory(prefix="edxml-")))

    @staticmethod
    def profile(original: Envelope) -> Profile:
        """The dialect that it is written in."""
        return PROFILE_B if original.dialect is Dialect.B else PROFILE_A

    def as_it_is(self, each: Attachment) -> AttachmentSource:
        """The file itself."""
        file = self._extracted(each)
        return _part(each, file, each.name or each.safe_name, type_of(each), each.description)

    def encrypted(
        self, each: Attachment, recipients: Sequence[RecipientCertificate], content: Content
    ) -> AttachmentSource:
        """An envelope that holds it; what described it outside is left away."""
        plain, file = self._extracted(each), self.folder / f"{each.number}{EXTENSION}"
        with plain.open("rb") as read, file.open("wb") as written:
            name = each.name or each.safe_name
            envelop(read, each.size, written, recipients, name=name, content_type=type_of(each), content=content)
        plain.unlink()
        return _part(each, file, f"tep-{each.number}{EXTENSION}", MEDIA_TYPES[content], "")

    def opened(
        self, each: Attachment, key: PrivateKey, certificate: RecipientCertificate | None
    ) -> AttachmentSource:
        """What an envelope holds."""
        sealed, file = self._extracted(each), self.folder / f"{each.number}.opened"
        with sealed.open("rb") as read, file.open("wb") as written:
            try:
                told = open_envelope(read, written, key, certificate)
            except EnvelopedError as error:
                raise EnvelopedError(f"attachment {each.number}: {error}") from error
        sealed.unlink()
        kind = told.content_type or "application/octet-stream"
        return _part(each, file, name_of(told, each.name), kind, each.description)

    def _extracted(self, each: Attachment) -> Path:
        file = self.folder / str(each.number)
        with file.open("wb") as out:
            extract_attachment(self._source, number=each.number, out=out, limits=self._limits)
        return file


def name_of(told: Entity, outside: str) -> str:
    """What an opened file is to be called: as its sender did, else as its envelope without the extension."""
    if told.name:
        return safe_name(told.name)
    return safe_name(outside[: -len(EXTENSION)] if outside.lower().endswith(EXTENSION) else f"{outside}.opened")


def _part(each: Attachment, file: Path, name: str, content_type: str, description: str) -> AttachmentSource:
    return AttachmentSource(
        name=name,
        content_type=content_type,
        description=description,
        open=lambda: file.open("rb"),
        content_id=each.content_id,
    )

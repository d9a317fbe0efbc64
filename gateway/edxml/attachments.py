"""Attachments of a message: which references they belong to, and which bytes they are.

Pairing: `cid:` stripped on both sides, by id, else by name, else by position. A file whose bytes begin like a
ZIP is unpacked when its type is `application/zip` or its name promises no ZIP; what is unpacked is the first
file. Two things go beyond that rule, because following it would destroy documents. A name that promises a
ZIP (`.docx`, `.zip`) under the type `application/zip` is unpacked only if a ZIP comes out, so that a wrapped
DOCX is unwrapped and a bare one left alone. And what is evidently a package (OOXML, ODF) stays whole under
any name.

Extraction reads the file a second time and hands out the bytes as they pass, never holding them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.edxml.encoded import EncodedFile
from gateway.edxml.envelope import Attachment, Encryption, Finding
from gateway.edxml.findings import finding, shortened
from gateway.edxml.limits import ParseLimits
from gateway.edxml.mime_parts import PartFields, PartFile
from gateway.edxml.names import extension_of, safe_name
from gateway.edxml.notes import MOST_FINDINGS
from gateway.edxml.scan import Node
from gateway.edxml.texts import text_of
from gateway.edxml.zipstream import LOCAL_HEADER, ZipProblem

#: Formats that are ZIPs themselves.
_ZIP_NAMES = frozenset(
    "zip docx docm dotx xlsx xlsm xltx pptx pptm ppsx odt ods odp odg vsdx epub jar asice asics".split()  # noqa: SIM905 - reads better
)
_ZIP_REFUSALS = {
    ZipProblem.BOMB: ("attachment_bomb", "EDX-ATT-04"),
    ZipProblem.TOO_LARGE: ("attachment_too_large", "EDX-ATT-03"),
}
#: Recipients of all encrypted attachments of a message, as they are kept with it.
MOST_KEYS = 2000
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """What a line of the manifest says of a file, or the file of itself."""

    content_id: str
    name: str
    content_type: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Attached:
    """What reading the attachments of a message gave."""

    attachments: tuple[Attachment, ...]
    #: The stream of each attachment, None where the element had none.
    files: tuple[EncodedFile | None, ...]
    findings: tuple[Finding, ...]
    #: The first problem that refuses the message: reason code and sentence.
    refusal: str = ""
    detail: str = ""


class _Problems:
    """Collects what is wrong or odd; the first refusal decides."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.code = ""
        self.detail = ""
        self._keys = 0

    def note(self, rule: str, value: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding(rule, value=value))

    def noted(self, encryption: Encryption | None, label: str) -> Encryption | None:
        """That an attachment is encrypted, and for whom; recipients of all attachments together are bounded."""
        if encryption is None:
            return None
        self._keys += len(encryption.keys)
        if self._keys > MOST_KEYS:
            encryption = Encryption(problem=f"the attachments together have more than {MOST_KEYS} recipients")
        if encryption.problem:
            self.note("EDX-ATT-12", f"{label}: {encryption.problem}")
        else:
            self.note("EDX-ATT-11", label)
        return encryption

    def refuse(self, code: str, rule: str, value: str) -> None:
        self.note(rule, value)
        if not self.code:
            self.code, self.detail = code, shortened(value)


def read_attachments(
    manifest: Node | None, block: Node | None, parts: Sequence[PartFile], limits: ParseLimits
) -> Attached:
    """Pairs the manifest with the attachments, inside the XML or in MIME parts, and decides what each one is."""
    references = [_reference(kid) for kid in manifest.kids if kid.name == "reference"] if manifest else []
    nodes = [kid for kid in block.kids if kid.name == "attachment"] if block else []
    found: list[tuple[Reference, EncodedFile | None]] = [(_reference(node), _encoded(node)) for node in nodes]
    found += [(_described(part.fields), part) for part in parts]
    problems = _Problems()
    if len(found) > limits.max_attachments:
        problems.refuse("attachments_too_many", "EDX-ATT-05", str(len(found)))
        found, references = found[: limits.max_attachments], references[: limits.max_attachments]
    paired = _pair(references, [own for own, _ in found], problems)
    attachments, files, total = [], [], 0
    for number, (described, encoded) in enumerate(found, start=1):
        attachment = _judge(number, described, paired.get(number - 1), encoded, problems)
        attachments.append(attachment)
        files.append(encoded)
        total += attachment.size
    if total > limits.max_total_attachment_bytes:
        problems.refuse("attachment_too_large", "EDX-ATT-03", f"{total} bytes in all")
    return Attached(
        attachments=tuple(attachments),
        files=tuple(files),
        findings=tuple(problems.findings),
        refusal=problems.code,
        detail=problems.detail,
    )


def _encoded(node: Node) -> EncodedFile | None:
    child = node.child("contenttransferencoded")
    return child.encoded if child else None


def _described(fields: PartFields) -> Reference:
    return Reference(
        content_id=fields.content_id,
        name=fields.name,
        content_type=fields.content_type,
        description=fields.description,
    )


def _reference(node: Node) -> Reference:
    texts = {kid.name: text_of(kid) for kid in reversed(node.kids) if kid.text}
    content_id = texts.get("contentid") or node.attributes.get(_XLINK_HREF) or node.attributes.get("href", "")
    content_id = content_id.strip()
    return Reference(
        content_id=content_id[4:] if content_id[:4].lower() == "cid:" else content_id,
        name=texts.get("attachmentname", ""),
        content_type=texts.get("contenttype", ""),
        description=texts.get("description", ""),
    )


def _pair(references: list[Reference], own: list[Reference], problems: _Problems) -> dict[int, Reference]:
    """Index of attachment -> its reference."""
    paired: dict[int, Reference] = {}
    left = list(enumerate(references))
    for key in (lambda one: one.content_id, lambda one: one.name):
        left = _pair_by(key, left, own, paired, problems)
    for position, reference in left:
        free = position if position < len(own) and position not in paired else None
        if free is None:
            value = reference.name or reference.content_id or f"#{position + 1}"
            problems.refuse("attachment_missing", "EDX-ATT-01", value)
        else:
            paired[free] = reference
            problems.note("EDX-ATT-07", reference.name or reference.content_id)
    for index, attachment in enumerate(own):
        if index not in paired:
            problems.note("EDX-ATT-06", attachment.name or attachment.content_id)
    return paired


def _pair_by(
    key: Callable[[Reference], str],
    left: list[tuple[int, Reference]],
    own: list[Reference],
    paired: dict[int, Reference],
    problems: _Problems,
) -> list[tuple[int, Reference]]:
    """Pairs those whose `key` agrees; returns the references still alone."""
    if not left:
        return left
    free: dict[str, list[int]] = {}
    for index in range(len(own) - 1, -1, -1):
        if index not in paired and key(own[index]):
            free.setdefault(key(own[index]), []).append(index)
    alone = []
    for position, reference in left:
        indexes = free.get(key(reference))
        if not indexes:
            alone.append((position, reference))
            continue
        index = indexes.pop()
        paired[index] = reference
        if own[index].content_id != reference.content_id:
            problems.note("EDX-ATT-07", reference.name or reference.content_id)
    return alone


def _judge(
    number: int, own: Reference, listed: Reference | None, encoded: EncodedFile | None, problems: _Problems
) -> Attachment:
    """One attachment as the envelope tells it; what is wrong with it goes to `problems`."""
    name = own.name or (listed.name if listed else "")
    content_type = own.content_type or (listed.content_type if listed else "")
    label = name or f"#{number}"
    zipped = encoded is not None and _is_wrapped(encoded, name, content_type)
    if name and "/" in name.replace("\\", "/"):
        problems.note("EDX-ATT-10", name)
    size, sha256, encryption = 0, "", None
    if encoded is None:
        problems.refuse("attachment_missing", "EDX-ATT-01", f"{label}: there is no ContentTransferEncoded")
    elif _is_sound(encoded, label, zipped=zipped, problems=problems):
        inner = encoded.inner if zipped else None
        chosen = inner or encoded
        size, sha256, encryption = chosen.size, chosen.sha256, problems.noted(chosen.encryption, label)
    return Attachment(
        number=number,
        content_id=own.content_id or (listed.content_id if listed else ""),
        name=name,
        safe_name=safe_name(name or f"attachment-{number}"),
        content_type=content_type,
        description=own.description or (listed.description if listed else ""),
        zipped=zipped,
        size=size,
        sha256=sha256,
        encryption=encryption,
    )


def _is_wrapped(encoded: EncodedFile, name: str, content_type: str) -> bool:
    """Whether the attachment is the file inside the ZIP, and not the ZIP."""
    inner = encoded.inner
    if inner is None or inner.is_package:
        return False
    if extension_of(name) not in _ZIP_NAMES:
        return True
    return (
        content_type.split(";", 1)[0].strip().lower() == "application/zip"
        and inner.head == LOCAL_HEADER
        and inner.entries <= 1
    )


def _is_sound(encoded: EncodedFile, label: str, *, zipped: bool, problems: _Problems) -> bool:
    """Whether the bytes are whole and within the limits; what is wrong goes to `problems`."""
    inner = encoded.inner if zipped else None
    broken = inner.problem if inner else None
    if encoded.too_large or (inner is None and encoded.is_over):
        problems.refuse("attachment_too_large", "EDX-ATT-03", label)
    elif encoded.problem:
        problems.refuse("attachment_invalid", "EDX-ATT-02", f"{label}: {encoded.problem}")
    elif encoded.size == 0:
        problems.refuse("attachment_invalid", "EDX-ATT-02", f"{label}: it is empty")
    elif broken is not None:
        code, rule = _ZIP_REFUSALS.get(broken, ("attachment_invalid", "EDX-ATT-02"))
        problems.refuse(code, rule, f"{label}: {broken}")
    else:
        if inner is not None and inner.entries > 1:
            problems.note("EDX-ATT-08", label)
        return True
    return False

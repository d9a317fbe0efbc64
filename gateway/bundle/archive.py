"""A month of the ledger as one file: `archive/archive.json` and its parts, a JSON object a line. Format 1.

The leaves are those of the log from `first` up to, without, `until`: from where the month before ended to the leaf
that closes the last day of this one. So the archives of a log follow each other without a gap. `before` is the
frontier of the tree in front of the first leaf: with it and the leaves anybody works out the root at `until`, which
the consistency proof leads to the archive's own checkpoint.

A line of `leaves.jsonl` holds the exact bytes of the leaf: what stands between `"leaf":` and the line's last brace.
Digests are hexadecimal, other bytes base 64. Bodies of documents are never in an archive; nor are subjects and the
free words of operators, which no leaf holds. docs/archive.md says the same for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec

from gateway.bundle.container import Container, ContainerWriter
from gateway.bundle.facts import Log, Part, Stamp
from gateway.bundle.format import (
    ARCHIVE,
    ARCHIVE_FORMAT,
    ARCHIVE_VERSION,
    EXPORT,
    MANIFEST,
    README,
    media_type_of,
    role_of,
)
from gateway.bundle.manifest import manifest_of
from gateway.errors import BundleError
from gateway.seal.writer import SealedEntry
from gateway.transparency.renewal import Kept

#: Of a line; the largest are revocation lists and reports about signatures.
MAX_LINE_BYTES: Final = 24 * 1024 * 1024
_LEAF_LINE: Final = re.compile(
    rb'\{"index":(0|[1-9][0-9]{0,18}),"hash":"([0-9a-f]{64})","leaf":(\{.*\})\}', re.DOTALL
)


class Archive(Part, kw_only=True, frozen=True):
    """The whole."""

    format: str = ARCHIVE_FORMAT
    version: int = ARCHIVE_VERSION
    made_at: str
    made_by: str
    #: Organ id of the gateway.
    gateway: str
    program: str
    #: 2026-10, of Vietnam; `final`: the rest of a log that has ended.
    month: str
    #: Its first and last closed day; "" where there is none.
    days: tuple[str, str]
    first: int
    until: int
    #: Roots of the complete subtrees in front of the first leaf, largest first.
    before: list[str]
    #: Of the tree at `until`.
    root: str
    #: That the checkpoint's tree begins with that one.
    consistency: list[str]
    log: Log
    stamps: list[Stamp]
    #: Lines of each part, by its entry.
    lines: dict[str, int]
    #: Whether the seal was given stamps that let it last (XAdES B-LTA).
    lasting: bool
    entries: dict[str, str]


class Receipt(Part, kw_only=True, frozen=True):
    """An acceptance: what was sealed, and how the document calls itself."""

    leaf: int
    message: str
    number: str
    notation: str
    promulgated_on: str | None
    transfer: bytes
    receipt: bytes


class ReceiptStamp(Part, kw_only=True, frozen=True):
    """A time stamp over receipts (`gateway.seal.evidence_record`) or over one."""

    #: Leaves of the first and the last receipt; the last may be of the month after.
    leaf: int
    last: int
    form: Literal["record", "each"]
    #: SHA-256 of the groups, one after the other; for `each` the imprint.
    hashes: bytes
    server: str
    at: str
    token: bytes


class Report(Part, kw_only=True, frozen=True):
    """A verdict about signatures of others."""

    leaf: int
    message: str
    sha256: str
    report: bytes


class Proof(Part, kw_only=True, frozen=True):
    """What a receiver proved."""

    leaf: int
    message: str
    sha256: str
    file: bytes
    #: DER of the connection's certificate, where it is bound to one.
    certificate: bytes | None


class Book(Part, kw_only=True, frozen=True):
    """What one agency sent on the day: for each entry, number of its leaf (8 bytes) and digest (32)."""

    agency: str
    entries: bytes


class Day(Part, kw_only=True, frozen=True):
    """A closed day with its registers."""

    leaf: int
    day: str
    #: The secret of its commitments.
    seed: str
    books: list[Book]


class Token(Part, kw_only=True, frozen=True):
    """A TimeStampResp."""

    server: str
    at: str
    token: bytes


class Signed(Part, kw_only=True, frozen=True):
    """A checkpoint: the note as the log signed it, the lines of witnesses, stamps, the institution's signature."""

    size: int
    note: str
    cosignatures: list[str]
    stamps: list[Token]
    institution: bytes | None


class Renewed(Part, kw_only=True, frozen=True):
    """A renewal of the log's head by another hash (`gateway.transparency.renewal`), oldest first."""

    kept: Kept
    #: By its hash, where it is over all leaves of the month: the frontier in front of the first leaf, and that the
    #: renewal's tree begins with that at the end of the month; else empty.
    before: list[bytes]
    path: list[bytes]


class Answer(Part, kw_only=True, frozen=True):
    """What a CA said about revocation."""

    sha256: str
    kind: str
    der: bytes


class Named(Part, kw_only=True, frozen=True):
    """A code or a name of an agency, and since and until when."""

    text: str
    since: str
    until: str | None


class Agency(Part, kw_only=True, frozen=True):
    """An agency, as the directory had it when the archive was made."""

    id: str
    kind: str
    opened_at: str
    closed_at: str | None
    successor: str | None
    codes: list[Named]
    names: list[Named]


class OwnCertificate(Part, kw_only=True, frozen=True):
    """A certificate that the gateway signed with."""

    purpose: str
    since: str
    der: bytes


def leaf_line(index: int, digest: bytes, leaf: bytes) -> bytes:
    """A line of `leaves.jsonl`."""
    return b'{"index":%d,"hash":"%s","leaf":%s}\n' % (index, digest.hex().encode(), leaf)


def read_leaf_line(line: bytes) -> tuple[int, bytes, bytes]:
    """Index, hash and exact bytes; BundleError when it is no such line."""
    found = _LEAF_LINE.fullmatch(line)
    if found is None:
        raise BundleError("it is no line of a leaf", code="archive_unreadable")
    return int(found[1]), bytes.fromhex(found[2].decode()), found[3]


def line_of(part: Part) -> bytes:
    """A line of any other part."""
    return msgspec.json.encode(part) + b"\n"


def lines_of(container: Container, name: str) -> Iterator[bytes]:
    """The lines of a part, without their ends; BundleError for one that is too long or not ended."""
    rest = b""
    for piece in container.pieces_of(name):
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE_BYTES or any(len(each) > MAX_LINE_BYTES for each in lines):
            raise BundleError(f"{name}: a line of more than {MAX_LINE_BYTES} bytes", code="archive_unreadable")
        yield from lines
    if rest:
        raise BundleError(f"{name} is cut short", code="archive_unreadable")


def written(facts: Archive) -> bytes:
    """The file."""
    return msgspec.json.format(msgspec.json.encode(facts, order="deterministic"), indent=1) + b"\n"


def read(file: bytes) -> Archive:
    """The facts; BundleError for another format, another version, or a wrong shape."""
    try:
        head = msgspec.json.decode(file, type=dict[str, Any])
        if (head.get("format"), head.get("version")) != (ARCHIVE_FORMAT, ARCHIVE_VERSION):
            told = f"{ARCHIVE} is not of format {ARCHIVE_FORMAT}, version {ARCHIVE_VERSION}"
            raise BundleError(told, code="version_unknown")
        return msgspec.json.decode(file, type=Archive)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{ARCHIVE} cannot be read: {error}", code="facts_unreadable") from error


def compose_end(
    writer: ContainerWriter, facts: Archive, parts: Iterable[SealedEntry], files: dict[str, bytes]
) -> list[SealedEntry]:
    """What follows the parts: small files, the manifest and the facts; everything that is to be sealed."""
    done = list(parts)
    names = [*(each.name for each in done), *files, MANIFEST, ARCHIVE]
    roles = {name: role_of(name) or "" for name in sorted([*names[:-1], EXPORT])}
    whole = msgspec.structs.replace(facts, entries=roles)
    content = {**files, MANIFEST: manifest_of(names), ARCHIVE: written(whole)}
    for name, file in content.items():
        digest = writer.add_pieces(name, (file,))
        done.append(SealedEntry(name=name, sha256=digest, media_type=media_type_of(name)))
    return done


def readme(facts: Archive) -> bytes:
    """For whoever finds the file and nothing else."""
    return _README.format(facts=facts).encode()


README_ENTRY: Final = README
_README: Final = """\
{facts.month}: a month of the ledger of the document gateway {facts.gateway}
{facts.month}: một tháng sổ cái của trục văn bản {facts.gateway}

This file is a ZIP container without compression (ASiC-E, ETSI EN 319 162-1). It holds every entry of the
transparency log {facts.log.origin}, from leaf {facts.first} up to, without, leaf {facts.until},
with the receipts, time stamps, verdicts, registers and signed checkpoints of that time. It holds no bodies of
documents.

  archive/archive.json          what there is, and how it hangs together
  archive/leaves.jsonl          one line a leaf: its index, its hash, its exact bytes
  archive/receipts.jsonl        the sealed receipt (XAdES) and transfer manifest of each acceptance, base 64
  archive/checkpoints.jsonl     what the log signed (C2SP signed notes), cosignatures, RFC 3161 stamps
  archive/renewals.jsonl        the log's head by other hashes (SHA-512, SHA-3), stamped
  archive/registers.jsonl       what each agency sent on each day
  evidence/checkpoint.note      the checkpoint that all of this is under
  META-INF/signatures-export.xml   a XAdES seal over every other file

Hash of a leaf: SHA-256(0x00 || its bytes). Hash of a node: SHA-256(0x01 || left || right), RFC 6962. The root over
`before` of archive.json and the leaves is `root`; `consistency` leads from it to the checkpoint (RFC 9162 2.1.4).
To verify it all: gateway-verify FILE --anchors DIR, with anchors that you did not get from this file.

Tệp này là ZIP không nén (ASiC-E). Mỗi dòng của archive/leaves.jsonl là một lá của nhật ký minh bạch với đúng các
byte của nó; biên nhận, dấu thời gian, kết luận kiểm tra chữ ký, sổ theo ngày và điểm kiểm tra đã ký đi kèm.
Không có nội dung văn bản. Kiểm tra: gateway-verify TỆP --anchors THƯ-MỤC, với điểm tin cậy lấy từ nơi khác.
"""

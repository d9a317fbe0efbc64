"""Month archives to be verified, made without a gateway: the same bytes every time, and what may be wrong.

The leaves are those of the story of `making` and the closing of a day; `archive` writes the container. Parts are
changed before it is sealed, so that it is not the seal that notices.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from gateway.bundle import archive as shapes
from gateway.bundle import format as layout
from gateway.bundle.build import finish
from gateway.bundle.container import ContainerWriter
from gateway.bundle.facts import Log, Stamp
from gateway.seal.writer import SealedEntry, draft_export
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.keys import LogSigner
from gateway.transparency.merkle import leaf_hash
from gateway.transparency.note import sign, signature_by
from tests.bundle.absences import closed, closing_leaf
from tests.bundle.making import MADE_AT, STAMPED_AT, WITNESSES, Told, leaf, log_signer, story, witness
from tests.bundle.stamping import stamp
from tests.transparency.growing import root_by_the_book
from tests.unit.seal.sealing import signer

#: Leaves under the first of the two checkpoints.
_FIRST: Final = 5
_STAMP: Final = "evidence/stamps/0.tsr"
Lines = list[bytes]


@dataclass(frozen=True, kw_only=True)
class Month:
    """What an archive is made of."""

    leaves: tuple[bytes, ...]
    parts: Mapping[str, Lines]
    #: Who signed the archive's own checkpoint.
    signer: LogSigner = field(default_factory=log_signer)


def month() -> Month:
    """Three acceptances, one closed day, two checkpoints."""
    a, day = story(), closed(0)
    tree = (*a.tree, closing_leaf(day.closing))
    receipts = [_receipt(index, told) for index, told in zip((1, 6, 9), (a.document, *a.statuses), strict=True)]
    books = [shapes.Book(agency=each.agency, entries=each.packed()) for each in day.books]
    text, seed = day.day.day.isoformat(), day.day.seed.hex()
    agency = shapes.Agency(
        id="sender", kind="province", opened_at="2026-01-01T00:00:00Z", closed_at=None, successor=None,
        codes=[shapes.Named(text="000.00.00.H33", since="2026-01-01T00:00:00Z", until=None)],
        names=[shapes.Named(text="Ủy ban nhân dân tỉnh", since="2026-01-01T00:00:00Z", until=None)],
    )  # fmt: skip
    return Month(
        leaves=tree,
        parts={
            layout.LEAVES: [shapes.leaf_line(index, leaf_hash(each), each) for index, each in enumerate(tree)],
            layout.RECEIPTS: receipts,
            layout.RECEIPT_STAMPS: [],
            layout.VERDICTS: [],
            layout.PROOFS: [],
            layout.REGISTERS: [shapes.line_of(shapes.Day(leaf=len(tree) - 1, day=text, seed=seed, books=books))],
            layout.CHECKPOINTS: [_checkpoint(tree[:_FIRST]), _checkpoint(tree)],
            layout.RENEWALS: [],
            layout.ANSWERS: [],
            layout.AGENCIES: [shapes.line_of(agency)],
            layout.CERTIFICATES: [],
        },
    )


def archive(of: Month) -> bytes:
    """The container."""
    file, sealed = io.BytesIO(), list[SealedEntry]()
    writer, key = ContainerWriter(file), signer("seal-rsa")
    for name, lines in of.parts.items():
        digest = writer.add_pieces(name, lines)
        sealed.append(SealedEntry(name=name, sha256=digest, media_type=layout.media_type_of(name)))
    root = root_by_the_book(list(map(leaf_hash, of.leaves)))
    signed, cosigned = _note(of.leaves, of.signer)
    at = STAMPED_AT.isoformat()
    facts = shapes.Archive(
        made_at=MADE_AT.isoformat(), made_by="operator:0", gateway="000.00.00.H33", program="0.1.0",
        month="2026-11", days=("2026-11-20", "2026-11-20"), first=0, until=len(of.leaves), before=[],
        root=root.hex(), consistency=[], lasting=False, entries={},
        log=Log(origin=of.signer.name, size=len(of.leaves), root=b64encode(root).decode(), signed_at=at,
                vkey=str(of.signer.verifier)),
        stamps=[Stamp(entry=_STAMP, server="tsa", at=at)],
        lines={name: len(lines) for name, lines in of.parts.items()},
    )  # fmt: skip
    files = {
        layout.README: shapes.readme(facts),
        layout.CHECKPOINT: cosigned,
        _STAMP: stamp(sha256(signed).digest(), STAMPED_AT),
    }
    draft = draft_export(key, shapes.compose_end(writer, facts, sealed, files), MADE_AT)
    finish(writer, draft.signed(key.sign(draft.signed_info)))
    return file.getvalue()


def vectors() -> Iterator[tuple[str, str, bytes]]:
    """Name, why, bytes."""
    good = month()
    yield "month", "three acceptances and a closed day under two checkpoints", archive(good)

    def another_word(lines: Lines) -> Lines:
        return [*lines[:3], lines[3].replace(b'"in_flight"', b'"held"'), *lines[4:]]

    def without_fourth(lines: Lines) -> Lines:
        return [*lines[:4], *lines[5:]]

    yield "leaf-changed", "a word of leaf 3 is another, its hash stayed", changed(good, layout.LEAVES, another_word)
    yield "leaf-removed", "leaf 4 is not there", changed(good, layout.LEAVES, without_fourth)
    yield "day-removed", "the registers of the closed day are not there", changed(good, layout.REGISTERS, _none)
    receipts = changed(good, layout.RECEIPTS, lambda lines: lines[1:])
    yield "receipt-removed", "a leaf tells of a receipt that is not there", receipts
    other = archive(replace(good, signer=log_signer("elsewhere/log")))
    yield "checkpoint-of-another-log", "the archive's own checkpoint is by the same key under another name", other
    facts: dict[str, object] = {"number": 1, "text": sha256(b"text").hexdigest(), "token": sha256(b"").hexdigest()}
    told = archive(_with_leaf(good, leaf("log.restamped", MADE_AT, facts)))
    yield "renewal-removed", "a leaf tells of a renewal of the log's head that is not there", told


def changed(of: Month, part: str, change: Callable[[Lines], Lines]) -> bytes:
    """The archive with another part, sealed with it."""
    return archive(replace(of, parts={**of.parts, part: change(of.parts[part])}))


def _none(_lines: Lines) -> Lines:
    return []


def _with_leaf(of: Month, last: bytes) -> Month:
    """One leaf more, under a checkpoint of its own."""
    leaves = (*of.leaves, last)
    more = {
        layout.LEAVES: shapes.leaf_line(len(of.leaves), leaf_hash(last), last),
        layout.CHECKPOINTS: _checkpoint(leaves),
    }
    parts = {name: [*lines, more[name]] if name in more else lines for name, lines in of.parts.items()}
    return replace(of, leaves=leaves, parts=parts)


def _receipt(index: int, told: Told) -> bytes:
    line = shapes.Receipt(
        leaf=index, message=told.id, number="12", notation="UBND-VP", promulgated_on="2026-11-22",
        transfer=told.transfer, receipt=told.receipt,
    )  # fmt: skip
    return shapes.line_of(line)


def _note(leaves: tuple[bytes, ...], key: LogSigner) -> tuple[bytes, bytes]:
    """As the log signed it, and with the lines of witnesses."""
    note = sign(Checkpoint(key.name, len(leaves), root_by_the_book(list(map(leaf_hash, leaves)))).text(), key)
    return bytes(note), bytes(note.with_signatures([signature_by(witness(name), note.text) for name in WITNESSES]))


def _checkpoint(leaves: tuple[bytes, ...]) -> bytes:
    signed, _ = _note(leaves, log_signer())
    token = shapes.Token(server="tsa", at=STAMPED_AT.isoformat(), token=stamp(sha256(signed).digest(), STAMPED_AT))
    line = shapes.Signed(size=len(leaves), note=signed.decode(), cosignatures=[], stamps=[token], institution=None)
    return shapes.line_of(line)

"""The vectors of `tests/vectors/bundles`: each a folder of a bundle and what a verifier must find in it, and why.

`python -m tests.bundle.vector_cases` writes them; a test compares what lies there with what this makes. `faults`
names every check that must not pass, with its reason. The folder `v1` holds bundles as they were first written,
which every later verifier must read: the script leaves it alone.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from gateway.bundle.build import Material
from gateway.bundle.container import Container
from gateway.bundle.format import DOCUMENT, MIMETYPE
from gateway.seal.report import Verdict
from gateway.transparency.note import SignedNote
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Verification
from gateway.verifying.verify import verify
from tests.bundle import archives
from tests.bundle.absences import vectors
from tests.bundle.making import (
    AT,
    STAMPED_AT,
    WITNESSES,
    accepted_leaf,
    checkpoint_of,
    log_signer,
    made,
    material_of,
    story,
    told,
    with_,
    witness,
    write_anchors,
)
from tests.bundle.ocsp_cases import ocsp_cases
from tests.bundle.receiver_cases import proved, receiver_bundles, write_keys
from tests.bundle.vector_long_term import long_term

FOLDER: Final = Path(__file__).parents[1] / "vectors" / "bundles"
FROZEN: Final = "v1"
#: The folder of proofs that there is no such document.
ABSENCES: Final = "absences"
#: The folder of month archives.
ARCHIVES: Final = "archives"
TEN_YEARS: Final = AT + timedelta(days=3653)
_DATE: Final = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One vector."""

    name: str
    why: str
    bundle: bytes
    #: Which anchors: `good`, `foreign` (another CA for seals), `two-witnesses` (a quorum of two),
    #: `without-receivers` (no keys of offices), or `none`.
    anchors: str = "good"
    at: datetime = AT
    require_time: bool = False

    def files(self, folder: Path) -> dict[str, bytes]:
        """The folder's content."""
        found = verified(self, folder)
        expected = {
            "why": self.why,
            "at": self.at.isoformat(),
            "anchors": self.anchors,
            "require_time": self.require_time,
            "verdict": str(found.verdict),
            "faults": sorted({f"{c.name}: {c.reason}" for c in found.checks if c.verdict is not Verdict.PASSED}),
        }
        text = json.dumps(expected, indent=2, ensure_ascii=False) + "\n"
        return {"bundle.asice": self.bundle, "expected.json": text.encode()}


def verified(case: Case, anchors: Path) -> Verification:
    """What our verifier says; `anchors` holds a folder of each name."""
    given = None if case.anchors == "none" else Anchors.load(anchors / case.anchors)
    return verify(Container.of(case.bundle), given, case.at, require_time=case.require_time)


def write_all_anchors(folder: Path) -> Path:
    """The folders that cases name."""
    write_keys(write_anchors(folder / "good"))
    write_anchors(folder / "foreign", seal="foreign-root")
    write_anchors(folder / "two-witnesses", quorum=2)
    write_anchors(folder / "without-receivers")
    return folder


def cases() -> Iterator[Case]:
    """Every vector."""
    good = made()
    yield Case(name="accepted", why="a document, relayed, delivered, answered 01 and 03, stamped", bundle=good)
    yield Case(name="accepted-p256", why="the same, sealed with ECDSA", bundle=made(story("seal-p256")))
    yield Case(name="without-anchors", why="a bundle cannot vouch for itself", bundle=good, anchors="none")
    yield Case(
        name="anchors-of-another-ca", why="the seals lead to no CA that was given", bundle=good, anchors="foreign"
    )
    yield from _files(good)
    yield from _changed()
    yield from _log()
    yield from _witnesses()
    yield from _times(good)
    for told_case in chain(long_term(), ocsp_cases()):
        yield Case(**told_case)
    for name, why, bundle in receiver_bundles():
        yield Case(name=name, why=why, bundle=bundle)
    why = "the signature is right, but whose key it is, only the gateway says"
    yield Case(name="receiver-key-from-gateway", why=why, bundle=proved(), anchors="without-receivers")
    for name, why, bundle, anchors in vectors():
        yield Case(name=f"{ABSENCES}/{name}", why=why, bundle=bundle, anchors=anchors)
    for name, why, bundle in archives.vectors():
        yield Case(name=f"{ARCHIVES}/{name}", why=why, bundle=bundle)


def _files(good: bytes) -> Iterator[Case]:
    """Tricks with the container."""
    entry = Container.of(good).entries[DOCUMENT]
    flipped = good[: entry.offset] + bytes([good[entry.offset] ^ 1]) + good[entry.offset + 1 :]
    yield Case(name="byte-changed", why="one bit of the document is another", bundle=flipped)
    yield Case(name="cut-short", why="the second half is missing", bundle=good[: len(good) // 2])
    yield Case(name="empty", why="no bytes at all", bundle=b"")
    yield Case(name="bytes-behind", why="bytes follow the end of the directory", bundle=good + b"behind")
    yield Case(name="bytes-before", why="a program stands before the container", bundle=b"#!/bin/sh\n" + good)
    yield Case(name="zip-slip", why="an entry leads out of the folder", bundle=_zipped(good, {"../../x.sh": b"x"}))
    twice = _zipped(good, {"document.edxmx": b"another document"}).replace(b"document.edxmx", b"document.edxml")
    yield Case(name="duplicate-entry", why="two readers could see two documents", bundle=twice)
    other = _zipped(good, {}, mimetype=b"application/zip")
    yield Case(name="mimetype-wrong", why="it says to be another kind of container", bundle=other)
    last = _zipped(good, {}, first=DOCUMENT)
    yield Case(name="mimetype-not-first", why="programs tell the kind by the first bytes", bundle=last)
    bomb = _zipped(good, {"evidence/verdicts/bomb.json": bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED)
    yield Case(name="compressed", why="what is compressed may grow without end", bundle=bomb)


def _changed() -> Iterator[Case]:
    """Bundles that somebody changed, with and without the key to seal them again."""
    a = story()
    unsealed = made(seal=lambda _: b"<none/>")
    yield Case(name="unsealed", why="nobody seals the bundle as a whole", bundle=unsealed)
    yield Case(
        name="key-not-of-certificate",
        why="the seal's value was made by another key than that of its certificate",
        bundle=made(seal=lambda seal: seal.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA", 1)),
    )
    gone = with_(a, statuses=a.statuses[:1])
    yield Case(name="status-missing", why="the history tells of two statuses, one is there", bundle=made(gone))
    yield Case(name="entry-not-known", why="the seal is over it, but it is no entry of the format's lists",
               bundle=_zipped(made(), {"evidence/verdicts/later.json": b"{}"}))  # fmt: skip
    foreign = told(50, b"<other/>")

    def with_foreign_receipt(material: Material) -> Material:
        return replace(material, document=replace(material.document, receipt=foreign.receipt))

    yield Case(name="receipt-of-another-document", why="the receipt seals other bytes",
               bundle=made(change=with_foreign_receipt))  # fmt: skip
    yield Case(
        name="state-invented", why="bundle.json says what no leaf says", bundle=made(with_(a, state="refused"))
    )

    def other_facts(material: Material) -> Material:
        document = msgspec.structs.replace(material.facts.document, sha256="00" * 32)
        return replace(material, facts=msgspec.structs.replace(material.facts, document=document))

    yield Case(name="digest-invented", why="bundle.json names another digest", bundle=made(change=other_facts))

    def version_two(material: Material) -> Material:
        return replace(material, facts=msgspec.structs.replace(material.facts, version=2))

    yield Case(
        name="version-unknown", why="a format that this verifier does not know", bundle=made(change=version_two)
    )


def _witnesses() -> Iterator[Case]:
    """Cosignatures that are none, or not of this."""
    a, name = story(), WITNESSES[0]
    truth = SignedNote.parse(checkpoint_of(a)[0]).text
    stranger = accepted_leaf(told(60, b"<stranger/>"))
    fork = with_(a, tree=(stranger, *a.tree[1:]), witnesses=(), cosigners=((witness(name), truth),))
    yield Case(name="forked-checkpoint-cosigned", why="the log signed another history, of as many leaves; the "
               "witness's line below it is that of the true one", bundle=made(fork))  # fmt: skip
    earlier = SignedNote.parse(checkpoint_of(with_(a, tree=a.tree[:-1]))[0]).text
    over = with_(a, witnesses=WITNESSES[1:], cosigners=((witness(name), earlier),))
    yield Case(name="cosignature-over-another-checkpoint", why="a line of an earlier checkpoint, beside a good one",
               bundle=made(over))  # fmt: skip
    unknown = (witness("elsewhere/witness"), b""), (witness(name, seed="impostor"), b"")
    yield Case(name="cosignature-by-unknown-key", why="two unknown keys, one by the name of a known witness",
               bundle=made(with_(a, witnesses=(), cosigners=unknown)))  # fmt: skip
    ahead = witness(name, at=AT + timedelta(days=1))
    yield Case(name="cosignature-in-the-future", why="its time is after that of the verification",
               bundle=made(with_(a, witnesses=(), cosigners=((ahead, b""),))))  # fmt: skip
    one = with_(a, witnesses=WITNESSES[:1], cosigners=((witness(name), b""),))
    yield Case(name="one-witness-of-two", why="of a quorum of two, one signed, twice", bundle=made(one),
               anchors="two-witnesses")  # fmt: skip
    yield Case(name="two-witnesses-of-two", why="the quorum is two, and both signed", bundle=made(a),
               anchors="two-witnesses")  # fmt: skip


def _log() -> Iterator[Case]:
    """Proofs that prove something else."""
    a = story()
    forked = with_(a, signer=log_signer("elsewhere/log"))
    yield Case(
        name="checkpoint-of-another-log", why="signed by the same key under another name", bundle=made(forked)
    )
    unwitnessed = with_(a, witnesses=())
    yield Case(name="no-witness-signed", why="the quorum is one", bundle=made(unwitnessed))

    def swapped(material: Material) -> Material:
        leaves = dict(material.leaves)
        leaves[2], leaves[3] = (leaves[2][0], leaves[3][1]), (leaves[3][0], leaves[2][1])
        return replace(material, leaves=leaves)

    yield Case(
        name="proof-for-another-leaf", why="the proofs of two leaves are exchanged", bundle=made(change=swapped)
    )

    def rewritten(material: Material) -> Material:
        leaves = dict(material.leaves)
        leaves[8] = (leaves[8][0].replace(b'"delivered"', b'"refused"'), leaves[8][1])
        return replace(material, leaves=leaves)

    yield Case(name="leaf-rewritten", why="a leaf says what the log does not hold", bundle=made(change=rewritten))
    stranger = accepted_leaf(told(60, b"<stranger/>"))
    other = with_(a, tree=(stranger, *a.tree[1:]), chosen=(0, *a.chosen))
    yield Case(
        name="leaf-of-another-document", why="it is in the log, but about something else", bundle=made(other)
    )
    less = with_(a, chosen=a.chosen[1:])
    yield Case(name="acceptance-not-in-log", why="a receipt without a leaf", bundle=made(less))

    def older(material: Material) -> Material:
        earlier = material_of(with_(a, tree=a.tree[:-1], chosen=a.chosen[:-1]))
        return replace(material, checkpoint=earlier.checkpoint)

    yield Case(name="proofs-under-another-checkpoint", why="checkpoint and proofs do not belong together",
               bundle=made(change=older))  # fmt: skip

    def none(material: Material) -> Material:
        facts = msgspec.structs.replace(material.facts, leaves=[], log=None, stamps=[], pending_leaves=9)
        return replace(material, facts=facts, leaves={}, checkpoint=b"", stamps=[])

    yield Case(name="no-checkpoint-yet", why="exported before the log signed anything", bundle=made(change=none))
    # the message of the last status, and its leaves, came after the checkpoint
    newer = with_(a, tree=a.tree[:8], chosen=(1, 2, 3, 5, 6, 7))
    yield Case(name="newest-events-not-proved-yet", why="PASSED: the document is proved, its last status not yet",
               bundle=made(newer, change=_waiting))  # fmt: skip
    yield Case(name="newest-events-left-out", why="a status without a leaf, and nothing is said to be pending",
               bundle=made(newer))  # fmt: skip
    unproved = with_(newer, chosen=newer.chosen[1:])
    yield Case(name="acceptance-said-to-be-pending", why="other events may wait, the document's own acceptance not",
               bundle=made(unproved, change=_waiting))  # fmt: skip


def _waiting(material: Material) -> Material:
    return replace(material, facts=msgspec.structs.replace(material.facts, pending_leaves=3))


def _times(good: bytes) -> Iterator[Case]:
    """Stamps and clocks."""
    a = story()
    yield Case(
        name="stamp-over-another-digest", why="a stamp over other bytes", bundle=made(with_(a, stamped=b"x"))
    )
    bare = made(with_(a, stamps=()))
    yield Case(name="no-time-stamp", why="PASSED, but when it was is our own word", bundle=bare)
    yield Case(name="time-required", why="the same, where time is asked for", bundle=bare, require_time=True)
    long_ago = made(with_(a, stamps=(STAMPED_AT - timedelta(days=9000),)))
    yield Case(name="anchor-expired", why="the authority's CA was not valid when it stamped", bundle=long_ago)
    yield Case(name="ten-years-ahead", why="the acceptance is proved; the export seal's certificate has expired",
               bundle=good, at=TEN_YEARS)  # fmt: skip
    yield Case(name="ten-years-ahead-unstamped", why="nothing proves when the seals were made",
               bundle=bare, at=TEN_YEARS)  # fmt: skip


def _zipped(
    good: bytes,
    more: dict[str, bytes],
    *,
    first: str = MIMETYPE,
    mimetype: bytes | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """By somebody else's tool, in its way."""
    container, file = Container.of(good), io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name in sorted(container.entries, key=lambda each: each != first):
            content = container.bytes_of(name)
            archive.writestr(zipfile.ZipInfo(name, _DATE), mimetype if mimetype and name == MIMETYPE else content)
        for name, content in more.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, compression)
    return file.getvalue()


def write(folder: Path, make_anchors: Callable[[Path], Path] = write_all_anchors) -> None:
    """Every vector anew; what is frozen stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.is_dir() and old.name != FROZEN:
            shutil.rmtree(old)
    anchors = make_anchors(folder / "anchors")
    for case in cases():
        (folder / case.name).mkdir(parents=True)
        for name, content in case.files(anchors).items():
            (folder / case.name / name).write_bytes(content)


if __name__ == "__main__":
    write(FOLDER)

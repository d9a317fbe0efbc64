"""Renewals of the log's head by other hashes: each over all before it, stamped, and leaves under the newest.

1. Each is written in its one form, is over the checkpoint and the stamps beside it and over the renewal before, and
   its stamp is over it, by its own hash, judged at its own time.
2. Its checkpoint is one that a known key of the log signed.
3. What is proved by the newest: leaves, whatever becomes of SHA-256 afterwards.

A renewal that fails, fails the file. One whose authority is not known decides nothing and does not count: the file
holds without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from gateway.bundle.container import Container
from gateway.bundle.format import RENEWALS_ENTRY
from gateway.errors import BundleError, ProofError
from gateway.seal.report import Verdict
from gateway.transparency.checkpoint import Checkpoint, opened
from gateway.transparency.note import SignedNote
from gateway.transparency.renewal import Kept, Renewal, chain_of, verify_leaf
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Check, failed, passed
from gateway.verifying.stamps import judged


class _Entry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`evidence/verdicts/renewals.json`."""

    renewals: list[Kept]
    #: Index of a leaf -> the way to the newest renewal's root.
    paths: dict[str, list[bytes]]


def check_renewals(container: Container, anchors: Anchors) -> Iterator[Check]:
    """The findings about those in a bundle; none where there are none."""
    name = "renewals"
    if RENEWALS_ENTRY not in container.entries:
        return
    try:
        entry = msgspec.json.decode(container.bytes_of(RENEWALS_ENTRY), type=_Entry)
    except (BundleError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        yield failed(name, "renewal_wrong", str(error))
        return
    newest, checks = check_chain(entry.renewals, anchors)
    yield from checks
    if newest is None:
        return
    for index, path in entry.paths.items():
        yield _leaf(container, newest, index, path)


def check_chain(kept: Sequence[Kept], anchors: Anchors) -> tuple[Renewal | None, list[Check]]:
    """Steps 1 and 2: the newest, None where one of them cannot be read, and the findings."""
    checks = list[Check]()
    newest: Renewal | None = None
    before: tuple[bytes, bytes] | None = None
    earlier: datetime | None = None
    for number, each in enumerate(kept, 1):
        name = f"renewals.{number}"
        try:
            newest = _read(each, number, before, anchors)
        except (ProofError, ValueError) as error:
            return None, [*checks, failed(name, "renewal_wrong", str(error))]
        imprint = newest.hash.digest(each.text)
        check, at = judged(name, each.token, imprint, anchors, algorithm=newest.hash.stamped_as)
        if at is not None and earlier is not None and at < earlier:
            check = failed(name, "renewal_wrong", "it was stamped before the one that it renews")
        if check.verdict is Verdict.PASSED:
            told = f"{newest.size} leaves by {newest.algorithm}, not later than {at:%Y-%m-%d}"
            check = passed(name, told, counts=False)
        checks.append(check)
        before, earlier = (each.text, each.token), at or earlier
    return newest, checks


def _read(each: Kept, number: int, before: tuple[bytes, bytes] | None, anchors: Anchors) -> Renewal:
    found = Renewal.parse(each.text)
    checkpoint = Checkpoint.parse(SignedNote.parse(each.note).text)
    if found.number != number:
        raise ProofError(f"it is number {found.number}")
    told = (checkpoint.origin, checkpoint.size, checkpoint.root.hex())
    if told != (found.origin, found.size, found.sha256_root):
        raise ProofError("it is over another checkpoint than it says")
    if chain_of(found.hash, each.note, each.stamps, before) != found.chain:
        raise ProofError("it is not over the chain that stands beside it")
    if checkpoint.origin in {key.name for key in anchors.log}:
        opened(each.note, anchors.log)
    return found


def _leaf(container: Container, newest: Renewal, index: str, path: list[bytes]) -> Check:
    name = f"renewals.leaf.{index[:20]}"
    try:
        raw = container.bytes_of(f"evidence/leaves/{int(index)}.json")
        verify_leaf(newest, int(index), raw, path)
    except (BundleError, ProofError, ValueError) as error:
        return failed(name, "renewal_wrong", str(error)[:200])
    return passed(name, f"by {newest.algorithm}", counts=False)

"""Verifies a ledger that was handed over, offline: every archive, that they are one log up to its end, and its end.

1. `handover.json`, and each archive of its list by its digest and as `gateway-verify` does.
2. One begins where the one before ends, the first at leaf 0, the last at the last leaf of its own checkpoint.
3. The last leaf says that the ledger ended, for whom, and which deliveries were open.

PASSED means: this is the whole log that the auditor's key signed, from its first leaf to the one that ended it.
A copy of the data folder beside it is looked at by `gateway backup --verify`, not here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from gateway.bundle import archive, handover
from gateway.bundle.container import Container
from gateway.bundle.format import ARCHIVE, LEAVES
from gateway.bundle.handover import Handover
from gateway.errors import BundleError
from gateway.seal.report import Verdict
from gateway.verifying.anchors import Anchors
from gateway.verifying.archive import verify_archive
from gateway.verifying.findings import Check, Verification, failed, passed, undecided

#: Called with the archive under way, and how many there are.
Progress = Callable[[int, int], None]


def verify_handover(
    folder: Path, anchors: Anchors, at: datetime, progress: Progress = lambda _done, _total: None
) -> tuple[Handover | None, Verification]:
    """What it says of itself, None where that cannot be read, and all findings."""
    try:
        raw = (folder / handover.HANDOVER).read_bytes()[: handover.MAX_BYTES + 1]
        facts = _listed(raw)
    except (OSError, BundleError) as error:
        return None, Verification(checks=(failed("handover", "facts_unreadable", str(error)),), at=at)
    checks, found = [passed("handover", f"{facts.origin}, {facts.size} leaves")], list[archive.Archive]()
    for number, each in enumerate(facts.archives):
        progress(number, len(facts.archives))
        checks += _archive(folder / each.name, each.sha256, anchors, at, found)
    if len(found) == len(facts.archives):
        checks += _one_log(facts, found)
        checks += _end(folder, facts)
    return facts, Verification(checks=tuple(checks), at=at)


def _listed(raw: bytes) -> Handover:
    facts = handover.read(raw)
    if any(Path(each.name).name != each.name for each in facts.archives):
        raise BundleError("a name of its list leads elsewhere", code="facts_unreadable")
    return facts


def _archive(
    path: Path, digest: str, anchors: Anchors, at: datetime, found: list[archive.Archive]
) -> Iterator[Check]:
    name = f"archive.{path.stem}"
    try:
        if handover.digest_of(path) != digest:
            yield failed(f"{name}.digest", "facts_differ", "it is not the file of the list")
        container = Container.open(path)
        found.append(archive.read(container.bytes_of(ARCHIVE)))
    except (OSError, BundleError) as error:
        yield failed(name, "container_broken", str(error))
        return
    verified = verify_archive(container, anchors, at)
    for check in verified.checks:
        if check.counts and check.verdict is not Verdict.PASSED:
            told = f"{check.name} {check.detail}".strip()
            make = failed if check.verdict is Verdict.FAILED else undecided
            yield make(f"{name}.{check.name}", check.reason, told)
    if verified.verdict is Verdict.PASSED:
        yield passed(name, f"leaves {found[-1].first} to {found[-1].until - 1}")


def _one_log(facts: Handover, found: list[archive.Archive]) -> Iterator[Check]:
    name = "handover.log"
    if not found or found[0].first:
        yield failed(name, "leaf_missing", "the first archive does not begin with the log")
        return
    for before, after in pairwise(found):
        if before.until != after.first:
            told = f"{before.month} ends at {before.until}, {after.month} begins at {after.first}"
            yield failed(name, "leaf_missing", told)
    last = found[-1]
    if (last.until, last.log.size, last.root) != (facts.size, facts.size, facts.root):
        yield failed(name, "facts_differ", "the last archive does not end with the log")
    elif last.log.origin != facts.origin:
        yield failed(name, "another_log", f"{last.log.origin} is not {facts.origin}")
    else:
        yield passed(name, f"{facts.size} leaves in {len(found)} archives")


def _end(folder: Path, facts: Handover) -> Iterator[Check]:
    """The last leaf, and what it says."""
    name = "handover.end"
    try:
        leaf = last_leaf(folder / facts.archives[-1].name)
        told = leaf["facts"]
        ended = (leaf["kind"], told["successor"], told["open"]) == (handover.ENDED, facts.successor, facts.open)
        digest = handover.digest_of(folder / handover.OPEN)
    except (OSError, BundleError, ValueError, KeyError, TypeError, IndexError) as error:
        yield failed(name, "archive_unreadable", str(error))
        return
    if not ended:
        yield failed(name, "facts_differ", "the last leaf does not say that the ledger ended for this successor")
    elif digest != told.get("open_sha256"):
        yield failed("handover.open", "leaf_paper_wrong", f"{handover.OPEN} is not what the last leaf names")
    else:
        yield passed(name, f"for {facts.successor}, {facts.open} deliveries open")


def last_leaf(path: Path) -> dict[str, Any]:
    """Of an archive."""
    line = b""
    for line in archive.lines_of(Container.open(path), LEAVES):  # noqa: B007 - the last one stays
        pass
    found: dict[str, Any] = json.loads(archive.read_leaf_line(line)[2])
    return found

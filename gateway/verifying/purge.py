"""Bodies that are not in a bundle since they were destroyed by order: whether the log says so, and an original.

The receipts of such a message are verified against the digest that `bundle.json` tells and the leaf holds; that the
bytes had it, nobody can see any more, so the verdict stays INDETERMINATE (`document_purged`) until somebody brings
them. An original that is given is compared with the digest, of any bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import file_digest
from pathlib import Path

from gateway.bundle.container import Container
from gateway.bundle.facts import Facts
from gateway.bundle.format import DOCUMENT, PURGE
from gateway.bundle.purge import Destroyed, body_entry, read
from gateway.errors import BundleError
from gateway.seal.report import Verdict
from gateway.verifying.findings import ORIGINAL, Check, failed, passed, undecided
from gateway.verifying.tree import Logged, facts_of


def check_purge(container: Container, facts: Facts, logged: Logged, original: Path | None) -> Iterator[Check]:
    """The findings; what is rightly absent is known to the container by its digest afterwards."""
    due = {facts.document.id: (facts.document.sha256, facts.document.size)}
    due |= {each.id: (each.sha256, each.size) for each in facts.messages}
    if PURGE in container.entries:
        try:
            told = read(container.bytes_of(PURGE)).destroyed
        except BundleError as error:
            yield failed("purge", error.code, str(error))
            return
        for each in told:
            yield from _destroyed(container, facts, logged, each, due, original)
    if original is not None and not container.is_absent(DOCUMENT):
        yield _compared(original, facts.document.sha256)


def _destroyed(
    container: Container,
    facts: Facts,
    logged: Logged,
    told: Destroyed,
    due: Mapping[str, tuple[str, int]],
    original: Path | None,
) -> Iterator[Check]:
    name, entry = f"purge.{told.message}"[:80], body_entry(told.message, facts.document.id)
    if due.get(told.message) != (told.sha256, told.size):
        yield failed(name, "facts_differ", "bundle.json tells of another message, digest or length")
        return
    if entry in container.entries:
        yield failed(name, "facts_differ", f"{entry} is here")
        return
    yield _leaf(name, facts, logged, told)
    is_main = entry == DOCUMENT
    if is_main and original is not None:
        found = _compared(original, told.sha256)
        container.supply(entry, told.sha256, told.size, original if found.verdict is Verdict.PASSED else None)
        yield found
        return
    container.supply(entry, told.sha256, told.size, None)
    words = f"destroyed by order on {told.purged_at}; SHA-256 {told.sha256}"
    yield undecided(f"{'document' if is_main else f'messages.{told.message}'}.bytes", "document_purged", words)


def _leaf(name: str, facts: Facts, logged: Logged, told: Destroyed) -> Check:
    for each in facts_of(logged.of("body.purged", message=told.message)):
        if each.get("sha256") == told.sha256:
            return passed(name, f"by the order {str(each.get('order'))[:36]}")
    if facts.pending_leaves or not logged.leaves:
        return undecided(name, "leaves_pending", "no leaf that is proved tells of it yet")
    return failed(name, "purge_not_in_log", "no leaf tells that it was destroyed")


def _compared(original: Path, sha256: str) -> Check:
    try:
        with original.open("rb") as file:
            found = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return undecided(ORIGINAL, "document_unreadable", f"{original}: {error.strerror}")
    if found != sha256:
        return failed(ORIGINAL, "document_other", f"{original} has SHA-256 {found}")
    return passed(ORIGINAL, f"{original} is the document")

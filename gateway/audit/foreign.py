"""Whether ledgers that were taken over still lie here as they were verified: `foreign/` below the data folder.

1. Each has its event, whose leaf tells of its final checkpoint and, by one digest, of all its files; no event is
   without its ledger.
2. Every file is there, with the digest that it had when it was taken. One that lies under another's name is told.
3. Every archive is verified anew as `gateway-verify` does, entry by entry, with the log's keys that lie beside it;
   `quick`: only one that has changed, to name the entry that is wrong.
4. What lies in `foreign/` and belongs to none of them: a taking that broke off before its event.

Our own leaf, which names all the files, is what vouches for them. What anchors from outside would decide (seals'
and stamps' CAs, witnesses) is NOT told here: `gateway handover verify DIR --anchors ANCHORS` does that.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gateway.audit.findings import Findings
from gateway.audit.leaves import facts_of
from gateway.audit.rows import EventRecord
from gateway.bundle.container import Container
from gateway.bundle.format import EXPORT
from gateway.bundle.handover import FOREIGN, VKEYS, TakenFile, digest_of, list_digest
from gateway.errors import BundleError, ProofError
from gateway.events import Event
from gateway.seal.embedded import certificates_of_export
from gateway.seal.report import Verdict
from gateway.storage.readers import Readers
from gateway.transparency.keys import read_vkeys
from gateway.verifying.anchors import Anchors
from gateway.verifying.archive import verify_archive
from gateway.verifying.sealed import small

_ARCHIVE: Final = ".asice"


class ForeignExaminer:
    """Takes the events in their order, a page at a time; then `examine`."""

    def __init__(self, readers: Readers, findings: Findings, *, quick: bool) -> None:
        self._readers, self._findings, self._is_quick = readers, findings, quick
        #: Log -> number of its event, and what that tells.
        self._taken: dict[str, tuple[int, Mapping[str, object]]] = {}

    def take(self, records: Sequence[EventRecord]) -> None:
        """A page of events."""
        for each in records:
            if each.kind == Event.LEDGER_TAKEN:
                facts = facts_of(each.leaf)
                self._taken[str(facts.get("origin"))] = (each.seq, facts)

    async def examine(self, data: Path, progress: Callable[[int, int], None]) -> int:
        """Steps 1 to 4; how many ledgers there are."""
        files = defaultdict[str, list[TakenFile]](list)
        for origin, name, size, sha256 in await self._readers.fetch("foreign_file_list"):
            files[origin].append(TakenFile(name=name, size=size, sha256=sha256))
        ledgers = await self._readers.fetch("foreign_ledger_list")
        known, done, total = set[Path](), 0, sum(map(len, files.values()))
        for origin, gateway, size, root, _, folder in ledgers:
            told = {"gateway": gateway, "size": size, "root": root, "files": list_digest(files[origin])}
            self._compare(origin, told)
            for each in files[origin]:
                known.add(data / folder / each.name)
                await asyncio.to_thread(self._file, data, f"{folder}/{each.name}", each, files[origin])
                done += 1
                progress(done, total)
        listed = {row[0] for row in ledgers}
        for origin, (seq, _) in self._taken.items():
            if origin not in listed:
                self._findings.add(
                    "foreign_differs", f"event {seq}", f"{origin[:200]} was taken, and is not listed"
                )
        await asyncio.to_thread(self._strays, data, known)
        return len(ledgers)

    def _compare(self, origin: str, told: Mapping[str, object]) -> None:
        seq, facts = self._taken.get(origin, (0, {}))
        wrong = [name for name, value in told.items() if facts.get(name) != value]
        if not seq:
            self._findings.add("foreign_differs", origin, "no event tells that it was taken")
        elif wrong:
            self._findings.add("foreign_differs", origin, f"{', '.join(wrong)}: not as event {seq} tells")

    def _file(self, data: Path, path: str, file: TakenFile, others: Sequence[TakenFile]) -> None:
        try:
            found = digest_of(data / path)
        except FileNotFoundError:
            self._findings.add("foreign_missing", path, file.sha256)
            return
        except OSError as error:
            self._findings.add("foreign_changed", path, str(error.strerror))
            return
        if found != file.sha256:
            name = next((each.name for each in others if each.sha256 == found), "")
            told = f"it is {name}" if name else f"digest {found}, not {file.sha256}"
            self._findings.add("foreign_changed", path, told)
            if name:
                return
        if file.name.endswith(_ARCHIVE) and (found != file.sha256 or not self._is_quick):
            self._entries(data, path)

    def _entries(self, data: Path, path: str) -> None:
        """Step 3."""
        try:
            container = Container.open(data / path)
            anchors = Anchors.of_bundle(certificates_of_export(small(container, EXPORT)), "")
        except (OSError, BundleError) as error:
            self._findings.add("foreign_entry_wrong", path, str(error)[:500])
            return
        with suppress(OSError, ProofError):  # told as a file of its own
            keys = read_vkeys((data / path).with_name(VKEYS).read_bytes())
            anchors = replace(anchors, log=tuple(keys))
        for check in verify_archive(container, anchors, datetime.now(UTC)).checks:
            if check.verdict is Verdict.FAILED:
                self._findings.add(
                    "foreign_entry_wrong", path, f"{check.name}: {check.reason} {check.detail}"[:500].strip()
                )

    def _strays(self, data: Path, known: set[Path]) -> None:
        for path in sorted((data / FOREIGN).rglob("*")):
            if not path.is_dir() and path not in known:
                self._findings.add("foreign_stray", str(path.relative_to(data)))

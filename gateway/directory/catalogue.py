"""Brings the directory to what a peer's catalogue of agencies says: the national axis's 125,000, every night.

1. Fetch the lists. If their bytes are those that were taken in last, that was all.
2. Read and merge them (`catalogue_merge`); a list that is cut, empty or not as agreed raises SourceError, and
   nothing is concluded from any of them.
3. Compare (`catalogue_plan`): only what differs is looked up.
4. If it would change, close or lose more than a set share of what is known, or too much of it is not sound, it is
   *held*: nothing is written but that it waits. A person looks at it (`dry_run`) and accepts exactly that one, by
   its digest.
5. Write (`catalogue_write`), and one event `catalogue.synced` with counts and the digest. A closed agency has an
   event of its own, as always; the others have none, for the first catalogue would be 125,000.

An agency that we host or that a person maintains is never changed; see `catalogue_plan`. Nothing is ever removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from gateway.directory.catalogue_changes import EndSync, EndSyncOperation
from gateway.directory.catalogue_merge import Merged
from gateway.directory.catalogue_plan import Plan, Planner, too_much
from gateway.directory.catalogue_write import CatalogueWriter, Progress
from gateway.directory.directory import Directory
from gateway.directory.pace import Pace
from gateway.errors import RefusedError, SourceError
from gateway.model import Endpoint
from gateway.ports import Catalogue
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers

_END = EndSyncOperation()
#: Another way of taking lists in must not find that they are known.
_READING: Final = "1"
_SHOWN: Final = 20
#: So many characters of a digest name it.
SHORT_DIGEST: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncPolicy:
    """When a person must look first."""

    #: Share of the known agencies that a synchronisation may change, close or lose by itself.
    hold_share: float
    #: How long an agency must be missing before it is closed.
    close_after: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncAsked:
    """What somebody wants of it."""

    actor: str
    now: datetime
    #: Say what would be done, write nothing.
    dry_run: bool = False
    #: Digest (or its beginning) of the catalogue that a person has looked at and accepts.
    accept: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncReport:
    """What came of a catalogue."""

    channel: str
    #: `unchanged`: the very bytes of the last time.
    outcome: Literal["unchanged", "applied", "held", "dry_run"]
    #: Of what the catalogue says; what `--accept` names. Empty where it was not read.
    digest: str = ""
    #: Whether it is, or would be, held.
    held: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    #: Reason code -> how many entries were not taken, or not taken whole, for it.
    problems: dict[str, int] = field(default_factory=dict)
    #: The first of each: reason, code, detail.
    examples: tuple[tuple[str, str, str], ...] = ()
    #: Kind of change -> the first agencies it concerns.
    samples: dict[str, list[str]] = field(default_factory=dict)


async def sync_catalogue(
    directory: Directory,
    pump: Pump,
    readers: Readers,
    catalogue: Catalogue,
    endpoint: Endpoint,
    policy: SyncPolicy,
    asked: SyncAsked,
    progress: Progress | None = None,
) -> SyncReport:
    """One synchronisation of one channel."""
    if not endpoint.is_relay:
        raise RefusedError("parameter_invalid", f"{endpoint.name} is no relay; a catalogue leads to one")
    work = _Sync(directory, pump, readers, catalogue, endpoint, policy, asked, progress or _silent)
    lists_digest = await work.fetch()
    async with directory.writing:
        return await work.run(lists_digest)


class _Sync:
    def __init__(
        self,
        directory: Directory,
        pump: Pump,
        readers: Readers,
        catalogue: Catalogue,
        endpoint: Endpoint,
        policy: SyncPolicy,
        asked: SyncAsked,
        progress: Progress,
    ) -> None:
        self._directory, self._pump, self._readers = directory, pump, readers
        self._catalogue, self._endpoint, self._policy, self._asked = catalogue, endpoint, policy, asked
        self._progress = progress
        self._merged = Merged()

    async def fetch(self) -> str:
        """The first half of step 1; a slow peer keeps nobody from changing the directory."""
        self._progress("fetch", 0, 0)
        return f"{_READING}:{await self._catalogue.fetch()}"

    async def run(self, lists_digest: str) -> SyncReport:
        """The rest."""
        row = await self._readers.fetch_one("catalogue_read_state", (self._endpoint.id,))
        last_digest, synced_at, _ = row or (None, None, None)
        if lists_digest == last_digest and not self._asked.dry_run and not await self._anything_missing():
            await self._end(lists_digest, {}, held=False, changed=False)
            return SyncReport(channel=self._endpoint.name, outcome="unchanged")
        await self._read()
        faults = self._merged.problems.total
        plan = await self._planned()
        first = synced_at is None
        held = too_much(plan, self._merged, faults=faults, share=self._policy.hold_share, first=first)
        counts = _counts(self._merged, plan)
        if self._asked.dry_run:
            return self._report("dry_run", plan, counts, held=held)
        if held and not _is_accepted(plan.digest, self._asked.accept):
            await self._end(plan.digest, counts, held=True, changed=False)
            return self._report("held", plan, counts, held=True)
        counts |= await self._write(plan)
        await self._end(lists_digest, counts, held=False, changed=not plan.empty, digest=plan.digest)
        return self._report("applied", plan, counts, held=held)

    async def _anything_missing(self) -> bool:
        """Time alone may close an agency."""
        return bool(await self._readers.fetch("catalogue_find_missing", (self._endpoint.id,)))

    async def _read(self) -> None:
        pace = Pace()
        async for entries in self._catalogue.entries():
            for entry in entries:
                self._merged.take(entry)
            self._progress("read", self._merged.entries, 0)
            await pace.step()
        for _ in self._merged.finish():
            await pace.step()
        if not self._merged.agencies:
            raise SourceError("peer_reply_invalid", "the catalogue names no agency")

    async def _planned(self) -> Plan:
        self._progress("compare", 0, len(self._merged.agencies))
        planner = Planner(
            self._readers,
            self._endpoint.id,
            self._merged,
            now=self._asked.now,
            close_after=self._policy.close_after,
        )
        return await planner.make()

    async def _write(self, plan: Plan) -> dict[str, int]:
        writer = CatalogueWriter(
            self._pump,
            self._readers,
            self._endpoint,
            self._merged,
            plan,
            now=self._asked.now,
            actor=self._asked.actor,
            progress=self._progress,
        )
        try:
            await writer.write()
        finally:
            await self._directory.reload()
        return {"created": writer.created, "changed": writer.changed, "closed": writer.closed}

    async def _end(
        self, digest_kept: str, counts: dict[str, int], *, held: bool, changed: bool, digest: str = ""
    ) -> None:
        facts: dict[str, object] = {"endpoint": self._endpoint.id, "digest": digest or digest_kept, **counts}
        if self._asked.accept and not held:
            facts["accepted"] = True
        await self._pump.submit(
            _END,
            EndSync(
                endpoint_id=self._endpoint.id,
                held=held,
                digest=digest_kept,
                counts=counts,
                facts=facts,
                changed=changed,
                actor=self._asked.actor,
                now=self._asked.now,
                why=self._asked.why,
            ),
        )

    def _report(
        self, outcome: Literal["applied", "held", "dry_run"], plan: Plan, counts: dict[str, int], *, held: bool
    ) -> SyncReport:
        problems = self._merged.problems
        return SyncReport(
            channel=self._endpoint.name,
            outcome=outcome,
            digest=plan.digest,
            held=held,
            counts=counts,
            problems=dict(problems.counts),
            examples=tuple(problems.shown),
            samples=_samples(self._merged, plan),
        )


def _is_accepted(digest: str, accept: str) -> bool:
    return len(accept) >= SHORT_DIGEST and digest.startswith(accept)


def _counts(merged: Merged, plan: Plan) -> dict[str, int]:
    return {
        "entries": merged.entries,
        "agencies": len(merged.agencies),
        "known": plan.living,
        "created": len(plan.created),
        "changed": len(plan.changed),
        "closed": len(plan.closed),
        "missing": len(plan.missing),
        "returned": len(plan.returned),
        "unchanged": plan.unchanged,
        "kept": plan.kept,
        "refused": merged.problems.total,
    }


def _samples(merged: Merged, plan: Plan) -> dict[str, list[str]]:
    def named(place: int) -> str:
        agency = merged.agencies[place]
        return f"{agency.codes[0]} {agency.name}".strip()

    return {
        "created": [named(place) for place in plan.created[:_SHOWN]],
        "changed": [named(place) for place, _ in plan.changed[:_SHOWN]],
        "closed": [known.code for _, known in plan.closed[:_SHOWN]],
        "missing": [known.code for known in plan.missing[:_SHOWN]],
    }


def _silent(_doing: str, _done: int, _total: int) -> None:
    """No progress is shown."""

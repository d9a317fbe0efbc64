"""Makes a month of the ledger into one file (`gateway.bundle.archive`), a portion at a time.

1. Which leaves: from the one after the closing of the day before the month, to the closing of its last day. All of
   its days are closed, and the last closing is under a checkpoint.
2. Under which checkpoint: chosen as for a bundle (`gateway.evidence.proving`).
3. The parts, each streamed from the ledger into the container; then what proves that they are the log's.

The file is sealed and recorded by whoever asked. Nothing is taken out of the ledger. Hashing and writing go on in a
thread, portion by portion, so that neither the event loop nor the pump is held up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from gateway import __version__
from gateway.bundle import archive as shapes
from gateway.bundle import format as layout
from gateway.bundle.container import ContainerWriter
from gateway.clock import rfc3339
from gateway.errors import RefusedError
from gateway.evidence.gathering import Sources, log_facts, stamp_facts
from gateway.evidence.proving import proved_leaves
from gateway.ledger.archives import ArchiveReads, Portion, Span
from gateway.ledger.institution import CheckpointSignatures
from gateway.ledger.registers import ClosedDay, RegisterReads
from gateway.ledger.tree import LogReads, StoredCheckpoint
from gateway.seal.writer import SealedEntry

ONE_DAY: Final = timedelta(days=1)
#: Called with the part under way, what is done of it and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """A calendar month of Vietnam."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read `2026-10`; RefusedError for anything else."""
        try:
            day = date.fromisoformat(f"{text}-01")
        except ValueError as error:
            raise RefusedError("parameter_invalid", f"{text[:20]} is no month such as 2026-10") from error
        return cls.of(day)

    @classmethod
    def of(cls, day: date) -> Month:
        """That of a day."""
        return cls(year=day.year, number=day.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next.first - ONE_DAY

    @property
    def next(self) -> Month:
        """The month after."""
        return Month.of(self.first + 31 * ONE_DAY)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What an archive will hold."""

    #: Of the month, 2026-10; or `final`.
    name: str
    span: Span
    #: Day, closing leaf, secret.
    days: Sequence[tuple[date, int, bytes]]
    checkpoint: StoredCheckpoint
    root: bytes


async def plan_month(sources: Sources, month: Month) -> Plan:
    """Steps 1 and 2; RefusedError while the month is not over, not closed, or under no checkpoint."""
    registers = RegisterReads(sources.readers)
    log = LogReads(sources.readers, quorum=sources.quorum)
    closed = [day for day, _ in await registers.days(month.first, month.last)]
    await _require_whole(registers, month, closed)
    before = [day for day in await registers.up_to(month.first - ONE_DAY) if day.day < month.first]
    leaves = [await log.index_of(each.seq) for each in closed]
    last = closed[-1]
    event = await sources.readers.fetch_one("event_read_leaf", (last.seq,))
    assert event is not None, "written in the transaction of its day"
    signatures = CheckpointSignatures(sources.readers)
    _, checkpoint, pending = await proved_leaves(log, [(last.seq, bytes(event[0]))], signatures)
    if pending or checkpoint is None or None in leaves:
        raise RefusedError("proof_pending", f"the closing of {last.day}")
    indices = [index for index in leaves if index is not None]
    begin = await log.index_of(before[0].seq) if before else -1
    assert begin is not None, "an older leaf than one that is"
    span = Span(after=before[0].seq if before else 0, until=last.seq, first=begin + 1, end=indices[-1] + 1)
    return Plan(
        name=str(month),
        span=span,
        days=[(day.day, index, day.seed) for day, index in zip(closed, indices, strict=True)],
        checkpoint=checkpoint,
        root=await log.root_at(span.end),
    )


async def plan_rest(sources: Sources, name: str, after: Plan | None) -> Plan:
    """Everything behind an archive, up to the last leaf, which the newest checkpoint is over: a log has ended."""
    log, registers = LogReads(sources.readers, quorum=sources.quorum), RegisterReads(sources.readers)
    tree, latest = await log.tree(), await log.latest()
    if latest is None or latest.size != tree.size:
        raise RefusedError("proof_pending", f"{tree.size} leaves, the newest checkpoint is not over all of them")
    since = after.days[-1][0] + ONE_DAY if after else date.min
    closed = [day for day, _ in await registers.days(since, date.max)]
    days = [(day.day, await log.index_of(day.seq) or 0, day.seed) for day in closed]
    first, begin = (after.span.end, after.span.until) if after else (0, 0)
    span = Span(after=begin, until=tree.seq, first=first, end=tree.size)
    return Plan(name=name, span=span, days=days, checkpoint=latest, root=tree.root)


async def _require_whole(registers: RegisterReads, month: Month, closed: Sequence[ClosedDay]) -> None:
    """Every day of the month is closed; the ledger may have begun in its middle."""
    if not closed or closed[-1].day != month.last:
        raise RefusedError("register_open", month.last.isoformat())
    expected = closed[0].day
    earlier = [day for day in await registers.up_to(month.first - ONE_DAY) if day.day < month.first]
    if earlier and expected != month.first:
        raise RefusedError("register_open", month.first.isoformat())
    for day in closed:
        if day.day != expected:
            raise RefusedError("register_open", expected.isoformat())
        expected += ONE_DAY


async def write_month(
    sources: Sources,
    plan: Plan,
    writer: ContainerWriter,
    *,
    actor: str,
    now: datetime,
    is_lasting: bool,
    progress: Progress,
) -> list[SealedEntry]:
    """Step 3; what is to be sealed."""
    reads, log = ArchiveReads(sources.readers), LogReads(sources.readers)
    span, sealed, lines = plan.span, list[SealedEntry](), dict[str, int]()
    for name, portions in _parts(reads, plan).items():
        entry, lines[name] = await _part(writer, name, portions, span, progress)
        sealed.append(entry)
    log_told = await log_facts(sources, plan.checkpoint)
    assert log_told is not None, "there is a checkpoint"
    frontier = await log.frontier_at(span.first)
    facts = shapes.Archive(
        made_at=rfc3339(now),
        made_by=actor,
        gateway=sources.gateway,
        program=__version__,
        month=plan.name,
        days=(plan.days[0][0].isoformat(), plan.days[-1][0].isoformat()) if plan.days else ("", ""),
        first=span.first,
        until=span.end,
        before=[each.hex() for each in frontier.hashes],
        root=plan.root.hex(),
        consistency=[each.hex() for each in await log.consistency(span.end, plan.checkpoint.size)],
        log=log_told,
        stamps=stamp_facts(plan.checkpoint),
        lines=lines,
        lasting=is_lasting,
        entries={},
    )
    files = await _files(sources, plan.checkpoint)
    return await asyncio.to_thread(
        shapes.compose_end, writer, facts, sealed, {layout.README: shapes.readme(facts), **files}
    )


def _parts(reads: ArchiveReads, plan: Plan) -> Mapping[str, AsyncIterator[Portion]]:
    """In the order of the file; answers after the reports that rest on them."""
    span = plan.span
    return {
        layout.LEAVES: reads.leaves(span),
        layout.RECEIPTS: reads.receipts(span),
        layout.RECEIPT_STAMPS: reads.receipt_stamps(span),
        layout.VERDICTS: reads.reports(span),
        layout.PROOFS: reads.proofs(span),
        layout.REGISTERS: reads.registers(span, plan.days),
        layout.CHECKPOINTS: reads.checkpoints(span),
        layout.RENEWALS: reads.renewals(span),
        layout.ANSWERS: reads.revocations(span),
        layout.AGENCIES: reads.agencies(span),
        layout.CERTIFICATES: reads.certificates(span),
    }


async def _part(
    writer: ContainerWriter, name: str, portions: AsyncIterator[Portion], span: Span, progress: Progress
) -> tuple[SealedEntry, int]:
    count, total, part = 0, span.end - span.first, name.removeprefix("archive/").removesuffix(".jsonl")
    with writer.entry(name) as entry:
        async for lines, upto in portions:
            count += len(lines)
            await asyncio.to_thread(entry.write, b"".join(lines))
            progress(part, max(0, min(upto - span.first, total)), total)
    digest = entry.digest.digest()
    return SealedEntry(name=name, sha256=digest, media_type=layout.media_type_of(name)), count


async def _files(sources: Sources, checkpoint: StoredCheckpoint) -> dict[str, bytes]:
    """The archive's own checkpoint with what others added."""
    found = {layout.CHECKPOINT: checkpoint.note}
    signature = await CheckpointSignatures(sources.readers).of(checkpoint.size)
    if signature is not None:
        found[layout.INSTITUTION] = signature.cms
    return found | {f"evidence/stamps/{number}.tsr": each.token for number, each in enumerate(checkpoint.stamps)}

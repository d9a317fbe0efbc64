"""A ledger ends and goes to its successor; a ledger of another gateway is taken over. The server is not running.

Making:
1. What is open is written down; the event `ledger.ended`, which names successor and digest of that list, is the
   last one. Where a run broke off behind it, the same event is gone on from.
2. The final checkpoint is signed, stamped and, as far as witnesses answer, cosigned.
3. Archives of every month and of the rest, which records nothing; on request a copy of the data folder.
4. The data folder is marked `ENDING`: from here on a handover may stand, and nothing opens the folder but a
   run that goes on from here. Then `log.ended` beside the log's mark, which keeps backups of before from being
   opened, also where the folder is lost now; then `handover.json`; then `ENDED`: it is never opened again.

Taking: everything is verified before anything is taken; archives are copied below the data folder, read-only;
their documents are entered so that a person finds them; the event `ledger.taken` makes the foreign log's final
checkpoint a leaf of ours. Broken off before that event, nothing was taken: it is done again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from gateway import __version__
from gateway.admin.export import sources_of, written
from gateway.admin.log import log_key
from gateway.bundle import archive as archive_shapes
from gateway.bundle import handover as shapes
from gateway.bundle.container import Container
from gateway.bundle.format import RECEIPTS
from gateway.clock import rfc3339
from gateway.errors import LogRefusedError, RefusedError
from gateway.events import Event
from gateway.evidence.archiving import Month, Plan, plan_month, plan_rest, write_month
from gateway.foundation import ENDED, ENDING, Foundation, end_of
from gateway.fsio import atomic_replace, make_private_dir, write_durably
from gateway.ledger.archives import ArchiveReads
from gateway.ledger.handovers import (
    ForeignDocument,
    HandoverReads,
    KeepForeignDocuments,
    TakeLedger,
    TakeLedgerOperation,
)
from gateway.ledger.history import EventRow, RecordEvents
from gateway.ledger.registers import RegisterReads
from gateway.ledger.tree import LogReads
from gateway.maintenance import evidence
from gateway.maintenance.archiver import file_name, put
from gateway.observe import Metrics
from gateway.signing import SealingKey
from gateway.transparency.keys import of_epoch
from gateway.transparency.registers import number_text

_PORTION: Final = 500
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """What is asked for."""

    #: Code of the successor's agency.
    successor: str
    out: Path
    actor: str
    note: str
    #: Name of the copy below `copy/` that the caller makes; "" for none.
    make_copy: Callable[[], str]


async def end_ledger(base: Foundation, key: SealingKey, ask: Ending, progress: Progress) -> shapes.Handover:
    """All four steps; RefusedError where the log cannot be signed, or the folder holds a handover."""
    successor = (await base.directory.require(ask.successor, base.clock.now())).organ_id
    mark = base.settings.storage.folder / ENDING
    is_ending = await asyncio.to_thread(_goes_on, mark, ask, successor)
    if (ask.out / shapes.HANDOVER).exists():
        if not is_ending:
            raise RefusedError("state_forbids", f"{ask.out} holds a handover already")
        facts = await _found(base, ask, successor)
    else:
        facts = await _facts(base, key, ask, successor, progress)
        atomic_replace(mark, f"{successor} {ask.out.absolute()}\n".encode())  # 4
        begun = (
            f"being handed over to {successor} in {ask.out.absolute()}; without a handover.json there it was not\n"
        )
        atomic_replace(end_of(base.settings.log), begun.encode(), 0o644)
        write_durably(ask.out / shapes.HANDOVER, shapes.written(facts), 0o400)
    told = f"{facts.made_at} handed over to {successor}: {facts.size} leaves of {facts.origin}\n"
    atomic_replace(end_of(base.settings.log), told.encode(), 0o644)
    atomic_replace(mark.with_name(ENDED), told.encode())
    mark.unlink()
    return facts


def _goes_on(mark: Path, ask: Ending, successor: str) -> bool:
    """Whether a run broke off at step 4; RefusedError where another ledger's end than that one's is asked for."""
    if not mark.exists():
        return False
    code, _, place = mark.read_text().rstrip("\n").partition(" ")
    if code != successor:
        raise RefusedError("state_forbids", f"it may have been handed over to {code} already, in {place}")
    if Path(place) != ask.out.absolute() and (Path(place) / shapes.HANDOVER).exists():
        raise RefusedError("state_forbids", f"{place} holds its handover already: run it with --out {place}")
    return True


async def _found(base: Foundation, ask: Ending, successor: str) -> shapes.Handover:
    """What a run wrote that then broke off; RefusedError where it is not the handover of this ledger as it is."""
    facts = shapes.read(await asyncio.to_thread((ask.out / shapes.HANDOVER).read_bytes))
    tree = await LogReads(base.readers).tree()
    origin = log_key(base.settings.log).name
    if (facts.successor, facts.origin, facts.size, facts.root) != (successor, origin, tree.size, tree.root.hex()):
        raise RefusedError("state_forbids", f"{ask.out} holds the handover of something else")
    return facts


async def _facts(
    base: Foundation, key: SealingKey, ask: Ending, successor: str, progress: Progress
) -> shapes.Handover:
    """Steps 1 to 3, and what is then to be said of them."""
    make_private_dir(ask.out)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        institution = evidence.institution_signer(stack, base, metrics)
        await institution.run_once()  # with the first signature its key is recorded, which is to be before the end
        count = await _end(base, ask, successor)  # 1
        await _sign(base, key, metrics)  # 2
        await institution.run_once()
    files = [each async for each in _archives(base, key, ask, progress)]  # 3
    copy = await asyncio.to_thread(ask.make_copy)
    log = LogReads(base.readers)
    tree, settings = await log.tree(), base.settings
    vkey = of_epoch(log_key(settings.log), tree.epoch)
    vkeys = "".join(f"{of_epoch(vkey, each)}\n" for each in range(1, tree.epoch + 1))
    atomic_replace(ask.out / shapes.VKEYS, vkeys.encode(), 0o644)
    return shapes.Handover(
        made_at=rfc3339(base.clock.now()),
        made_by=ask.actor,
        program=__version__,
        gateway=settings.seal.organ_id,
        successor=successor,
        origin=vkey.name,
        size=tree.size,
        root=tree.root.hex(),
        archives=files,
        open=count,
        copy=copy,
    )


async def _end(base: Foundation, ask: Ending, code: str) -> int:
    """Step 1; how many deliveries are open."""
    reads, lines = HandoverReads(base.readers), list[bytes]()
    async for portion in reads.open_deliveries():
        lines += [msgspec.json.encode(each) + b"\n" for each in portion]
    whole = b"".join(lines)
    atomic_replace(ask.out / shapes.OPEN, whole, 0o400)
    facts: dict[str, object] = {
        "successor": code,
        "open": len(lines),
        "open_sha256": sha256(whole).hexdigest(),
    }
    last = await reads.last_event()
    if last is None or last[1] != Event.LEDGER_ENDED or json.loads(last[2])["facts"] != facts:
        row = EventRow(kind=Event.LEDGER_ENDED, at=base.clock.now(), actor=ask.actor, facts=facts, note=ask.note)
        await base.pump.submit(RecordEvents(), row)
    return len(lines)


async def _sign(base: Foundation, key: SealingKey, metrics: Metrics) -> None:
    """Step 2, but for the institution's signature."""
    checkpointer = evidence.checkpointer(base, key, metrics)
    await checkpointer.run_once()
    if checkpointer.refusal is not None:
        raise RefusedError("proof_pending", str(checkpointer.refusal)) from LogRefusedError(
            checkpointer.refusal.code, checkpointer.refusal.detail
        )
    await evidence.stampers(base, metrics)[0].run_once()
    await evidence.witnessing(base, metrics).run_once()


async def _plans(base: Foundation) -> list[Plan]:
    sources = await sources_of(base)
    first, last = await ArchiveReads(base.readers).first_day(), await RegisterReads(base.readers).last(1)
    plans = list[Plan]()
    if first is not None:
        month = Month.of(first)
        while month.last <= last[0].day:
            plans.append(await plan_month(sources, month))
            month = month.next
    return [*plans, await plan_rest(sources, "final", plans[-1] if plans else None)]


async def _archives(
    base: Foundation, key: SealingKey, ask: Ending, progress: Progress
) -> AsyncIterator[shapes.HandedFile]:
    """Step 3."""
    sources, now = await sources_of(base), base.clock.now()
    is_lasting = bool(base.settings.stamps.servers)
    for plan in await _plans(base):
        name = shapes.FINAL if plan.name == "final" else file_name(Month.parse(plan.name))

        async def keep(file: BinaryIO, name: str = name) -> None:
            await asyncio.to_thread(put, file, ask.out / name)

        composing = partial(
            write_month, sources, plan, actor=ask.actor, now=now, is_lasting=is_lasting, progress=progress
        )
        event = EventRow(kind=Event.ARCHIVE_MADE, at=now, actor=ask.actor)
        async with written(base, key, composing, event, is_lta=is_lasting, is_recorded=False, keep=keep) as file:
            digest = await asyncio.to_thread(_digest, file)
        yield shapes.HandedFile(name=name, sha256=digest, first=plan.span.first, until=plan.span.end)


async def take_ledger(
    base: Foundation, folder: Path, facts: shapes.Handover, *, actor: str, note: str, progress: Progress
) -> Path:
    """Take over what was verified; where it lies. RefusedError for one that is not for us, or was taken before."""
    own = base.settings.seal.organ_id
    if facts.successor != own:
        raise RefusedError("state_forbids", f"it was handed over to {facts.successor}, this is {own or 'nobody'}")
    reads = HandoverReads(base.readers)
    if facts.origin in {each["origin"] for each in await reads.ledgers()}:
        raise RefusedError("state_forbids", f"{facts.origin} was taken over before")
    name = "".join(each if each.isalnum() or each in ".-" else "_" for each in facts.origin)
    place = base.settings.storage.folder / shapes.FOREIGN / name
    files = await asyncio.to_thread(_copy, folder, place, facts)
    for number, each in enumerate(facts.archives):
        progress("documents", number, len(facts.archives))
        for portion in _documents(place / each.name, facts.origin):
            await base.pump.submit(KeepForeignDocuments(), portion)
    taken = TakeLedger(
        origin=facts.origin,
        gateway=facts.gateway,
        size=facts.size,
        root=facts.root,
        folder=f"{shapes.FOREIGN}/{name}",
        files=files,
        now=base.clock.now(),
        actor=actor,
        note=note,
    )
    await base.pump.submit(TakeLedgerOperation(), taken)
    return place


def _copy(folder: Path, place: Path, facts: shapes.Handover) -> list[shapes.TakenFile]:
    """What now lies there; RefusedError where it is not what was verified: its medium reads otherwise each time."""
    make_private_dir(place)
    due, found = {each.name: each.sha256 for each in facts.archives}, list[shapes.TakenFile]()
    for name in (*due, shapes.OPEN, shapes.VKEYS, shapes.HANDOVER):
        with (folder / name).open("rb") as file:
            put(file, place / name)
        with (place / name).open("rb") as file:
            digest = _digest(file)
        if due.get(name, digest) != digest:
            raise RefusedError("bundle_unfit", f"{name} is not the file that was verified")
        found.append(shapes.TakenFile(name=name, size=(place / name).stat().st_size, sha256=digest))
    return found


def _documents(path: Path, origin: str) -> Iterator[list[ForeignDocument]]:
    """The acceptances of an archive, a portion at a time."""
    portion = list[ForeignDocument]()
    for line in archive_shapes.lines_of(Container.open(path), RECEIPTS):
        found = msgspec.json.decode(line, type=archive_shapes.Receipt)
        transfer = json.loads(found.transfer)
        portion.append(
            ForeignDocument(
                origin=origin,
                leaf=found.leaf,
                file=path.name,
                message=found.message,
                document_ref=str(transfer.get("document_id", "")),
                number=number_text(found.number, found.notation),
            )
        )
        if len(portion) == _PORTION:
            yield portion
            portion = []
    yield portion


def _digest(file: BinaryIO) -> str:
    found = sha256()
    file.seek(0)
    while piece := file.read(1 << 20):
        found.update(piece)
    return found.hexdigest()

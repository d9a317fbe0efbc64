"""What closing a day costs: python -m benchmarks.registers [--documents 60000] [--agencies 145] [--folder DIR].

A ledger is filled with a day's documents by the operation that acceptance uses: each agency sends its share, one in
a thousand goes to all of them, the others to one. Then the day is closed as the duty does it, while something is
submitted to the pump again and again and the event loop's longest pause is watched. Last, a proof of absence is
gathered of the agency that sent most, and the registers are made again as `gateway fsck` does.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from gateway import loop
from gateway.clock import VIETNAM, SystemClock
from gateway.evidence.absences import Asked, shown_registers
from gateway.evidence.registering import Window, worked_out
from gateway.evidence.sequencer import Sequencer
from gateway.foundation import load_statements
from gateway.ledger.record import RecordMessage
from gateway.ledger.registers import RegisterReads
from gateway.ledger.rows import DeliveryRow, DispatchRow, MessageRow, NewMessage, ReceiptRow
from gateway.maintenance.registrar import Registrar
from gateway.model import Agency, AgencyId, OrganId
from gateway.observe import Metrics
from gateway.storage.migrations import migrate
from gateway.storage.pump import Pump, Transaction
from gateway.storage.readers import Readers
from gateway.storage.sqlite import Writer, connect_writer
from gateway.transparency.registers import Line

_DAY = date(2026, 11, 22)
_START = datetime(2026, 11, 22, 8, tzinfo=VIETNAM).astimezone(UTC)
_AT_ONCE = 200
_CIRCULAR_EVERY = 1000
_PAUSE = 0.005


class _Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.at, self.gone = _START, 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.gone


class _Agencies:
    """The offices, and the channel that reaches them; the payload is how many."""

    name = "fill_agencies"

    async def apply(self, tx: Transaction, payloads: Sequence[int]) -> Sequence[None]:
        """Insert them."""
        for count in payloads:
            channel = {"id": "push", "name": "push", "kind": "loopback", "settings": "{}", "capabilities": "{}"}
            await tx.fetch("endpoint_upsert_configuration", channel | {"is_relay": 0})
            more = (None, "push", "{}", 0, None, None, 0, None, 0)
            rows = [(f"agency-{number:04d}", "commune", *more) for number in range(count)]
            await tx.execute_many("agency_insert_new", rows)
        return [None] * len(payloads)


def document(number: int, agencies: int) -> NewMessage:
    """One of the day's."""
    key, at = f"document-{number:08d}", _START + number * timedelta(milliseconds=500)
    sender = number % agencies
    others = [each for each in range(agencies) if each != sender]
    chosen = others if number % _CIRCULAR_EVERY == 0 else [others[number % len(others)]]
    row = MessageRow(
        id=key, kind="document", sha256=sha256(key.encode()).hexdigest(), size=1, sender_id=f"agency-{sender:04d}",
        sender_code="", business_type="0", document_ref=key, code_number=str(number), code_notation="UBND-VP",
        promulgated_on=None, subject="", subject_folded="", priority=0, content_key=key, fingerprint=key,
        original_id=None, arrived_by=None, caller="{}", envelope="{}", findings="[]", directory_version=1,
        trace_id="0" * 32, sandbox=False, received_at=at, accepted_at=at,
    )  # fmt: skip
    dispatch = DispatchRow(
        id=f"{key}>", message_id=key, endpoint_id="push", recipient_id=None, state="ready", lane=2, after_id=None,
        created_at=at, due_at=at, give_up_at=at,
    )  # fmt: skip
    lines = tuple(
        DeliveryRow(
            id=f"{key}/{each}", message_id=key, recipient_id=f"agency-{each:04d}", recipient_code="",
            endpoint_id="push", dispatch_id=dispatch.id, expects_status=True, in_inbox=False, created_at=at,
        )
        for each in chosen
    )  # fmt: skip
    receipt = ReceiptRow(transfer=bytes(500), xades=bytes(3000), sha256="0" * 64, answer=b"{}")
    return NewMessage(
        message=row, receipt=receipt, dispatches=(dispatch,), deliveries=lines, actor="agency:benchmark"
    )


@dataclass
class Watched:
    """What others felt meanwhile."""

    pump: Pump
    pauses: list[float] = field(default_factory=lambda: [0.0])
    waits: list[float] = field(default_factory=lambda: [0.0])
    done: bool = False

    async def loop(self) -> None:
        """The event loop's pauses."""
        while not self.done:
            began = time.perf_counter()
            await asyncio.sleep(_PAUSE)
            self.pauses.append(time.perf_counter() - began - _PAUSE)

    async def write(self, agencies: int, first: int) -> None:
        """Acceptances beside it."""
        record, number = RecordMessage(), first
        while not self.done:
            number += 1
            item = document(number * _CIRCULAR_EVERY + 1, agencies)
            began = time.perf_counter()
            await self.pump.submit(record, item)
            self.waits.append(time.perf_counter() - began)
            await asyncio.sleep(_PAUSE)

    def told(self) -> str:
        """In one line."""
        self.pauses.sort()
        self.waits.sort()
        middle = self.waits[len(self.waits) // 2] * 1e3
        return (
            f"event loop p99 {_at(self.pauses):.1f} ms, longest {self.pauses[-1] * 1e3:.0f} ms; "
            f"an acceptance's commit p50 {middle:.1f} ms, p99 {_at(self.waits):.1f} ms"
        )


async def measured(folder: Path, documents: int, agencies: int) -> None:
    """Fill, close, prove; print."""
    async with AsyncExitStack() as stack:
        writer: Writer = await connect_writer(folder / "day.db")
        stack.push_async_callback(writer.close)
        await migrate(writer)
        statements = load_statements()
        pump = Pump(writer, statements, clock=SystemClock())
        await pump.start()
        stack.push_async_callback(pump.close)
        readers = Readers(folder / "day.db", statements, count=2)
        await readers.start()
        stack.push_async_callback(readers.close)
        await pump.submit(_Agencies(), agencies)
        record = RecordMessage()
        began = time.perf_counter()
        for at in range(0, documents, _AT_ONCE):
            end = min(documents, at + _AT_ONCE)
            await asyncio.gather(*(pump.submit(record, document(each, agencies)) for each in range(at, end)))
        print(f"{documents} documents of {agencies} agencies recorded in {time.perf_counter() - began:.1f} s")
        await Sequencer(readers, pump).catch_up()
        await _closed(readers, pump, documents, agencies)
        await _proved(readers)


async def _closed(readers: Readers, pump: Pump, documents: int, agencies: int) -> None:
    clock, watched = _Clock(), Watched(pump)
    registrar = Registrar(readers, pump, clock=clock, metrics=Metrics())
    clock.at += timedelta(days=1)
    clock.gone += 86400.0
    tasks = [asyncio.create_task(watched.loop()), asyncio.create_task(watched.write(agencies, documents))]
    began, cpu = time.perf_counter(), time.process_time()
    await registrar.run_once()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    watched.done = True
    await asyncio.gather(*tasks)
    books = await RegisterReads(readers).books(_DAY)
    entries, size = sum(len(book.leaves) for book in books), sum(len(book.packed()) for book in books)
    print(
        f"closed: {len(books)} registers, {entries} entries in {took:.1f} s, {cpu:.1f} s of CPU with all that ran "
        f"beside, {cpu / entries * 1e6:.0f} us an entry; {size / 1e6:.1f} MB kept; {watched.told()}"
    )


async def _proved(readers: Readers) -> None:
    reads = RegisterReads(readers)
    ((day, _),) = await reads.days(_DAY, _DAY)
    began = time.perf_counter()
    window = Window.after([], _DAY, day.until_seq)
    await worked_out(reads, window, day.seed)
    print(f"made again, as fsck does: {time.perf_counter() - began:.1f} s")
    books = await reads.books(_DAY)
    book = max(books, key=lambda each: len(each.leaves))
    code = OrganId(book.agency)
    issuer = Agency(id=AgencyId(book.agency), organ_id=code, codes=(code,), name="", kind="commune")
    asked = Asked(issuer=issuer, recipient=None, number="0/NONE", first=_DAY, last=_DAY)
    began = time.perf_counter()
    lines: list[Line] = []
    async for portion in window.lines(reads, book.agency):
        lines += [each.line for each in portion]
    file = shown_registers(day, books, lines, asked)
    print(f"a day's file of {len(lines)} entries: {time.perf_counter() - began:.2f} s, {len(file) / 1e3:.0f} KB")


def _at(values: Sequence[float]) -> float:
    return values[len(values) * 99 // 100] * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--documents", type=int, default=60_000)
    parser.add_argument("--agencies", type=int, default=145)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="make the ledger on that disk")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        loop.run(measured(Path(folder), arguments.documents, arguments.agencies))


if __name__ == "__main__":
    main()

"""`gateway demo`: plays the re-enactment against a real gateway and says how it ended.

    1 set the stage: PKI, settings, directory of Kiên Giang, credentials
    2 start the simulators and the gateway, each a process of its own, over TLS on loopback
    3 play until every delivery is in its scripted state (with faults: kill the gateway twice meanwhile)
    4 compare the simulators' journals with the ledger
    5 export one document's evidence and have it verified offline
    6 leave something to be found in the console and stay up until Ctrl-C; then end, once witnesses have signed for
      all that happened: the last line of `--exit` is one JSON object

What somebody sends by hand while it stays up belongs to no script and is not counted. The exit code is 0 when
every delivery and status is as scripted, nothing is lost, nothing duplicated, and the evidence holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from gateway.clock import SystemClock
from gateway.errors import EnvironmentRefusedError
from gateway.fsio import write_durably
from gateway.simulate.aftermath import leave, mend
from gateway.simulate.evidence import Proven, proven, settle
from gateway.simulate.journal import read_journal
from gateway.simulate.performance import Performance
from gateway.simulate.plot import write_script
from gateway.simulate.province import GATEWAY, make_cast
from gateway.simulate.reckoning import LedgerDelivery, LedgerMessage, LedgerView, Reckoning, reckon
from gateway.simulate.sample import sample_document
from gateway.simulate.script import Script
from gateway.simulate.stage import Stage, set_stage
from gateway.simulate.standing import Standing, stand
from gateway.simulate.systems import all_systems
from gateway.simulate.table import Display
from gateway.simulate.welcome import access, steps
from gateway.simulate.witnesses import QUORUM
from gateway.states import State

_SHOWN = 40
#: A closed terminal counts too: the gateway itself takes a SIGHUP for a reload and would stay.
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: How long the last answers take to reach the simulators' journals while these go on.
_CALM_SECONDS = 1.0
#: How long the systems behind the axis may take to read what it has taken, and how often that is looked at.
_FAR_END_SECONDS = 120.0
_LOOK_SECONDS = 0.2
#: Of what is typed at once; only that something was counts.
_CALL_BYTES = 4096


class Result(msgspec.Struct, kw_only=True, frozen=True):
    """The last line of `--exit`. Counts of deliveries are of documents; statuses are counted apart."""

    recipients: int
    documents: int
    deliveries: int
    relayed: int
    delivered: int
    acknowledged: int
    refused: int
    withdrawn: int
    unread: int
    lost: int
    duplicated: int
    retransmitted: int
    statuses: int
    seconds: float
    #: What an auditor's verifier says of one document's bundle.
    evidence: str
    #: Witnesses whose cosignatures it found to hold.
    witnesses: int


async def run_demo(folder: Path, *, exit_after: bool, faults: bool) -> int:
    """The whole demo, in an absolute `folder`; the exit code: 3 when the machine does not let it run."""
    console = Console(soft_wrap=True)
    cast = make_cast()
    script = write_script(cast)
    try:
        console.print("Chuẩn bị / setting the stage …", highlight=False)
        stage = await set_stage(folder, cast, all_systems(cast, faults=faults))
    except EnvironmentRefusedError as error:
        console.print(str(error), style="red", markup=False)
        return 3
    display = Display(console)
    async with Performance(stage, script, display, faults=faults) as performance:
        loop = asyncio.get_running_loop()
        for number in _ENDS:
            loop.add_signal_handler(number, performance.interrupted.set)
        try:
            return await _perform(performance, stage, script, display, console, exit_after=exit_after)
        except (EnvironmentRefusedError, TimeoutError) as error:
            told = str(error) or "Quá lâu chưa xong / it took too long"
            console.print(told, style="red", markup=False)
            _print_tails(console, performance)
            return 1
        finally:
            for number in _ENDS:
                loop.remove_signal_handler(number)


async def _perform(
    performance: Performance, stage: Stage, script: Script, display: Display, console: Console, *, exit_after: bool
) -> int:
    with display:
        await performance.start()
        standing = await performance.play()
    is_as_scripted = performance.has_played_all and not standing.missing
    if not is_as_scripted:
        _print_account(console, performance.account(standing))
        _print_tails(console, performance)
    if not exit_after:
        await asyncio.sleep(_CALM_SECONDS)
    await _read_at_far_end(performance, stage, script)
    if exit_after:
        await performance.end_simulators()
    view = await performance.view()
    reckoning = _reckon(stage, script, view)
    for finding in reckoning.findings[:_SHOWN]:
        console.print(finding, style="red", markup=False, highlight=False)
    evidence = await proven(stage.layout, QUORUM)
    result = _result(stand(view, script, GATEWAY), reckoning, performance.seconds, evidence)
    if is_as_scripted and not exit_after:
        await _stay_up(performance, stage, script, console, result)
    await settle(stage.layout, QUORUM)
    await performance.end()
    if exit_after:
        console.file.write(msgspec.json.encode(result).decode() + "\n")
        console.file.flush()
    is_proven = evidence.verdict == "PASSED" and evidence.witnesses >= QUORUM
    return 0 if is_as_scripted and is_proven and not reckoning.lost and not reckoning.duplicated else 1


async def _stay_up(
    performance: Performance, stage: Stage, script: Script, console: Console, result: Result
) -> None:
    write_durably(stage.layout.sample, sample_document(script.cast, SystemClock().now()))
    _print_counts(console, result)
    found = await leave(stage, script.cast, performance)
    for line in (*access(stage, script.cast), *steps(stage, found)):
        console.print(line, markup=False, highlight=False)
    mended = asyncio.create_task(_mend_when_called(performance, stage, script, console))
    await performance.interrupted.wait()
    mended.cancel()


async def _mend_when_called(performance: Performance, stage: Stage, script: Script, console: Console) -> None:
    """Each line typed here is a telephone call to the office that fails; without a terminal nobody calls."""
    called, loop = asyncio.Event(), asyncio.get_running_loop()
    number = sys.stdin.fileno()

    def heed() -> None:
        try:
            line = os.read(number, _CALL_BYTES)
        except OSError:  # a job in the background may not read
            line = b""
        called.set() if line else loop.remove_reader(number)

    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    try:
        loop.add_reader(number, heed)
    except OSError:  # a file
        return
    try:
        while await called.wait():
            called.clear()
            name = await mend(stage, script.cast, performance)
            console.print(f"{name}: đã dọn ổ đĩa / made room on the disk", markup=False, highlight=False)
    finally:
        loop.remove_reader(number)


async def _read_at_far_end(performance: Performance, stage: Stage, script: Script) -> None:
    """What the axis has taken, the systems behind it read at their own pace; only then is anything counted."""
    with contextlib.suppress(TimeoutError):  # what is missing after that is lost, and counted so
        async with asyncio.timeout(_FAR_END_SECONDS):
            while _reckon(stage, script, await performance.view()).lost:  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(_LOOK_SECONDS)


def _reckon(stage: Stage, script: Script, view: LedgerView) -> Reckoning:
    never = {key for key, end in script.ends.items() if end.state in {State.REFUSED, State.WITHDRAWN, State.QUEUED}}

    def is_awaited(message: LedgerMessage, delivery: LedgerDelivery) -> bool:
        if message.kind == "status":
            return True
        send = script.find(message.document_ref, message.business_type)
        return send is None or (send.key, delivery.recipient_code) not in never

    journals = [read_journal(stage.journal(system)) for system in stage.systems]
    return reckon(journals, view, is_awaited=is_awaited, own_code=GATEWAY)


def _result(standing: Standing, reckoning: Reckoning, seconds: float, evidence: Proven) -> Result:
    states = standing.states
    return Result(
        recipients=standing.recipients,
        documents=standing.documents,
        deliveries=sum(states.values()),
        relayed=states[State.RELAYED],
        delivered=states[State.DELIVERED],
        acknowledged=states[State.ACKNOWLEDGED],
        refused=states[State.REFUSED],
        withdrawn=states[State.WITHDRAWN],
        unread=standing.unread,
        lost=reckoning.lost,
        duplicated=reckoning.duplicated,
        retransmitted=reckoning.retransmitted,
        statuses=standing.statuses,
        seconds=round(seconds, 1),
        evidence=evidence.verdict,
        witnesses=evidence.witnesses,
    )


def _print_account(console: Console, lines: list[str]) -> None:
    console.print("Chưa đúng kịch bản / not as scripted:", style="red")
    for line in lines[:_SHOWN]:
        console.print(f"  {line}", markup=False, highlight=False)
    if len(lines) > _SHOWN:
        console.print(f"  … {len(lines) - _SHOWN} dòng nữa / more lines", highlight=False)


def _print_tails(console: Console, performance: Performance) -> None:
    for name, tail in performance.tails():
        console.print(f"--- {name}", highlight=False)
        console.print(tail, markup=False, highlight=False)


def _print_counts(console: Console, result: Result) -> None:
    told = ", ".join(f"{name}: {value}" for name, value in msgspec.structs.asdict(result).items())
    console.print(told, markup=False, highlight=False)

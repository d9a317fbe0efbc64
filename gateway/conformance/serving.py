"""`gateway conformance serve`: the sandbox from its first key to the report.

    1 lay the sandbox out, start its gateway as a process of its own, and the test offices here
    2 tell how to get in
    3 until the end: look at ledger and inspector, judge the open steps, open the next ones
    4 stop everything, leave the report

At most `_OPEN` steps wait at a time, so that a developer is not drowned and a step that stays behind holds up no
other. On a terminal a table is kept up to date, and a step's name typed there skips it; elsewhere each change is a
line. What is not done in the end was skipped, what was done wrong and never right has failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import msgspec
from rich.console import Console

from gateway.admin.conformance_runs import PROGRESS
from gateway.clock import Clock, SystemClock
from gateway.conformance.checking import leave
from gateway.conformance.evidence import Evidence
from gateway.conformance.exposure import expose
from gateway.conformance.folders import own_folder
from gateway.conformance.offices import Crew, TestOffices
from gateway.conformance.placing import Pushed
from gateway.conformance.report import Report
from gateway.conformance.sandbox import VENDOR_ENDPOINT, VENDOR_NAME, Sandbox, lay_out
from gateway.conformance.showing import Board, show_access, show_exposure
from gateway.conformance.stepping import Step
from gateway.conformance.steps import steps_of
from gateway.conformance.verdicts import Grade, Result, Verdict, Words, failed, skipped
from gateway.errors import EnvironmentRefusedError, InputError
from gateway.fsio import atomic_replace
from gateway.pki import client_tls_context
from gateway.simulate.children import Child
from gateway.simulate.ledger import LedgerReader
from gateway.simulate.rest import Rest
from gateway.simulate.writing import Named

_OPEN: Final = 5
_LOOK_SECONDS: Final = 0.4
_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 15.0
_ENDS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOT_DONE: Final = skipped("Chưa làm", "Not done")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the command line asks for."""

    organ_id: str
    binding: str
    host: str
    networks: tuple[str, ...]
    port: int
    folder: Path | None
    receiver: str
    secret_file: Path | None
    anchors: Path | None
    seconds: float | None
    report: Path | None


@dataclass(kw_only=True, slots=True)
class Progress:
    """Where each step stands."""

    steps: tuple[Step, ...]
    open: dict[str, Step] = field(default_factory=dict)
    #: Passed, or skipped by the developer.
    over: dict[str, Verdict] = field(default_factory=dict)
    #: The last thing that was wrong with a step that is open.
    wrong: dict[str, Verdict] = field(default_factory=dict)

    def next_steps(self) -> list[Step]:
        """Those that may open now."""
        free = _OPEN - len(self.open)
        waiting = (step for step in self.steps if step.key not in self.over and step.key not in self.open)
        ready = (step for step in waiting if all(key in self.over for key in step.after))
        return [step for step, _ in zip(ready, range(free), strict=False)]

    def judge(self, evidence: Evidence) -> list[tuple[Step, Verdict]]:
        """What has changed."""
        changed = []
        for key, step in list(self.open.items()):
            verdict = step.judge(evidence, key)
            if verdict is None or verdict == self.wrong.get(key):
                continue
            if verdict.grade is Grade.PASSED:
                self.over[key] = verdict
                del self.open[key]
                self.wrong.pop(key, None)
            else:
                self.wrong[key] = verdict
            changed.append((step, verdict))
        return changed

    def skip(self, key: str) -> bool:
        """The developer does not want it; False for a step that is not open."""
        if self.open.pop(key, None) is None:
            return False
        self.over[key] = skipped("Bỏ qua theo yêu cầu", "Skipped by the developer")
        return True

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to wait for."""
        return len(self.over) == len(self.steps)

    def results(self) -> list[Result]:
        """As of now."""
        return [
            Result(
                key=step.key,
                title=step.title,
                asked=step.told(),
                verdict=self.over.get(step.key) or self.wrong.get(step.key) or _NOT_DONE,
                mend=step.mend,
            )
            for step in self.steps
        ]


async def serve(wanted: Wanted, console: Console) -> list[Result]:
    """The whole run; the results for the last line."""
    if wanted.binding == "webhook" and not wanted.receiver:
        raise InputError("--receiver: say where the sandbox pushes to, such as https://localhost:8443/receive")
    exposure = await expose(wanted.host, wanted.networks)
    clock = SystemClock()
    began = clock.now()
    pushed = Pushed(url=wanted.receiver, secret_file=wanted.secret_file, anchors=wanted.anchors)
    progress = Progress(steps=steps_of(wanted.binding))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    place = contextlib.nullcontext(wanted.folder.resolve()) if wanted.folder else own_folder()
    for number in _ENDS:
        loop.add_signal_handler(number, ended.set)
    try:
        with place as folder:
            console.print("Chuẩn bị môi trường thử / laying the sandbox out …", highlight=False)
            sandbox = await lay_out(
                folder,
                wanted.organ_id,
                exposure=exposure,
                port=wanted.port,
                pushed=pushed if wanted.receiver else None,
                binding=wanted.binding,
                clock=clock,
            )
            async with _reached(sandbox), _running(sandbox, ended) as gateway:
                if gateway is not None:
                    sandbox.open_for_scripts()
                    show_access(console, sandbox, wanted.binding)
                    show_exposure(console, exposure)
                    await _Session(sandbox, wanted, progress, console, clock, gateway, ended).run()
    finally:
        for number in _ENDS:
            loop.remove_signal_handler(number)
    results = progress.results()
    report = Report(
        subject=wanted.organ_id,
        binding=wanted.binding,
        began_at=began,
        ended_at=clock.now(),
        results=tuple(results),
    )
    leave(report, wanted.report or wanted.folder or Path(), console)
    return results


def _reached(sandbox: Sandbox) -> contextlib.AbstractAsyncContextManager[None]:
    """What the system and the gateway meet at."""
    return sandbox.place.served() if sandbox.place is not None else contextlib.nullcontext()


@contextlib.asynccontextmanager
async def _running(sandbox: Sandbox, ended: asyncio.Event) -> AsyncIterator[Child | None]:
    """The gateway, ready for requests; None where the run was ended before that."""
    if ended.is_set():
        yield None
        return
    arguments = ["gateway", "--config", str(sandbox.layout.config), "serve"]
    child = await Child.start("gateway", arguments, sandbox.layout.logs / "gateway.log")
    try:
        until = monotonic() + _START_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while not ended.is_set() and not await _is_ready(session, sandbox):
                if not child.is_running or monotonic() > until:
                    raise EnvironmentRefusedError(f"the sandbox's gateway did not start:\n{child.tail()}")
                await asyncio.sleep(_LOOK_SECONDS / 4)
        yield None if ended.is_set() else child
    finally:
        await child.stop(_STOP_SECONDS)


async def _is_ready(session: aiohttp.ClientSession, sandbox: Sandbox) -> bool:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
        async with session.get(f"{sandbox.operations_url}/readyz") as response:
            return response.status == 200  # noqa: PLR2004
    return False


class _Session:
    """From the first open step to the last."""

    def __init__(
        self,
        sandbox: Sandbox,
        wanted: Wanted,
        progress: Progress,
        console: Console,
        clock: Clock,
        gateway: Child,
        ended: asyncio.Event,
    ) -> None:
        self._sandbox, self._wanted, self._progress = sandbox, wanted, progress
        self._gateway, self._ended, self._clock = gateway, ended, clock
        self._board = Board(console, wanted.binding)
        self._reader = LedgerReader(sandbox.layout.database)
        self._requests: dict[str, Mapping[str, Any]] = {}
        self._crew = Crew()
        self._left = b""

    async def run(self) -> None:
        """Return when it is over."""
        vendor = Named(code=self._sandbox.organ_id, name=VENDOR_NAME)
        rest = Rest(self._sandbox.url, client_tls_context(self._sandbox.anchors), token=self._sandbox.offices_token)
        await self._reader.open()
        connector = aiohttp.UnixConnector(path=str(self._sandbox.admin_socket))
        try:
            async with aiohttp.ClientSession(connector=connector) as admin:
                offices = TestOffices(rest, vendor, self._clock, self._crew)
                self._crew.start(offices.run())
                with self._board, self._typed():
                    await self._until_over(offices, admin)
        finally:
            await self._crew.close()
            await self._reader.close()
            await rest.close()

    async def _until_over(self, offices: TestOffices, admin: aiohttp.ClientSession) -> None:
        progress = self._progress
        until = monotonic() + self._wanted.seconds if self._wanted.seconds is not None else None
        while not self._ended.is_set():
            evidence = await self._look(offices, admin)
            for step, verdict in progress.judge(evidence):
                self._board.judged(step, verdict)
            for key, done in offices.performed.items():
                if done.trouble and key in progress.open:
                    told = f"Đơn vị thử không gửi được: {done.trouble}"
                    progress.wrong[key] = failed(told, f"The test office could not send: {done.trouble}")
            while self._crew.troubles:
                told = self._crew.troubles.pop()
                self._board.said(Words(f"Lỗi của môi trường thử: {told}", f"A fault of the sandbox: {told}"))
            for step in progress.next_steps():
                progress.open[step.key] = step
                self._board.opened(step)
                if step.trick and self._sandbox.place is not None:
                    self._crew.start(self._sandbox.place.play(step.trick))
                if step.order is not None:
                    self._crew.start(offices.perform(step.key, step.order))
            self._board.show(progress.steps, progress.over, progress.open, progress.wrong)
            self._leave()
            if until is not None and (progress.is_over or monotonic() > until):
                return
            if not self._gateway.is_running:
                raise EnvironmentRefusedError(f"the sandbox's gateway ended by itself:\n{self._gateway.tail()}")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._ended.wait()

    def _leave(self) -> None:
        """Where each step stands, for whoever watches from elsewhere."""
        steps = [
            {"open": each.key in self._progress.open, **msgspec.to_builtins(each)}
            for each in self._progress.results()
        ]
        content = msgspec.json.encode(steps)
        if content != self._left:
            self._left = content
            atomic_replace(self._sandbox.layout.folder / PROGRESS, content)

    async def _look(self, offices: TestOffices, admin: aiohttp.ClientSession) -> Evidence:
        view, place = await self._reader.view(), self._sandbox.place
        await self._inspect(admin)
        if place is not None:
            view = await place.seen(view, self._sandbox.organ_id)
            self._heed(place.requests(await self._reader.offers(VENDOR_ENDPOINT)))
        return Evidence(
            vendor=self._sandbox.organ_id,
            view=view,
            requests=list(self._requests.values()),
            performed=offices.performed,
        )

    async def _inspect(self, admin: aiohttp.ClientSession) -> None:
        path = f"http://gateway/v1/inspect?agency={quote(self._sandbox.organ_id, safe='')}"
        with contextlib.suppress(aiohttp.ClientError, OSError, msgspec.DecodeError):
            async with admin.get(path) as response:
                found = msgspec.json.decode(await response.read(), type=dict[str, Any])
            self._heed(reversed(found.get("items", [])))

    def _heed(self, requests: Iterable[Mapping[str, Any]]) -> None:
        """The inspector keeps the last hundred only; what was seen once counts for the whole run.

        The newest word on it, though: of two that come together the gateway may take up the second first, which is
        known as a repetition then only when the first has been taken up.
        """
        for each in requests:
            key = f"{each['at']} {each['traceId']} {each['operation']}"
            if key not in self._requests:
                self._board.requested(each)
            self._requests[key] = each

    @contextlib.contextmanager
    def _typed(self) -> Any:
        """A step's name on the terminal skips it."""
        if not sys.stdin.isatty():
            yield
            return
        loop = asyncio.get_running_loop()

        def heed() -> None:
            line = sys.stdin.readline()
            if not line:
                loop.remove_reader(sys.stdin.fileno())
            elif self._progress.skip(line.strip()):
                self._board.said(Words(f"Bỏ qua {line.strip()}", f"{line.strip()} is skipped"))

        loop.add_reader(sys.stdin.fileno(), heed)
        try:
            yield
        finally:
            loop.remove_reader(sys.stdin.fileno())

"""Conformance runs that people start for an office: a sandbox of its own, in a process of its own.

It is `gateway conformance serve`, with its own keys, ledger, directory and test offices in a temporary folder;
nothing of this installation is known there, so nothing can leave to a real office. One run at a time; the last one
is kept until the next begins or the server ends, with it the run; what a server that crashed left of one goes at
the next start. That it began and ended, and who did that, is an event.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR
from typing import Annotated, Any, Final

import msgspec
import structlog
from msgspec import Meta

from gateway.admin.acts import Change
from gateway.errors import GatewayError, RefusedError
from gateway.events import Event
from gateway.foundation import Foundation
from gateway.ledger.history import EventRow, RecordEvents
from gateway.model import Agency

_log: Any = structlog.get_logger("gateway.admin")
#: Files that `gateway conformance serve` leaves: how the steps stand, how one gets in, what it came to.
PROGRESS, ACCESS, REPORT = "progress.json", "access.json", "report.html"
_SANDBOX: Final = "sandbox"
#: Whose run it is, as long as its end is not on record.
_OFFICE: Final = "office"
_MOST_SECRET: Final = 10_000
_STOP_SECONDS: Final = 20.0
_MOST_REPORT: Final = 4 * 1024 * 1024


class BeginRun(Change, kw_only=True):
    """A run for an office."""

    organ_id: Annotated[str, Meta(min_length=1, max_length=50)]
    #: As the command names it; it refuses what it does not know.
    binding: Annotated[str, Meta(pattern="^[a-z]{3,8}$")] = "rest"
    #: By which the vendor's machine reaches this one.
    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$")] = "localhost"
    #: From where the run's token and secret count.
    networks: Annotated[list[Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:/]{2,50}$")]], Meta(max_length=10)] = field(
        default_factory=list
    )
    #: Where the run pushes to, of a webhook.
    receiver: Annotated[str, Meta(pattern=r"^(https://[^\s]{1,400})?$")] = ""
    hours: Annotated[int, Meta(ge=1, le=12)] = 4


@dataclass(kw_only=True, eq=False)
class Run:
    """One of them."""

    office: Agency
    request: BeginRun
    actor: str
    began_at: datetime
    folder: Path
    ended_at: datetime | None = None
    #: Who ended it before its time.
    ended_by: str = ""
    #: How many steps passed, failed and were skipped; empty until it has ended in order.
    counts: Mapping[str, int] = field(default_factory=dict)
    #: The last lines of what it said, of a run that did not begin.
    fault: str = ""
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None

    @property
    def steps(self) -> list[Mapping[str, Any]]:
        """Where each step stands; none until the sandbox is laid out."""
        found: list[Mapping[str, Any]] = _read(self.folder / _SANDBOX / PROGRESS, [])
        return found

    @property
    def access(self) -> Mapping[str, str]:
        """How the vendor's system gets in, once somebody answers there; of files their text."""
        found: Mapping[str, str] = _read(self.folder / _SANDBOX / ACCESS, {})
        return {name.removesuffix("_file"): _text(value) for name, value in found.items()}

    @property
    def report(self) -> bytes:
        """The page for the vendor; empty while the run goes on."""
        with contextlib.suppress(OSError):
            return (self.folder / REPORT).read_bytes()[:_MOST_REPORT]
        return b""


class ConformanceRuns:
    """One per server."""

    def __init__(self) -> None:
        self._last: Run | None = None

    @property
    def last(self) -> Run | None:
        """The one that goes on, or went on last."""
        return self._last

    async def begin(self, base: Foundation, request: BeginRun, actor: str) -> Run:
        """Start it; RefusedError while another goes on."""
        now = base.clock.now()
        office = await base.directory.require(request.organ_id, now)
        if request.binding == "webhook" and not request.receiver:
            raise RefusedError("parameter_invalid", "receiver: say where the sandbox pushes to")
        # nothing is waited for from here until it is the last one: a form that was sent twice begins one
        if self._last is not None and self._last.ended_at is None:
            raise RefusedError("conformance_running")
        self._forget()
        folder = Path(tempfile.mkdtemp(prefix=_prefix(base)))
        run = self._last = Run(office=office, request=request, actor=actor, began_at=now, folder=folder)
        facts: dict[str, object] = {"agency": office.id, "binding": request.binding}
        event = EventRow(kind=Event.CONFORMANCE_BEGUN, at=now, actor=actor, facts=facts, note=request.reason)
        try:
            await base.pump.submit(RecordEvents(), event)
            (folder / _OFFICE).write_text(office.id)
            run.process = await _started(run)
        except BaseException:
            run.ended_at = now
            raise
        run.task = asyncio.create_task(_watch(base, run), name="conformance run")
        if run.ended_by:
            _terminate(run.process)
        return run

    async def stop(self, actor: str) -> None:
        """End the one that goes on; its report is left as it stands."""
        run = self._last
        if run is None or run.ended_at is not None:
            return
        run.ended_by = actor
        if run.process is None or run.task is None:
            return  # `begin` ends it
        _terminate(run.process)
        done, _ = await asyncio.wait([run.task], timeout=_STOP_SECONDS)
        if not done:
            with contextlib.suppress(ProcessLookupError):
                run.process.kill()
            await asyncio.wait([run.task])

    async def clean_up(self, base: Foundation) -> None:
        """End what a server that crashed left running, with its folder; its end is recorded now."""
        try:
            for folder in await asyncio.to_thread(_left, base):
                await asyncio.to_thread(end_all, folder)
                if office := await asyncio.to_thread(_office_of, folder):
                    event = EventRow(
                        kind=Event.CONFORMANCE_ENDED,
                        at=base.clock.now(),
                        actor="gateway",
                        facts={"agency": office},
                    )
                    await base.pump.submit(RecordEvents(), event)
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        except (GatewayError, OSError) as error:  # no reason not to start; the next start tries again
            _log.warning("conformance.left", exc_info=error)

    async def close(self) -> None:
        """The server ends."""
        await self.stop("gateway")
        if self._last is not None and self._last.task is not None:
            await asyncio.gather(self._last.task, return_exceptions=True)
        self._forget()

    def _forget(self) -> None:
        if self._last is not None:
            shutil.rmtree(self._last.folder, ignore_errors=True)
            self._last = None


def _prefix(base: Foundation) -> str:
    """Of the folders of this installation's runs; they hold sockets, whose paths must be short."""
    return f"gateway-run-{sha256(str(base.settings.storage.folder.resolve()).encode()).hexdigest()[:8]}-"


def _left(base: Foundation) -> list[Path]:
    """Folders of runs of a server that is no more; nobody else's, though anybody may make one there."""
    found = Path(tempfile.gettempdir()).glob(f"{_prefix(base)}*")
    return [each for each in found if (status := each.lstat()).st_uid == os.getuid() and S_ISDIR(status.st_mode)]


def _office_of(folder: Path) -> str:
    """Of a run whose end is not on record; else nothing."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (folder / _OFFICE).read_text()[:50]
    return ""


def end_all(folder: Path) -> None:
    """Whatever of a run is left: command and gateway have a session each, and know each other by the folder."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError, ValueError):
            _, module, name, *arguments = place.read_bytes().decode("utf-8", "replace").split("\0")[:50]
            if (module, name) == ("-m", "gateway") and any(f"{folder}/" in each for each in arguments):
                os.killpg(int(place.parent.name), signal.SIGKILL)


def _terminate(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()


async def _started(run: Run) -> asyncio.subprocess.Process:
    asked = run.request
    arguments = [
        "conformance",
        "serve",
        f"--as={run.office.organ_id}",
        f"--binding={asked.binding}",
        f"--host={asked.host}",
        *(f"--network={each}" for each in asked.networks),
        *([f"--receiver={asked.receiver}"] if asked.receiver else []),
        f"--folder={run.folder / _SANDBOX}",
        f"--report={run.folder}",
        f"--exit-after={timedelta(hours=asked.hours) // timedelta(seconds=1)}",
        "--json",
    ]
    with (run.folder / "said.log").open("wb") as said:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )


async def _watch(base: Foundation, run: Run) -> None:
    """Until it has ended; what it came to is recorded."""
    assert run.process is not None
    out, _ = await run.process.communicate()
    await asyncio.to_thread(end_all, run.folder)
    with contextlib.suppress(msgspec.DecodeError):
        run.counts = msgspec.json.decode(out, type=dict[str, int])
    if not run.counts:
        said = await asyncio.to_thread((run.folder / "said.log").read_bytes)
        run.fault = said[-2000:].decode("utf-8", "replace").strip() or f"exit code {run.process.returncode}"
    run.ended_at = base.clock.now()
    facts: dict[str, object] = {"agency": run.office.id, **run.counts}
    actor = run.ended_by or "gateway"
    event = EventRow(kind=Event.CONFORMANCE_ENDED, at=run.ended_at, actor=actor, facts=facts)
    await base.pump.submit(RecordEvents(), event)
    (run.folder / _OFFICE).unlink(missing_ok=True)


def _text(value: str) -> str:
    """Of a file of the sandbox what it holds."""
    if not value.startswith("/"):
        return value
    with contextlib.suppress(OSError, UnicodeDecodeError), Path(value).open("rb") as file:
        return file.read(_MOST_SECRET).decode().strip()
    return value


def _read(path: Path, otherwise: Any) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return otherwise

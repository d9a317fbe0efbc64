"""The three processes of a run: gateway, receivers, senders; what they cost by /proc; and their sure end.

All of them die with the runner, even if it is killed: the gateway by its parent-death signal, the other two
because their pipe closes.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from benchmarks.installation import Site
from benchmarks.receiver import receive
from benchmarks.sender import Sent, Target, send
from gateway.seal.trust import TrustPurpose

_TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_LOOPBACK = "127.0.0.1"
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_DELIVERED = re.compile(rb'^gateway_attempts_total\{outcome="delivered"\} (\S+)$', re.MULTILINE)
_STEP = re.compile(rb'^gateway_step_seconds_(sum|count)\{step="(\w+)"\} (\S+)$', re.MULTILINE)
_NOT_DELIVERED = re.compile(rb'^gateway_attempts_total\{outcome="(?!delivered)\w+"\} (\S+)$', re.MULTILINE)


class Served(Protocol):
    """An installation, as far as starting its gateway goes."""

    @property
    def config(self) -> Path:
        """Its configuration file."""
        ...

    @property
    def operations_port(self) -> int:
        """Where it tells how it is."""
        ...


class Gateway:
    """The gateway under test, with everything it starts."""

    def __init__(self, site: Served, process: subprocess.Popen[bytes]) -> None:
        self._site = site
        self._process = process

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far, those that have ended included."""
        return sum(_cpu_seconds(pid) for pid in self._pids())

    def cpu_by_process(self) -> dict[str, float]:
        """The same per process: the gateway itself, then what it started."""
        first, *others = self._pids()
        found = {"gateway": _cpu_seconds(first, with_ended=False)}
        return found | {f"{_name_of(pid)} {pid}": _cpu_seconds(pid) for pid in others}

    def pss_bytes(self) -> int:
        """Proportional set size of all its processes."""
        return pss_bytes_of(self._process.pid)

    def pss_by_process(self) -> dict[str, int]:
        """The same per process, by what its command line ends in."""
        return {f"{_name_of(pid)} {pid}": _pss_bytes(pid) for pid in self._pids()}

    def peak_bytes(self) -> int:
        """The most memory that the gateway's own process, without what it started, has had so far."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM:"))

    def open_files(self) -> int:
        """Descriptors of all its processes."""
        return sum(_descriptors(pid) for pid in self._pids())

    def delivered(self) -> int:
        """Transmissions whose delivery is committed, by its own metrics."""
        found = _DELIVERED.search(self._metrics())
        return int(float(found[1])) if found else 0

    def not_delivered(self) -> int:
        """Transmissions that came to anything else."""
        return sum(int(float(each)) for each in _NOT_DELIVERED.findall(self._metrics()))

    def steps(self) -> dict[str, tuple[float, float]]:
        """Seconds spent in each step of the journey so far, waiting included, and how often."""
        found: dict[str, dict[bytes, float]] = {}
        for kind, step, value in _STEP.findall(self._metrics()):
            found.setdefault(step.decode(), {})[kind] = float(value)
        return {step: (each[b"sum"], each[b"count"]) for step, each in found.items()}

    def _metrics(self) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._site.operations_port}/metrics", timeout=10) as found:
            data: bytes = found.read()
            return data

    def _pids(self) -> list[int]:
        return _with_descendants(self._process.pid)


class Worker:
    """A process of ours at the other end of a pipe."""

    def __init__(self, pipe: Connection, pid: int) -> None:
        self._pipe = pipe
        self._pid = pid

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return _cpu_seconds(self._pid)

    def ask(self, what: str, about: object = None) -> Any:
        """Of the receivers: what `Journal.answer` says."""
        self._pipe.send((what, about))
        return self._pipe.recv()

    def order(self, order: Any) -> None:
        """To the senders: a Load, or one document's bytes."""
        self._pipe.send(order)

    def hear(self, seconds: float) -> int | Sent | tuple[float, int, bytes] | None:
        """The senders' next word, or None when there is none so far."""
        found: int | Sent | tuple[float, int, bytes] | None = (
            self._pipe.recv() if self._pipe.poll(seconds) else None
        )
        return found


@contextmanager
def receivers(
    site: Site, host: str = _LOOPBACK, *, first: Callable[[], None] | None = None
) -> Iterator[tuple[Worker, int]]:
    """The receivers and their port; `first` is called in their process before anything else."""
    pair = site.pki.simulator("receiver")
    with _started(first, receive, pair.certificate, pair.key, host) as pipe:
        pid, port = pipe.recv()
        yield Worker(pipe, pid), port


@contextmanager
def senders(
    site: Site, host: str = _LOOPBACK, *, name: str = "province", first: Callable[[], None] | None = None
) -> Iterator[Worker]:
    """The senders, with the certificate of that name; `first` as above."""
    pair = site.pki.client(name)
    target = Target(
        host=host,
        port=site.port,
        anchors=site.pki.anchors(TrustPurpose.TLS) / "root.pem",
        certificate=pair.certificate,
        key=pair.key,
    )
    with _started(first, send, target) as pipe:
        yield Worker(pipe, pipe.recv())


@contextmanager
def gateway(site: Served, log: Path, *, profile: Path | None = None) -> Iterator[Gateway]:
    """The gateway, ready."""
    command = [sys.executable, "-m", "gateway", "--config", str(site.config), "serve"]
    if profile is not None:
        command = [sys.executable, "-m", "benchmarks.server", str(site.config), str(profile)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - the runner has one thread
        )
        try:
            found = Gateway(site, process)
            _wait_until_ready(site, process, log)
            yield found
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _started(first: Callable[[], None] | None, target: Any, *arguments: object) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(first, target, *arguments, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(5)
        process.kill()
        process.join()
        process.close()


def _run(first: Callable[[], None] | None, target: Any, *arguments: object) -> None:
    if first is not None:
        first()
    target(*arguments)


def _wait_until_ready(site: Served, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{site.operations_port}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the gateway did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _cpu_seconds(pid: int, *, with_ended: bool = True) -> float:
    """User and system time; of children that have ended too."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15] if with_ended else fields[11:13])) / _TICKS


def pss_bytes_of(pid: int) -> int:
    """Proportional set size of a process and of all that it started; 0 when it has ended."""
    return sum(map(_pss_bytes, _with_descendants(pid)))


def _with_descendants(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        found += _children(each)
    return found


def _pss_bytes(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def _descriptors(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _name_of(pid: int) -> str:
    """The module that a process of ours runs."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return "ended"
    modules = [word for word in words if word.startswith("gateway.")]
    return modules[0] if modules else "server" if "serve" in words else "parser"


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found

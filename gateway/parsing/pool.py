"""The processes that read foreign bytes.

Each worker has little memory, few files, no core dump, no secret in its environment, and dies with the
gateway. A task that kills its worker, runs out of memory or takes too long ends in a `PoolError` with facts
(`kind`, `task`, what is known); the others go on, and the worker is replaced. A task that a dying worker may
have swallowed unsaid is given out again. Tasks are therefore functions whose repetition does no harm, named by
module. A pool whose workers cannot even start fails what waits, and tries again with the next task.

No thread stands between the event loop and the workers: a task costs one write and, under load, one read.

Not a sandbox: a worker could still open files the gateway may read. It never gets a key or a connection.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import pickle
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from gateway.errors import PoolError
from gateway.parsing.lane import FairLane
from gateway.parsing.process import HEAD, NUMBER, TASK_BYTES, Kind, unpickled, work

T = TypeVar("T")

_FALSE_STARTS = 3
_READ_BYTES = 256 * 1024
#: What every machine does, in bytes; twenty times as much is usual.
PARSED_PER_SECOND = 8 * 1024 * 1024
#: Reading more than this takes so long that others would notice.
LARGE_BYTES = 1024 * 1024


@dataclass(eq=False, kw_only=True, slots=True)
class _Task:
    name: str
    seconds: float
    request: bytes
    answer: asyncio.Future[Any]
    worker: _Worker | None = None


@dataclass(eq=False, kw_only=True, slots=True)
class _Worker:
    process: BaseProcess
    answers: socket.socket
    buffer: bytearray = field(default_factory=bytearray)
    is_ready: bool = False
    #: Number of the task it has in hand.
    number: int | None = None
    timer: asyncio.TimerHandle | None = None

    def is_free(self) -> None:
        """It has answered."""
        self.number = None
        if self.timer is not None:
            self.timer.cancel()


class ParserPool:
    """Runs functions in limited processes."""

    def __init__(
        self,
        *,
        processes: int = 2,
        memory: int = 512 * 1024**2,
        recycle_after: int = 20_000,
        preload: tuple[str, ...] = ("gateway.edxml.parser",),
        max_wait: float = 120.0,
        idle: float = 0.0,
    ) -> None:
        """`memory` is bytes of address space of one process, `preload` what it imports at start.

        `max_wait` is the seconds a task may wait for a free process, beside its own timeout. After `idle` seconds
        without a task the processes end, until the next one; 0: they stay.
        """
        self._processes = processes
        self._recycle_after = recycle_after
        self._confinement = (os.getpid(), memory, preload)
        self._max_wait = max_wait
        self._idle = idle
        self._rest: asyncio.TimerHandle | None = None
        self._large = FairLane(max(1, processes - 1))
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)  # noqa: FBT003 - the method's own form
        self._numbers = itertools.count(1)
        #: What callers wait for.
        self._tasks: dict[int, _Task] = {}
        #: What the socket had no room for.
        self._unsent: deque[bytes] = deque()
        self._workers: set[_Worker] = set()
        self._burials: set[asyncio.Task[None]] = set()
        self._false_starts = 0
        self._changed = asyncio.Event()
        self._closed = False

    async def start(self) -> None:
        """Starts the processes and waits until they have imported what they need.

        To be called in the main thread, since workers also die with the thread that started them.
        """
        self._fill_up()
        while not all(worker.is_ready for worker in self._workers):
            self._changed.clear()
            await self._changed.wait()
        if not self._workers:
            raise PoolError("No worker process can start.", kind="broken", task="")

    async def run(
        self,
        task: Callable[..., T],
        /,
        *args: object,
        timeout: float,  # noqa: ASYNC109 - it kills
        size: int = 0,
        owner: str = "",
    ) -> T:
        """The result of `task(*args)`; its own exceptions come through, everything else is a `PoolError`.

        Tasks that read more than LARGE_BYTES (`size`) leave one process free for the others, unless there is only
        one: then everybody waits for a large one. They wait in turns of their owners, whoever sends the most.
        """
        if size <= LARGE_BYTES:
            return await self._run(task, args, timeout)
        try:
            async with asyncio.timeout(self._max_wait):
                await self._large.acquire(owner)
        except TimeoutError as error:
            raise PoolError("Too many large tasks wait.", kind="busy", task=task.__qualname__) from error
        try:
            return await self._run(task, args, timeout)
        finally:
            self._large.release()

    async def _run(self, task: Callable[..., T], args: tuple[object, ...], seconds: float) -> T:
        name = f"{task.__module__}.{task.__qualname__}"
        if self._closed:
            raise PoolError("The pool is closed.", kind="closed")
        number = next(self._numbers)
        request = NUMBER.pack(number) + pickle.dumps((task, args))
        assert len(request) <= TASK_BYTES, "a task is given a small body or a path"
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        mine = _Task(name=name, seconds=seconds, request=request, answer=answer)
        self._tasks[number] = mine
        if self._rest is not None:
            self._rest.cancel()
        self._fill_up()
        self._unsent.append(request)
        self._send()
        late = asyncio.get_running_loop().call_later(self._max_wait + seconds, self._fail, number, "timeout")
        try:
            return await answer
        finally:
            late.cancel()
            if self._tasks.pop(number, None) is not None and mine.worker is not None:
                mine.worker.process.kill()  # nobody waits for what it does
            if self._idle and not self._tasks:
                self._rest = asyncio.get_running_loop().call_later(self._idle, self._end_idle)

    async def close(self) -> None:
        """Ends the processes; tasks still running are given up."""
        self._closed = True
        for number in list(self._tasks):
            self._fail(number, "closed")
        self._end_idle()
        while self._workers or self._burials:
            self._changed.clear()
            await self._changed.wait()
        self._ours.close()
        self._theirs.close()

    def _end_idle(self) -> None:
        if self._tasks:
            return
        for worker in list(self._workers):
            worker.process.kill()

    def _fill_up(self) -> None:
        if self._idle and not self._tasks:
            return
        while len(self._workers) < self._processes and not self._closed:
            ours, theirs = socket.socketpair()
            process = multiprocessing.get_context("spawn").Process(
                target=work, args=(self._confinement, self._recycle_after, self._theirs, theirs), daemon=True
            )
            process.start()
            theirs.close()
            ours.setblocking(False)  # noqa: FBT003
            worker = _Worker(process=process, answers=ours)
            self._workers.add(worker)
            asyncio.get_running_loop().add_reader(ours.fileno(), self._read, worker)

    def _send(self) -> None:
        with suppress(BlockingIOError):  # gone on with at the next answer
            while self._unsent:
                self._ours.send(self._unsent[0])
                self._unsent.popleft()

    def _read(self, worker: _Worker) -> None:
        try:
            data = worker.answers.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._lose(worker)
            return
        buffer = worker.buffer
        buffer += data
        while len(buffer) >= HEAD.size:
            kind, number, size = HEAD.unpack_from(buffer)
            end = HEAD.size + size
            if len(buffer) < end:
                break
            content = bytes(buffer[HEAD.size : end])
            del buffer[:end]
            try:
                self._hear(worker, Kind(kind), number, content)
            except (ValueError, TypeError, pickle.UnpicklingError):  # whoever took it over does not get further
                worker.process.kill()
        self._send()

    def _hear(self, worker: _Worker, kind: Kind, number: int, content: bytes) -> None:
        if kind is Kind.READY:
            worker.is_ready = True
            self._false_starts = 0
            self._changed.set()
        elif kind is Kind.TOOK:
            self._take(worker, number)
        else:
            task = self._tasks.get(number)
            if task is None or task.answer.done():
                worker.is_free()
                return
            if kind is Kind.RESULT:
                task.answer.set_result(content)
            elif kind is Kind.VALUE:
                task.answer.set_result(unpickled(content))
            elif kind is Kind.RAISED:
                task.answer.set_exception(unpickled(content))
            else:
                task.answer.set_exception(PoolError("A task ran out of memory.", kind="memory", task=task.name))
            worker.is_free()
            del self._tasks[number]

    def _take(self, worker: _Worker, number: int) -> None:
        worker.number = number
        task = self._tasks.get(number)
        if task is None:  # its caller has gone
            worker.process.kill()
            return
        task.worker = worker
        worker.timer = asyncio.get_running_loop().call_later(task.seconds, self._fail, number, "timeout")

    def _lose(self, worker: _Worker) -> None:
        """The stream has ended, so the process has, or is about to."""
        asyncio.get_running_loop().remove_reader(worker.answers.fileno())
        worker.answers.close()
        self._workers.discard(worker)
        number = worker.number
        worker.is_free()
        if not worker.is_ready:
            self._false_starts += 1
        if self._false_starts < _FALSE_STARTS:
            self._fill_up()
        elif not self._workers:
            self._false_starts = 0
            for waiting in list(self._tasks):
                self._fail(waiting, "broken")
        burial = asyncio.create_task(self._bury(worker, number))
        self._burials.add(burial)
        burial.add_done_callback(self._buried)

    async def _bury(self, worker: _Worker, number: int | None) -> None:
        worker.process.kill()  # it may have closed its stream and live
        await asyncio.to_thread(worker.process.join)
        if number is not None:
            self._fail(number, "died", exitcode=worker.process.exitcode)
        elif worker.process.exitcode:  # it may have taken a task and died before it could say so
            self._unsent.extend(task.request for task in self._tasks.values() if task.worker is None)
            self._send()
        worker.process.close()

    def _buried(self, burial: asyncio.Task[None]) -> None:
        self._burials.discard(burial)
        self._changed.set()

    def _fail(self, number: int, kind: str, **facts: object) -> None:
        task = self._tasks.pop(number, None)
        if task is None:
            return
        if task.worker is not None and task.worker.number == number:
            task.worker.process.kill()
        if not task.answer.done():
            task.answer.set_exception(PoolError(_WORDS[kind], kind=kind, task=task.name, **facts))


_WORDS = {
    "timeout": "A task took too long.",
    "died": "A worker process died.",
    "closed": "The pool is closed.",
    "broken": "No worker process can start.",
}

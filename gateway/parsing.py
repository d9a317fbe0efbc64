"""The processes that read foreign bytes.

Each worker has little memory, few files, no core dump, no secret in its environment, and dies with the
gateway. A task that kills its worker, runs out of memory or takes too long ends in a `PoolError` with facts
(`kind`, `task`, what is known); the others go on: a pool that breaks as a whole is replaced, and tasks that had not
answered run once more. Tasks are therefore functions without effects, named by module.

Not a sandbox: a worker could still open files the gateway may read. It never gets a key or a connection.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from gateway.errors import PoolError

T = TypeVar("T")

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 64
_TRIES = 2
_COLLECT_AFTER = 20_000
#: What a worker may keep of the environment.
_HARMLESS = frozenset({"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "HOME", "PYTHONPATH"})


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
    ) -> None:
        """`memory` is bytes of address space of one process, `preload` what it imports at start.

        `max_wait` is the seconds a task may wait for a free process, beside its own timeout.
        """
        self._processes = processes
        self._recycle_after = recycle_after
        self._setup = (os.getpid(), memory, preload)
        self._max_wait = max_wait
        self._pool = self._new_pool()
        #: Answers the present pool owes.
        self._waiting: set[asyncio.Future[Any]] = set()
        self._closed = False

    async def start(self) -> None:
        """Starts the processes and waits until they have imported what they need.

        To be called in the main thread, since workers also die with the thread that started them.
        """
        await asyncio.gather(*(self.run(os.getpid, timeout=60) for _ in range(2 * self._processes)))

    async def run(self, task: Callable[..., T], /, *args: object, timeout: float) -> T:  # noqa: ASYNC109 - it kills
        """The result of `task(*args)`; its own exceptions come through, everything else is a `PoolError`."""
        name = f"{task.__module__}.{task.__qualname__}"
        for _ in range(_TRIES):
            pool = self._pool
            try:
                return await self._run_in(pool, task, args, timeout)
            except TimeoutError as error:
                raise PoolError("A task took too long.", kind="timeout", task=name, seconds=timeout) from error
            except MemoryError as error:
                raise PoolError("A task ran out of memory.", kind="memory", task=name) from error
            except ProcessExpired as error:
                raise PoolError(
                    "A worker process died.", kind="died", task=name, exitcode=error.exitcode
                ) from error
            except BrokenProcessPool:
                self._replace(pool)
            except asyncio.CancelledError:
                # A pool given up cancels its answers; only a cancelled caller wants to hear of that.
                if _is_cancelled():
                    raise
                self._replace(pool)
        raise PoolError("The pool broke twice.", kind="broken", task=name)

    async def close(self) -> None:
        """Ends the processes; tasks still running are given up."""
        self._closed = True
        self._give_up_waiting()
        await asyncio.to_thread(_stop, self._pool)

    async def _run_in(
        self, pool: ProcessPool, task: Callable[..., T], args: tuple[object, ...], seconds: float
    ) -> T:
        if self._closed:
            raise PoolError("The pool is closed.", kind="closed")
        try:
            future = pool.schedule(task, args=args, timeout=seconds)
        except RuntimeError as error:
            raise BrokenProcessPool from error
        answer = asyncio.wrap_future(future)
        self._waiting.add(answer)
        try:
            return await asyncio.wait_for(answer, self._max_wait + seconds)
        finally:
            self._waiting.discard(answer)

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._processes,
            max_tasks=self._recycle_after,
            initializer=_confine,
            initargs=self._setup,
            context=multiprocessing.get_context("spawn"),
        )

    def _replace(self, broken: ProcessPool) -> None:
        """Puts a new pool in the place of `broken`, unless another task already did."""
        if self._pool is broken and not self._closed:
            self._pool = self._new_pool()
            self._give_up_waiting()
            asyncio.get_running_loop().run_in_executor(None, _stop, broken)

    def _give_up_waiting(self) -> None:
        """A stopped pool never answers what it still holds, so that is done here."""
        waiting, self._waiting = self._waiting, set()
        for answer in waiting:
            answer.cancel()


def _is_cancelled() -> bool:
    caller = asyncio.current_task()
    return caller is not None and caller.cancelling() > 0


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


def _confine(parent: int, memory: int, preload: tuple[str, ...]) -> None:
    """Runs in a worker before its first task."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    for name in [name for name in os.environ if name not in _HARMLESS]:
        del os.environ[name]
    for module in preload:
        importlib.import_module(module)
    # Trees of messages hold no cycles, and what was imported lives on: collecting often costs a sixth of the time.
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

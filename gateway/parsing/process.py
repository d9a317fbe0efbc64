"""What runs inside a parsers' process: confined, it takes tasks from a socket until it is told or old enough.

All processes of a pool read one socket that keeps records apart; the kernel gives each record to one of them, so
whoever is free has the next task without asking. Answers go back on a stream of their own: that a task was taken
(so that a death can be laid at its door), then its result. The word of the next taking travels with the last
result, so a busy process writes once per task.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import io
import os
import pickle
import resource
import signal
import socket
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

#: Before every message back: kind, number of the task, bytes that follow.
HEAD: Final = struct.Struct("<BQI")
#: Before every task: its number.
NUMBER: Final = struct.Struct("<Q")
#: The largest task: a function's name and its arguments.
TASK_BYTES: Final = 256 * 1024

_PR_SET_PDEATHSIG = 1
_OPEN_FILES = 64
#: Tasks between two collections of cycles; an automatic one would fall into every other task.
_COLLECT_EVERY = 200
#: What a worker may keep of the environment.
_HARMLESS = frozenset({"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "HOME", "PYTHONPATH"})


class Kind(IntEnum):
    """What a message back says."""

    READY = 0
    TOOK = 1
    #: Bytes, as they are: what every accepted message takes.
    RESULT = 2
    #: Anything else, pickled.
    VALUE = 3
    RAISED = 4
    OUT_OF_MEMORY = 5


def work(
    confinement: tuple[int, int, tuple[str, ...]], most: int, tasks: socket.socket, answers: socket.socket
) -> None:
    """Take up to `most` tasks, or as many as come until the other end closes."""
    _confine(*confinement)
    said = HEAD.pack(Kind.READY, 0, 0)
    buffer = memoryview(bytearray(TASK_BYTES))
    for done in range(most):
        if done % _COLLECT_EVERY == 0:
            gc.collect()
        try:
            size = tasks.recv_into(buffer, 0, socket.MSG_DONTWAIT)
        except BlockingIOError:
            answers.sendall(said)
            said = b""
            size = tasks.recv_into(buffer)
        if not size:
            return
        (number,) = NUMBER.unpack_from(buffer)
        answers.sendall(said + HEAD.pack(Kind.TOOK, number, 0))
        kind, content = _answer(buffer[NUMBER.size : size])
        said = HEAD.pack(kind, number, len(content)) + content
    answers.sendall(said)


class _Careful(pickle.Unpickler):
    """Makes nothing but data and exceptions, whatever a worker that foreign bytes took over may send."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "gateway.edxml.envelope":
            return super().find_class(module, name)
        if module in {"builtins", "gateway.errors"}:
            found = super().find_class(module, name)
            if isinstance(found, type) and issubclass(found, Exception):
                return found
        raise pickle.UnpicklingError(f"a worker may not send {module}.{name}")


def unpickled(content: bytes) -> Any:
    """What a worker sent back."""
    return _Careful(io.BytesIO(content)).load()


def _answer(request: memoryview) -> tuple[Kind, bytes]:
    try:
        task: Callable[..., Any]
        task, args = pickle.loads(request)  # noqa: S301 - from the gateway, by a socket nobody else has
        value = task(*args)
        return (Kind.RESULT, value) if type(value) is bytes else (Kind.VALUE, pickle.dumps(value))
    except MemoryError:
        return Kind.OUT_OF_MEMORY, b""
    except Exception as error:  # noqa: BLE001 - the boundary: the caller gets it
        return Kind.RAISED, _pickled(error)


def _pickled(error: Exception) -> bytes:
    try:
        return pickle.dumps(error)
    except (pickle.PicklingError, TypeError, AttributeError):
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))


def _confine(parent: int, memory: int, preload: tuple[str, ...]) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    # the gateway ends its workers by itself, when the work under way is done
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for name in [name for name in os.environ if name not in _HARMLESS]:
        del os.environ[name]
    for module in preload:
        importlib.import_module(module)
    # Trees of messages hold hardly a cycle, and what was imported lives on: `work` collects between tasks.
    gc.freeze()
    gc.disable()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

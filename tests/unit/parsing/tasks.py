"""Tasks for the pool's tests; workers import them by name."""

from __future__ import annotations

import os
import resource
import signal
import time


def add(left: int, right: int) -> int:
    """A task that works."""
    return left + right


def die(_: int) -> None:
    """Ends as a crash in C would."""
    os.kill(os.getpid(), signal.SIGKILL)


def eat(size: int) -> int:
    """Wants that much memory."""
    return len(bytearray(size))


def hang(seconds: float) -> None:
    """Takes too long."""
    time.sleep(seconds)


def fail(text: str) -> None:
    """Raises an exception of its own."""
    raise LookupError(text)


def surroundings() -> tuple[list[str], int, int]:
    """Names in the environment, and the limits of core dumps and files."""
    return (
        sorted(os.environ),
        resource.getrlimit(resource.RLIMIT_CORE)[0],
        resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )


class Trap:
    """What a worker that was taken over would send: unpickled carelessly, it runs a function in the gateway."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def betray() -> Trap:
    """Sends a trap."""
    return Trap()

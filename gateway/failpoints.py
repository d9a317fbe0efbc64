"""Named points at which a test may kill this very process, to prove what survives.

Without the environment variable `GATEWAY_FAILPOINTS` a point costs one comparison and does nothing. With
`fsio.sync.before=kill` the process sends itself SIGKILL when it first reaches that point, with `=kill:3` at
the third time; several points are separated by commas. There is no other action: an error injected here
would only test our own `except`. A name that is not in `FAILPOINTS` is refused, both in the variable and
(while any point is armed) at the place that names it; a test compares the registry with the source.
"""

from __future__ import annotations

import os
import signal
import threading

from gateway.errors import ConfigError

#: The environment variable that arms points.
VARIABLE = "GATEWAY_FAILPOINTS"

#: Every point of the program: the act it surrounds, then the side.
FAILPOINTS: tuple[str, ...] = (
    "fsio.sync.before",
    "fsio.sync.after",
    "fsio.link.before",
    "fsio.link.after",
    "fsio.replace.before",
    "fsio.replace.after",
    "fsio.sync_dir.before",
    "fsio.sync_dir.after",
    "pump.commit.before",
    "pump.commit.after",
    "migrate.commit.before",
    "migrate.commit.after",
    "checkpoint.before",
    "checkpoint.after",
)


def parse_failpoints(text: str) -> dict[str, int]:
    """Point -> the hit at which to kill; an unknown name or action raises ConfigError."""
    armed: dict[str, int] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, action = entry.partition("=")
        verb, _, count = action.partition(":")
        if name not in FAILPOINTS:
            raise ConfigError(f"{VARIABLE}: there is no failpoint {name!r}")
        if verb != "kill" or not (count or "1").isdecimal() or int(count or "1") < 1:
            raise ConfigError(f"{VARIABLE}: {name} may be 'kill' or 'kill:N', not {action!r}")
        armed[name] = int(count or "1")
    return armed


_armed = parse_failpoints(os.environ.get(VARIABLE, ""))
_counting = threading.Lock()
#: Who dies: this process, and the gateway where this one only works for it.
_victims = [os.getpid()]


def die_with(pid: int) -> None:
    """Points reached in this process kill that one first."""
    _victims.insert(0, pid)


def failpoint(name: str) -> None:
    """Die here if this point is armed and this is the hit it was armed for."""
    if not _armed:
        return
    if name not in FAILPOINTS:
        raise ConfigError(f"the failpoint {name!r} is not registered")
    with _counting:
        if name not in _armed:
            return
        _armed[name] -= 1
        if _armed[name] == 0:
            for pid in _victims:
                os.kill(pid, signal.SIGKILL)

"""Named points at which a test may kill this very process, to prove what survives.

Without the environment variable `GATEWAY_FAILPOINTS` a point costs one comparison and does nothing. With
`fsio.sync.before=kill` the process sends itself SIGKILL when it first reaches that point, with `=kill:3` at
the third time; several points are separated by commas. `note=FILE` kills nobody: each point's name is appended to
that file when it is first reached. There is no other action: an error injected here would only test our own
`except`. A name that is not in `FAILPOINTS` is refused, both in the variable and (while any point is armed) at
the place that names it; a test compares the registry with the source, another one proves that each is reached.

The strict profile refuses to start while the variable is set (`refuse_armed`).
"""

from __future__ import annotations

import os
import signal
import threading

from gateway.errors import ConfigError, EnvironmentRefusedError

#: The environment variable that arms points.
VARIABLE = "GATEWAY_FAILPOINTS"

#: What the points surround; each has a point `.before` and one `.after`.
ACTS: tuple[str, ...] = (
    # files (`fsio`, the body store)
    "fsio.sync",
    "fsio.link",
    "fsio.replace",
    "fsio.sync_dir",
    "spool.write",
    "body.keep",
    "body.set_aside",
    "upload.sync",
    "upload.settle",
    # the database; `delivery.move`, `status.record` and `event.append` lie inside a transaction
    "pump.commit",
    "migrate.commit",
    "checkpoint",
    "checkpoint.copy",
    "delivery.move",
    "status.record",
    "event.append",
    # acceptance
    "seal.sign",
    "accept.record",
    "reply",
    # delivery
    "attempt.claim",
    "attempt.dial",
    "attempt.outcome",
    "inbox.fetch",
    "inbox.ack",
    # what a peer lists for us
    "source.list",
    "source.fetch",
    "source.settle",
    # signatures of others: between the look and its verdict, and inside the verdict's transaction
    "check.examined",
    "check.verdict",
    # destroying bodies by order: in the ledger, in the list beside the mark, on the disk
    "purge.record",
    "purge.list",
    "purge.erase",
    # the transparency log
    "log.grow",
    "log.sign",
    "log.mark",
    "log.keep",
    # start and stop
    "boot.record",
    "rescue",
    "stop.drain",
    "stop.worker",
    "stop.record",
)

#: Every point of the program: the act it surrounds, then the side.
FAILPOINTS: tuple[str, ...] = tuple(f"{act}.{side}" for act in ACTS for side in ("before", "after"))

_NOTE = "note"


def parse_failpoints(text: str) -> dict[str, int]:
    """Point -> the hit at which to kill; an unknown name or action raises ConfigError."""
    armed: dict[str, int] = {}
    for name, action in _entries(text):
        if name == _NOTE:
            continue
        verb, _, count = action.partition(":")
        if name not in FAILPOINTS:
            raise ConfigError(f"{VARIABLE}: there is no failpoint {name!r}")
        if verb != "kill" or not (count or "1").isdecimal() or int(count or "1") < 1:
            raise ConfigError(f"{VARIABLE}: {name} may be 'kill' or 'kill:N', not {action!r}")
        armed[name] = int(count or "1")
    return armed


def refuse_armed(profile: str) -> None:
    """EnvironmentRefusedError in the strict profile while the variable is set; ConfigError where it is wrong.

    A production process must not be told to kill itself, and a misspelt point must not pass for a survived crash.
    """
    if profile == "strict" and os.environ.get(VARIABLE):
        raise EnvironmentRefusedError(
            f"{VARIABLE} is set, and the strict profile does not start with it: the process would kill itself."
            " Remove the variable from the environment."
        )
    if _wrong is not None:
        raise _wrong


def _entries(text: str) -> list[tuple[str, str]]:
    pairs = (part.strip().partition("=") for part in text.split(","))
    return [(name, action) for name, _, action in pairs if name]


def _parsed(text: str) -> tuple[dict[str, int], ConfigError | None]:
    """Nobody can be told what is wrong while modules are imported: `refuse_armed` does, or the first point."""
    try:
        return parse_failpoints(text), None
    except ConfigError as error:
        return {}, error


_armed, _wrong = _parsed(os.environ.get(VARIABLE, ""))
_note_file = dict(_entries(os.environ.get(VARIABLE, ""))).get(_NOTE, "")
_noted: set[str] = set()
_is_armed = bool(_armed or _note_file or _wrong)
_counting = threading.Lock()
#: Who dies: this process, and the gateway where this one only works for it.
_victims = [os.getpid()]


def die_with(pid: int) -> None:
    """Points reached in this process kill that one first."""
    _victims.insert(0, pid)


def failpoint(name: str) -> None:
    """Die here if this point is armed and this is the hit it was armed for."""
    if _is_armed:
        _reached(name)


def failpoint_soon(name: str) -> None:
    """The same in the event loop's next turn: what was given to a socket before has left by then."""
    if _is_armed:
        import asyncio  # the small processes that never call this do without it

        asyncio.get_running_loop().call_soon(_reached, name)


def _reached(name: str) -> None:
    if _wrong is not None:
        raise _wrong
    if name not in FAILPOINTS:
        raise ConfigError(f"the failpoint {name!r} is not registered")
    with _counting:
        if _note_file and name not in _noted:
            _noted.add(name)
            _append(_note_file, name)
        if name not in _armed:
            return
        _armed[name] -= 1
        if _armed[name] == 0:
            for pid in _victims:
                os.kill(pid, signal.SIGKILL)


def _append(file: str, name: str) -> None:
    """One write call, since several processes append."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.write(descriptor, f"{name}\n".encode())
    os.close(descriptor)

"""`gateway` whose commits are not synced, to prove that the replay notices: python -m tests.crash.weakened serve.

The product has no such switch: it reads the pragma back and refuses to run, so what it expects is changed with it.
"""

from __future__ import annotations

import sys

from gateway import cli
from gateway.storage import sqlite

Pragmas = tuple[tuple[str, str, str | int], ...]


def _weaker(pragmas: Pragmas) -> Pragmas:
    weak: Pragmas = (("synchronous", "NORMAL", 1),)
    found = tuple(each for each in pragmas if each[0] != "synchronous")
    assert len(found) == len(pragmas) - 1
    return (*found, *weak)


if __name__ == "__main__":
    sqlite._WRITER = _weaker(sqlite._WRITER)  # type: ignore[assignment]
    sqlite._COPIER = _weaker(sqlite._COPIER)  # type: ignore[assignment]
    sys.exit(cli.main())

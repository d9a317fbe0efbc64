"""How soon `gateway serve` is ready over both ledgers, in turn: from the process's start to /readyz."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from benchmarks.ledger_fill import LOG, Ledger
from benchmarks.ledger_measure import Figure, forget
from benchmarks.processes import gateway

_TIMES = 5


def starts(ledgers: tuple[Ledger, Ledger], say: Callable[[str], None]) -> list[Figure]:
    """Each start with nothing of the file in memory."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(_TIMES):
        for place in (number % 2, 1 - number % 2):
            ledger = ledgers[place]
            forget(ledger)
            began = time.monotonic()
            with gateway(ledger, LOG):
                times[place].append(time.monotonic() - began)
    say(f"ready after {median(times[0]):.2f} s and {median(times[1]):.2f} s")
    return [
        Figure(
            name="start until /readyz, nothing in memory",
            small=median(times[0]) * 1000,
            large=median(times[1]) * 1000,
        )
    ]

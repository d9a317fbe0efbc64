"""Misbehaviour on order: `faults.json` in the facade's folder, read again whenever it changes.

    [{"on": "send", "do": "code", "code": 20, "times": 2}, {"on": "*", "do": "slow", "seconds": 5}]

`on` is login, send, list, get, update, agencies or *; the first order that fits is carried out, `times` times (0:
until the file changes). What can be ordered:

    unauthorised    401 as for a call without a token, and all tokens end
    page            502 with a proxy's HTML page
    busy            503
    code            success false with this errorCode
    slow            answers after `seconds`
    cut             does what was asked, and cuts the connection instead of answering
    stall           does what was asked, and does not answer
    truncated       does what was asked, and answers with the first half of the JSON
    empty           a list without entries, whatever waits
    malformed       a list with two more entries, which are none: one has no id, one is no object
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

Operation = Literal["login", "send", "list", "get", "update", "agencies"]
Deed = Literal["unauthorised", "page", "busy", "code", "slow", "cut", "stall", "truncated", "empty", "malformed"]


class Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One order."""

    on: Operation | Literal["*"]
    do: Deed
    times: int = 1
    seconds: float = 0.0
    code: int = 20
    words: str = ""


class Faults:
    """What is ordered now."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._orders: list[Order] = []
        self._left: list[int] = []
        #: What is wrong with the file, for whoever looks.
        self.problem = ""

    def next(self, operation: Operation) -> Order | None:
        """What to do to this call; it counts as done."""
        self._read()
        for place, order in enumerate(self._orders):
            if order.on not in {"*", operation} or self._left[place] < 0:
                continue
            if order.times:
                self._left[place] -= 1
                if self._left[place] == 0:
                    self._left[place] = -1
            return order
        return None

    def _read(self) -> None:
        try:
            status = self._file.stat()
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
            if stamp == self._stamp:
                return
            orders = msgspec.json.decode(self._file.read_bytes(), type=list[Order])
        except FileNotFoundError:
            self._stamp, self._orders, self._left = None, [], []
            return
        except (OSError, msgspec.DecodeError) as error:
            self.problem = f"{self._file.name}: {error}"
            return
        self._stamp, self._orders, self.problem = stamp, orders, ""
        self._left = [order.times for order in orders]

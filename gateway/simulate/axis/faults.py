"""Misbehaviour to order: which fault, for which calls, how often, how long. Deciding only; `server` does it.

An order counts down with every call that it befalls. Several that fit one call all take part, in the order they
were given. Orders live in memory: after a restart only those of the start file are there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import msgspec


class FaultKind(StrEnum):
    """What can be ordered."""

    #: The page of a proxy, with `http_status` (502 unless said).
    HTML = "html"
    #: Valid JSON that says: nothing. For lists, counts and catalogues.
    EMPTY = "empty"
    #: Wait `delay` seconds, then go on (for any call, or those about `doc_ids`).
    SLOW = "slow"
    #: The connection ends before anything is done.
    CUT_BEFORE = "cut_before"
    #: All is done and committed, then the connection ends: accepted, but the answer is lost.
    CUT_AFTER = "cut_after"
    #: All is done; the connection ends in the middle of the answer's body.
    CUT_BODY = "cut_body"
    #: A message is put into each list twice, under two ids.
    DUPLICATE = "duplicate"
    #: A list names every entry twice.
    REPEAT = "repeat"
    #: A list has a further entry that is none: an object without an id, and no object at all.
    MALFORMED = "malformed"
    #: Entries of a list have their other fields in types that nobody agreed (all, or those of `doc_ids`).
    ODD_FIELDS = "odd_fields"
    #: updateStatus says OK and forgets it.
    FORGET = "forget"
    #: A list has its entries in no order at all, another one at each call; the newest is never the last of several.
    OUT_OF_ORDER = "out_of_order"
    #: A right HMAC is called wrong.
    HMAC = "hmac"
    #: The axis's clock is `offset` seconds off: in what it writes and in what it judges.
    CLOCK_SKEW = "clock_skew"
    #: FAIL with `code` and `words`.
    FAIL = "fail"
    #: An entry is listed and cannot be fetched (all, or those of `doc_ids`).
    UNFETCHABLE = "unfetchable"
    #: A text that is no JSON, with HTTP 200.
    NOT_JSON = "not_json"
    #: Half of the JSON, with a Content-Length that agrees.
    TRUNCATED = "truncated"
    #: getEdoc's data is no base64.
    WRONG_BASE64 = "wrong_base64"
    #: Every page of a list is the first, whatever pageIndex says.
    FIRST_PAGE = "first_page"
    #: A list stays what it was at the first call.
    FROZEN = "frozen"


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order."""

    kind: FaultKind
    #: Names of operations; empty: all.
    operations: tuple[str, ...] = ()
    #: A system id; empty: all.
    system: str = ""
    #: How many calls; 0: no limit.
    calls: Annotated[int, msgspec.Meta(ge=0)] = 0
    #: How long, in seconds; 0: no limit.
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    #: Calls that fit and are let pass first.
    skip: Annotated[int, msgspec.Meta(ge=0)] = 0
    delay: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    offset: float = 0.0
    http_status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 502
    code: str = "20"
    words: str = "Loi he thong"
    doc_ids: tuple[str, ...] = ()


@dataclass(kw_only=True, slots=True)
class Standing:
    """An order while it counts down."""

    id: int
    order: Order
    began: float
    befallen: int = 0
    passed: int = 0
    #: What FROZEN has kept, by list.
    kept: dict[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """For whoever asks."""
        return {"id": self.id, "befallen": self.befallen, **msgspec.to_builtins(self.order)}


class Faults:
    """All standing orders."""

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self._numbers = itertools.count(1)
        self._standing: list[Standing] = []
        for order in orders:
            self.add(order, now=0.0)

    def add(self, order: Order, *, now: float) -> Standing:
        """From now on."""
        standing = Standing(id=next(self._numbers), order=order, began=now)
        self._standing.append(standing)
        return standing

    def remove(self, number: int | None) -> int:
        """Take back one order, or all; how many."""
        kept = [each for each in self._standing if number is not None and each.id != number]
        removed = len(self._standing) - len(kept)
        self._standing = kept
        return removed

    def standing(self, *, now: float) -> list[Standing]:
        """Those that still hold."""
        self._standing = [each for each in self._standing if not _is_over(each, now)]
        return list(self._standing)

    def take(self, operation: str, system_id: str, *, now: float) -> dict[FaultKind, Standing]:
        """What befalls this call."""
        found: dict[FaultKind, Standing] = {}
        for standing in self.standing(now=now):
            order = standing.order
            if order.kind in found or (order.system and order.system != system_id):
                continue
            if order.operations and operation not in order.operations:
                continue
            if standing.passed < order.skip:
                standing.passed += 1
                continue
            standing.befallen += 1
            found[order.kind] = standing
        return found


def is_meant(standing: Standing, doc_id: str) -> bool:
    """Whether the order is for this entry."""
    return not standing.order.doc_ids or doc_id in standing.order.doc_ids


def _is_over(standing: Standing, now: float) -> bool:
    order = standing.order
    worn = order.calls and standing.befallen >= order.calls
    return bool(worn or (order.seconds and now - standing.began >= order.seconds))

"""`docs/reasons.md` and `docs/events.md`, made from the two registries."""

from __future__ import annotations

from gateway.events import Event
from gateway.reasons import REASONS
from tools.pages.members import documented

_REASONS = """\
# Reason codes

Made by `make docs` from `gateway/reasons/`. A code is stable for ever. *Temporary* means that the same act may
succeed later without anybody changing anything. REST answers with the HTTP status given here and an
`application/problem+json` that carries the code, both sentences and the next step; deliveries carry the code alone.

| code | HTTP | lasting | what happened | what to do next |
|---|---|---|---|---|
"""
_EVENTS = """\
# Events

Made by `make docs` from `gateway/events.py`. An event is one row of the ledger's history, written in the
transaction of what it tells. `GET /api/v1/events` streams those that concern the caller.

| event | recorded when |
|---|---|
"""


def reasons() -> str:
    """The page of the reason codes."""
    rows = [
        f"| `{one.code}` | {one.http} | {one.lasting} | {one.en}<br>{one.vi} | {one.next_en}<br>{one.next_vi} |\n"
        for one in REASONS.values()
    ]
    return _REASONS + "".join(rows)


def events() -> str:
    """The page of the events."""
    told = documented(Event)
    return _EVENTS + "".join(f"| `{one}` | {told[one.name]} |\n" for one in Event)

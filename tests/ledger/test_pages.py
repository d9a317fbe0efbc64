"""Pages: each way into the ledger gives what going through all of it would give, in order, part by part."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.ledger import pages
from gateway.ledger.pages import LineQuery, SentQuery
from gateway.model import AgencyId, OutcomeKind
from gateway.states import State, Trigger
from tests.ledger.lab import MINUTE, START, Lab, message, status

SENDERS = ("sender", "i1")
#: Every document: (minute, sender, kind, number, notation, DocumentId).
SENT = [
    (minute // 2, SENDERS[minute % 3 == 0], "status" if minute % 4 == 3 else "document",
     str(minute % 3), ("VB", "QĐ/UB")[minute % 2], f"ref {minute % 5}")
    for minute in range(24)
]  # fmt: skip


async def fill(lab: Lab) -> list[dict[str, Any]]:
    """Record them all, two an instant; every fifth delivery is held, every third stays on its way."""
    told: list[dict[str, Any]] = []
    for place, (minute, sender, kind, number, notation, ref) in enumerate(SENT):
        at = START + minute * MINUTE
        new = message("a1", name=f"m{place:02}", at=at, kind="status" if kind == "status" else "document")
        row = replace(new.message, sender_id=sender, code_number=number, code_notation=notation, document_ref=ref)
        await lab.record(replace(new, message=row))
        fields = {"id": row.id, "sender": sender, "kind": kind, "number": number, "notation": notation}
        told.append(fields | {"ref": ref, "at": at})
    for item in told[::5]:
        await lab.act(Trigger.HELD, f"{item['id']}/a1")
    for outgoing in await lab.claim(START + timedelta(hours=1), room=100):
        if int(outgoing.message_id[1:]) % 3:
            await lab.finish(outgoing, OutcomeKind.DELIVERED)
    states = dict(await lab.rows("SELECT message_id, state FROM delivery"))
    for item in told:
        item["state"] = states[item["id"]]
    return sorted(told, key=lambda item: (item["at"], item["id"]), reverse=True)


FILTERS: dict[str, tuple[Any, ...]] = {
    "kind": (None, "document"),
    "number": (None, "1"),
    "notation": (None, "QĐ/UB"),
    "document_ref": (None, "ref 1"),
    "state": (None, "held", "delivered"),
    "since": (None, micros(START + 3 * MINUTE)),
    "until": (None, micros(START + 8 * MINUTE)),
}


def _fits(item: dict[str, Any], wanted: dict[str, Any]) -> bool:
    names = {"document_ref": "ref"}
    equal = all(
        wanted[name] is None or item[names.get(name, name)] == wanted[name]
        for name in ("kind", "number", "notation", "document_ref", "state")
    )
    at = micros(item["at"])
    return equal and at >= (wanted["since"] or 0) and (wanted["until"] is None or at < wanted["until"])


async def test_every_combination_of_filters_gives_what_fits_in_pages(lab: Lab) -> None:
    """Whatever way is taken, nothing is missing, doubled or out of order, also where instants are equal."""
    told = await fill(lab)
    for agencies in (("sender",), SENDERS):
        for values in itertools.product(*FILTERS.values()):
            wanted = dict(zip(FILTERS, values, strict=True))
            expected = [x["id"] for x in told if x["sender"] in agencies and _fits(x, wanted)]
            query = SentQuery(agencies=frozenset(map(AgencyId, agencies)), limit=4, **wanted)
            found: list[str] = []
            while page := await pages.sent(lab.readers, query):
                found += [item.id for item in page]
                query = replace(query, before=found[-1])
            assert found == expected, wanted


async def test_cursor_of_somebody_else_is_refused(lab: Lab) -> None:
    """It is no place in one's own list, and says nothing about the other's."""
    told = await fill(lab)
    other = next(item["id"] for item in told if item["sender"] == "i1")
    for cursor in (other, "0198a0aa-0000-7000-8000-000000000000"):
        with pytest.raises(RefusedError, match="parameter_invalid"):
            await pages.sent(
                lab.readers, SentQuery(agencies=frozenset({AgencyId("sender")}), limit=4, before=cursor)
            )


async def test_words_mean_id_beginning_reference_digest_or_number(lab: Lab) -> None:
    """What a person types, with slashes on either side of the number; a status only where no document is."""
    told = await fill(lab)
    for item in told:
        [(sha256,)] = await lab.rows("SELECT sha256 FROM message WHERE id = ?", item["id"])
        assert await pages.meant(lab.readers, sha256) == [item["id"]]
    assert await pages.meant(lab.readers, "M00") == ["m00"]
    assert await pages.meant(lab.readers, "m0") == [f"m{place:02}" for place in range(9, -1, -1)]
    both = [x for x in told if (x["number"], x["notation"]) == ("1", "QĐ/UB")]
    documents = sorted((x["id"] for x in both if x["kind"] == "document"), reverse=True)
    assert 0 < len(documents) < len(both)
    assert await pages.meant(lab.readers, "1/QĐ/UB") == documents
    about = sorted((x["id"] for x in told if (x["ref"], x["kind"]) == ("ref 1", "document")), reverse=True)
    assert await pages.meant(lab.readers, "ref 1") == about
    assert await pages.meant(lab.readers, "%") == []
    report = status("03", "m01/a1")
    await lab.record(replace(report, message=replace(report.message, code_number="9/2026")))
    assert await pages.meant(lab.readers, "9/2026/VB") == [report.message.id]


async def test_lines_of_an_act_are_those_that_fit_newest_first(lab: Lab) -> None:
    """By document, by recipient or by an open state alone; a state that nearly all are in needs more."""
    told = await fill(lab)
    held = [f"{x['id']}/a1" for x in told if x["state"] == "held"]
    for more in ({}, {"recipient": "a1"}, {"endpoint": "push"}, {"recipient": "a1", "endpoint": "push"}):
        rows = await pages.lines(lab.readers, LineQuery(state=State.HELD, limit=100, **more))
        assert [row[0] for row in rows] == held, more
    assert await pages.lines(lab.readers, LineQuery(state=State.HELD, limit=100, endpoint="axis")) == []
    flying = LineQuery(state=State.IN_FLIGHT, limit=100, recipient="a1")
    assert {row[0] for row in await pages.lines(lab.readers, flying)} == {
        f"{x['id']}/a1" for x in told if x["state"] == "in_flight"
    }
    [row] = await pages.lines(
        lab.readers, LineQuery(state=State.HELD, limit=100, message=held[0].partition("/")[0])
    )
    assert row[0] == held[0]
    delivered = LineQuery(state=State.DELIVERED, limit=3, recipient="a1")
    assert len(await pages.lines(lab.readers, delivered)) == 3
    with pytest.raises(RefusedError, match="state_forbids"):
        await pages.lines(lab.readers, replace(delivered, recipient=None))

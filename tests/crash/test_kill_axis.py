"""What the kill sweep looks for at the axis bites: by arithmetic, and on a gateway that says `done` too early."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.simulate.axis.journal import Taken
from gateway.simulate.layout import free_ports
from tests.crash.kill_axis import MEMBER, Books, Held, Line, compare_axis
from tests.crash.kill_site import Places, make_template
from tests.crash.kill_sweep import Sweep
from tests.crash.kill_verdict import Verdict
from tests.journeys.installation import COMMUNE, MINISTRY

HASTY = "tests.crash.hasty"


def taken(doc_id: str, sha256: str, *, system: str, to: str, entry: tuple[str, str], kind: str = "edoc") -> Taken:
    """One message."""
    return Taken(
        doc_id=doc_id, system=system, message_type=kind, sender="", document_id="", status_code="", sha256=sha256,
        size=1, entries=(entry,), to=(to,),
    )  # fmt: skip


IN = taken("1", "in", system=MINISTRY, to=COMMUNE, entry=("21", MEMBER))
REPORT = taken("2", "report", system=MINISTRY, to=MEMBER, entry=("22", MEMBER), kind="status")
OUT = taken("3", "out", system=MEMBER, to=MINISTRY, entry=("23", MINISTRY))
AGAIN = taken("4", "out", system=MEMBER, to=MINISTRY, entry=("24", MINISTRY))
BOOKS = Books(
    taken={each.doc_id: each for each in (IN, REPORT, OUT)}, settled=dict.fromkeys(("21", "22", "23", "24"), "done")
)
TWICE = replace(BOOKS, taken={**BOOKS.taken, "4": AGAIN})
LINE = Line(
    sha256="out", recipient=MINISTRY, kind="document", state="acknowledged", peer_ref="3", attempts=2, marked=0
)
HELD = Held(
    messages=dict.fromkeys(("in", "report", "out"), 1),
    offers={"21": ("in", True), "22": ("report", True)},
    lines=(LINE,),
)


def found(books: Books = BOOKS, held: Held = HELD, *, final: bool = True) -> Verdict:
    """When all is quiet, unless told otherwise."""
    verdict = Verdict()
    compare_axis(books, held, verdict, final=final)
    return verdict


def test_kept_promise_is_no_violation() -> None:
    """Nor is what was sent again and says so, nor a status that was repeated with an attempt for each."""
    assert found().violations == []
    assert found(TWICE, replace(HELD, lines=(replace(LINE, marked=1),))).violations == []
    status = replace(LINE, kind="status")
    assert found(TWICE, replace(HELD, lines=(status,))).violations == []


def test_what_is_under_way_is_no_violation_before_all_is_quiet() -> None:
    """Listed and not fetched, taken and not told."""
    waiting = replace(BOOKS, settled={})
    assert found(waiting, replace(HELD, messages={"out": 1}, offers={}), final=False).violations == []
    assert len(found(waiting, replace(HELD, messages={"out": 1}, offers={})).violations) > 2


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(replace(HELD, messages={"report": 1, "out": 1}), id="done and not in the ledger"),
        pytest.param(replace(HELD, offers={"22": ("report", True)}), id="an entry that is no message"),
        pytest.param(replace(HELD, lines=(replace(LINE, peer_ref="9"),)), id="relayed, says the ledger alone"),
        pytest.param(replace(HELD, lines=(replace(LINE, state="relayed"),)), id="a status that moved nothing"),
    ],
)
def test_what_is_lost_is_seen(held: Held) -> None:
    """In either direction."""
    assert found(held=held).lost


@pytest.mark.parametrize(
    ("books", "held"),
    [
        pytest.param(BOOKS, replace(HELD, messages=HELD.messages | {"in": 2}), id="one entry, two messages"),
        pytest.param(TWICE, HELD, id="sent twice without a mark"),
        pytest.param(
            TWICE,
            replace(HELD, lines=(replace(LINE, kind="status", attempts=1),)),
            id="a status without an attempt",
        ),
        pytest.param(BOOKS, replace(HELD, lines=()), id="sent and no line"),
    ],
)
def test_what_is_doubled_is_seen(books: Books, held: Held) -> None:
    """At any instant."""
    assert found(books, held, final=False).duplicated


@pytest.mark.parametrize(
    ("books", "held"),
    [
        pytest.param(replace(BOOKS, settled=BOOKS.settled | {"21": "fail"}), HELD, id="told fail"),
        pytest.param(replace(BOOKS, settled={"22": "done", "23": "done"}), HELD, id="never told"),
        pytest.param(
            BOOKS, replace(HELD, offers=HELD.offers | {"21": ("in", False)}), id="told, and not known to be"
        ),
    ],
)
def test_what_the_axis_was_told_wrongly_is_seen(books: Books, held: Held) -> None:
    """Each accepted entry is `done`, at the axis and here."""
    assert found(books, held).other


@pytest.mark.slow
async def test_gateway_that_says_done_before_its_commit_is_found(tmp_path: Path) -> None:
    """Killed between the two, it loses what the axis lists no more."""
    template = await make_template(tmp_path, places=Places(member_port=free_ports(1)[0]))
    tally = await Sweep(template, seed=1, program=HASTY).run(3, ("source.fetch.after",))
    assert any("done at the axis and not in the ledger" in each for each in tally.lost)

"""An agency of ours in the axis's catalogue: entered and taken out by an operator, with the axis's own words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.simulate.axis.journal import Called
from tests.journeys.axis_site import SYSTEM, AxisSite, axis_site
from tests.journeys.installation import COMMUNE, MINISTRY

_WHY = ("--reason", "the province's decision")


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path) -> AsyncIterator[AxisSite]:
    async with axis_site(tmp_path, pki_folder, timeout_seconds=3) as made:
        yield made


def asked(site: AxisSite) -> list[str]:
    """What the axis was asked to change."""
    names = {"registerAgency", "deleteAgency"}
    return [line.operation for line in site.axis.journal() if isinstance(line, Called) and line.operation in names]


def events(site: AxisSite) -> list[tuple[str, str, str]]:
    rows = site.rows("SELECT kind, leaf, note FROM event WHERE kind LIKE 'agency.%registered' ORDER BY seq")
    return [(kind, json.loads(leaf)["facts"]["outcome"], note) for kind, leaf, note in rows]


async def known(site: AxisSite) -> dict[str, dict[str, Any]]:
    """The axis's catalogue."""
    told = await site.axis.client(SYSTEM).call("getAgenciesList")
    return {entry["code"]: entry for entry in told["data"]}


async def test_agency_is_entered_and_taken_out_after_a_look_at_what_is_said(site: AxisSite) -> None:
    """A dry run dials nobody; what is said is the directory's unless told otherwise; each request has its event."""
    await site.start()
    code, out = await site.command("agencies", "register", "axis", COMMUNE, "--dry-run", *_WHY)
    assert (code, COMMUNE in out, "would be asked" in out, asked(site), events(site)) == (0, True, True, [], []), (
        out
    )
    words = ("--email", "xa@example.vn", "--json")
    code, out = await site.command("agencies", "register", "axis", COMMUNE, *words, *_WHY)
    reply = json.loads(out)
    assert (code, reply["answer"], reply["told"]["code"]) == (0, "Thanh cong", COMMUNE), out
    entry = (await known(site))[COMMUNE]
    assert (entry["name"], entry["mail"]) == (reply["told"]["name"], "xa@example.vn")
    code, out = await site.command("agencies", "deregister", "axis", COMMUNE, *_WHY)
    assert (code, "It answers: Thanh cong" in out) == (0, True), out
    assert COMMUNE not in await known(site)
    assert asked(site) == ["registerAgency", "deleteAgency"]
    done = [("agency.registered", "done", _WHY[1]), ("agency.deregistered", "done", _WHY[1])]
    assert events(site) == done


async def test_refusals_come_in_the_axiss_words_and_silence_leaves_an_event_too(site: AxisSite) -> None:
    """Somebody asked, whatever came of it; who is unknown here, or has no catalogue, is refused unasked."""
    await site.start()
    code, out = await site.command("agencies", "deregister", "axis", MINISTRY, *_WHY)
    assert (code != 0, "Don vi khong thuoc he thong" in out) == (True, True), out
    await site.axis.order("slow", operations=["registerAgency"], delay=3600)
    code, out = await site.command("agencies", "register", "axis", COMMUNE, *_WHY)
    assert (code != 0, "peer_timeout" in out) == (True, True), out
    outcomes = [("agency.deregistered", "peer_error", _WHY[1]), ("agency.registered", "peer_timeout", _WHY[1])]
    assert events(site) == outcomes
    before = asked(site)
    for words, told in (
        (("register", "axis", "000.00.99.Z99"), "agency_unknown"),
        (("register", "nowhere", COMMUNE), "channel_unknown"),
        (("register", "pushed", COMMUNE), "takes no registrations"),
        (("deregister", "axis", "có dấu"), "organ_id"),
    ):
        code, out = await site.command("agencies", *words, *_WHY)
        assert (code != 0, told in out) == (True, True), out
    assert (asked(site), events(site)) == (before, outcomes)

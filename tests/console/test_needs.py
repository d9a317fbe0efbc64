"""What needs a person, put together by cause; the figures of the overview as they are shown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from gateway.accounts.roles import Role
from gateway.clock import VIETNAM
from gateway.console.causes import NAMED, alike, grouped
from gateway.console.outlook import Everywhere, Outlook, Outlooks, Trouble, TroubledChannel, Waits
from gateway.ledger.alarms import Alarm, Looked, LookedOperation, NewAlarm
from gateway.reports.figures import Times
from gateway.search.filter import parse
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document
from tests.unit.directory.store import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")


def trouble(channel: str, reason: str = "connect_failed", state: str = "dead", **more: Any) -> Trouble:
    """One delivery that does not get on."""
    alone = Everywhere(count=1, since=NOW, flash=0)
    values: dict[str, Any] = {"count": 1, "since": NOW, "flash": 0, "changed": None, "everywhere": alone} | more
    return Trouble(channel_id=channel, state=state, code=reason, **values)


def at(channel: str, *troubles: Trouble) -> TroubledChannel:
    """A channel that the directory holds no more."""
    return TroubledChannel(id=channel, line=None, troubles=list(troubles))


async def test_cause_that_three_channels_share_is_one_and_nothing_is_left_out() -> None:
    """Two are no pattern; what is a channel's own stays its own."""
    two = [at(key, trouble(key)) for key in "ab"]
    assert grouped(two) == ([], two)
    own = trouble("c", "internal_error", "held")
    alone = at("d", trouble("d", state="refused"))
    [cause], left = grouped([*two, at("c", trouble("c", count=5, flash=1), own), alone])
    assert [each.id for each in cause.channels] == ["a", "b", "c"]
    assert (cause.count, cause.flash, cause.is_bad) == (7, 1, True)
    assert "channel=a%2Cb%2Cc" in cause.these
    many = [at(f"{key}", trouble(f"{key}")) for key in range(NAMED + 1)]
    assert "channel" not in grouped(many)[0][0].these, "a filter takes not so many"
    assert [(each.id, list(each.troubles)) for each in left] == [("c", [own]), ("d", list(alone.troubles))]


async def test_codes_that_nobody_knows_are_causes_of_their_own() -> None:
    """An unknown code is not another unknown one, and not none at all; each leads to its own deliveries."""
    codes = ("", "of_an_older_release", "of_a_newer_release")
    causes, left = grouped([at(key, *(trouble(key, code) for code in codes)) for key in "abc"])
    assert not left
    assert [each.trouble.code for each in causes if each.trouble] == list(codes)
    assert [each.count for each in causes] == [3, 3, 3]
    wanted = [dict(parse_qsl(each.these))["reason"] for each in causes]
    assert wanted == ["none", *codes[1:]]
    assert [parse(parse_qsl(each.these)).reason for each in causes] == [(code,) for code in wanted]


async def test_cause_of_more_channels_than_a_filter_takes_counts_all_that_its_link_finds() -> None:
    """The link is of all channels then, also of those that people have paused and that need nobody."""
    everywhere = Everywhere(count=500, since=NOW - timedelta(days=3), flash=2)
    keys = [f"c{number}" for number in range(NAMED + 1)]
    (cause,), _ = grouped([at(key, trouble(key, everywhere=everywhere)) for key in keys])
    assert "channel" not in dict(parse_qsl(cause.these))
    assert (cause.count, cause.since, cause.flash) == (500, everywhere.since, 2)
    (cause,), _ = grouped([at(key, trouble(key, everywhere=everywhere)) for key in keys[1:]])
    assert len(parse(parse_qsl(cause.these)).channel) == cause.count == NAMED


async def test_alarms_of_one_rule_are_put_together_from_three_on() -> None:
    """The others stay as they are."""
    alarms = [
        Alarm(
            id=str(number), rule=rule, subject=str(number), is_flash=False, since=NOW, opened_at=NOW, facts={},
            acknowledged_at=None, acknowledged_by="", snoozed_until=None, note="", again_at=None, closed_at=None,
        )
        for number, rule in enumerate(["office_silent", "disk_soon", "office_silent", "office_silent"])
    ]  # fmt: skip
    [silent], [disk] = alike(alarms)
    assert ([each.id for each in silent], disk.id) == (["0", "2", "3"], "1")
    assert alike(alarms[:3]) == ([], [alarms[0], alarms[2], alarms[1]])


@contextmanager
def outlook(monkeypatch: pytest.MonkeyPatch, told: Outlook) -> Iterator[None]:
    """The page is made of this."""

    async def now(_self: object) -> Outlook:
        return told

    with monkeypatch.context() as patch:
        patch.setattr(Outlooks, "now", now)
        yield


@pytest.mark.usefixtures("alarms_by_hand")
async def test_fault_of_many_channels_is_one_card_with_one_button(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The channels are folded in it with what is alarming about each; the button and the link are about all."""
    made = await Outlooks(site.app).now()
    keys = [str(each.state.endpoint.id) for each in made.channels][:3]
    assert len(keys) == 3
    down = [
        replace(each, state=replace(each.state, endpoint=replace(each.state.endpoint, down_since=made.at)))
        for each in made.channels
    ]
    alarm = NewAlarm(
        rule="office_down", subject=keys[0], is_flash=False, since=made.at, facts={"name": "x", "channel": keys[0]}
    )
    looked = Looked(now=made.at, told_from=made.at, opened=(alarm,))
    await site.base.pump.submit(LookedOperation(), looked)
    browser = await site.signed_in(Role.OPERATOR)
    with outlook(monkeypatch, replace(made, channels=down, findings=[], troubles=[trouble(key) for key in keys])):
        text = (await browser.get("/overview/now")).text
    pressing = text.partition('id="needs"')[2].partition('id="backlog"')[0]
    card = pressing.partition("Cùng một nguyên nhân ở 3 kênh")[2].partition('<div class="cause')[0]
    assert pressing.count('action="/acts/rehearse"') == card.count('action="/acts/rehearse"') == 1
    wanted = html.unescape(re.findall(r'name="filter" value="([^"]+)"', card)[0])
    assert all(key in wanted for key in keys)
    assert (await browser.get(f"/ledger?{wanted}")).status == 200
    fold = card.partition("<details>")[2].partition("</details>")[0]
    assert [f'href="/channels/{key}"' in fold for key in keys] == [True] * 3
    assert re.search(r'href="/alerts#alarm-[^"]+">Hệ thống của cơ quan không nhận được văn bản', fold)
    assert "Xem ở đó trước khi gọi" in card
    others = len(down) - 3
    assert pressing.count('<div class="cause') == 1 + (1 if others >= 3 else others)


async def test_figures_of_the_overview_are_those_that_were_gathered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Median and p95, the week ago, the backlog by urgency with its age, the hours as a table, every channel."""
    made = await Outlooks(site.app).now()
    told = replace(
        made,
        figures=msgspec.structs.replace(made.figures, arrival=Times(count=40, median=42, p95=3 * 3600)),
        then_until_now=123,
        deliveries_then=4567,
        today=[9, *[0] * 23],
        then=[8, 7, *[0] * 22],
        waits=[
            Waits(lane=0, count=7, since=made.at - timedelta(minutes=90), held=0),
            Waits(lane=3, count=0, since=None, held=1234),
        ],
    )
    browser = await site.signed_in(Role.VIEWER)
    monkeypatch.setattr("gateway.console.overview._CHANNELS", 1)
    with outlook(monkeypatch, told):
        text = re.sub(r"\s+", " ", (await browser.get("/overview/now")).text)
    cells = re.findall(r'<div class="figure">([^<]*)</div> <div class="quiet">([^<]*)</div>', text)
    assert cells[0] == ("9", "tuần trước vào giờ này: 123")
    assert cells[1][1] == "tuần trước vào giờ này: 4.567"
    assert cells[2] == ("42 giây", "95 trên 100 lượt trong 3 giờ")
    backlog = text.partition('id="backlog"')[2].partition("</table>")[0]
    assert re.search(r'hỏa tốc</strong></th> <td class="number">7</td><td>2 tiếng</td>', backlog), backlog
    assert re.search(r'<td class="number">0<br><span class="quiet">đang giữ: 1.234</span></td><td>–</td>', backlog)
    assert '<th scope="row">0:00</th><td class="number">9</td><td class="number">8</td>' in text
    assert '<th scope="row">1:00</th><td class="number">0</td><td class="number">7</td>' in text
    table = text.partition('id="channels"')[2].partition('id="hours"')[0]
    for each in made.channels:
        assert f'href="/channels/{each.state.endpoint.id}"' in table
    assert "<details>" in table


async def test_answer_is_missed_by_the_day_on_which_it_was_due(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long ago the document was accepted; with the offices that owe most."""
    later = site.base.clock.now() + timedelta(days=50)
    day = later.astimezone(VIETNAM).date()
    outlooks = Outlooks(site.app)
    await outlooks._find_due(later)
    assert outlooks._due is not None
    before = outlooks._due[1].count
    async with site.installation.client(PROVINCE) as province:
        due = day - timedelta(days=8)
        await province.submit(document(PROVINCE, [COMMUNE], number="505", due=due))
    await outlooks._find_due(later)
    missed = outlooks._due[1]
    office = await site.base.directory.require(COMMUNE, site.base.clock.now())
    assert (missed.count, missed.offices[office.id]) == (before + 1, 1)
    browser = await site.signed_in(Role.VIEWER)
    with outlook(monkeypatch, replace(await outlooks.now(), due=missed)):
        text = (await browser.get("/overview/now")).text
    card = text.partition("Tính theo ngày đến hạn")[2]
    assert f'href="/offices/{office.id}"' in card.partition('<div class="cause')[0]

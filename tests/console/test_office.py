"""The page of an office, what belongs to a document, and the order in which a channel drains."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.accounts.roles import Role
from gateway.directory.endpoint_changes import MarkEndpoint, MarkEndpointOperation
from gateway.edxml.envelope import ResponseFor
from gateway.reasons import REASONS
from tests.console.site import Site
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import DAY, document, document_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def id_of(site: Site, code: str) -> str:
    """Of an agency."""
    return (await site.base.directory.require(code, site.base.clock.now())).id


async def test_office_page_says_what_waits_and_what_it_is_known_by(site: Site) -> None:
    """For whoever sees the ledger; a clerk sees the own office alone, nobody one that there is not."""
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE], subject="V/v <b>kiểm tra</b>"))
    page = f"/offices/{await id_of(site, COMMUNE)}"
    viewer = await site.signed_in(Role.VIEWER)
    shown = await viewer.get(page)
    assert shown.status == 200, shown.text
    assert "V/v &lt;b&gt;kiểm tra" in shown.text
    assert 'class="badge good"' in shown.text
    assert "style=" not in shown.text
    assert '<form method="post" action="/channels/' not in shown.text
    assert (await viewer.get(f"{page}/now")).status == 200
    assert (await viewer.get("/offices/none")).status == 404
    operator = await site.signed_in(Role.OPERATOR)
    acts = (await operator.get(page)).text
    assert "/pause" in acts
    sent = re.search(r'action="(/channels/\w[^"]*/test)"', acts)
    assert sent is not None
    form = {"organ_id": COMMUNE, "then": "document", "reason": "thử đường truyền"}
    done = await operator.post(sent[1], form)
    assert done.status == 303, done.text
    assert done.location.startswith("/documents/")


async def test_what_an_office_refused_stands_on_its_page_and_its_channels_with_the_way_there(site: Site) -> None:
    """It is failing on the map, too, where its channel is its own."""
    async with site.installation.client(PROVINCE) as province:
        done = await province.submit(document(PROVINCE, [COMMUNE], number="77", priority=3))
    key, delivery = await id_of(site, COMMUNE), done.deliveries[0].id
    refuse = "UPDATE delivery SET state = 'refused', state_at = state_at + 1, reason = 'peer_refused' WHERE id = ?"
    await site.base.writer.execute_many(refuse, [(delivery,)])
    viewer = await site.signed_in(Role.VIEWER)
    page = (await viewer.get(f"/offices/{key}")).text
    query = rf"kind=all&amp;recipient={key}&amp;state=refused&amp;state=dead&amp;changed=[\d-]+"
    link = rf'href="(/ledger\?{query})">1 bị từ chối'
    found = re.search(link, page)
    assert found is not None
    assert 'class="badge bad">' in page
    assert "đang lỗi" in page
    overview = (await viewer.get("/offices")).text
    assert re.search(link, overview)
    assert "UBND xã Một: đang lỗi" in overview
    channel = next(each for each in await site.base.directory.endpoints() if each.name == "commune")
    shown = (await viewer.get(f"/channels/{channel.id}")).text
    assert re.search(link.replace(f"recipient={key}", f"channel={channel.id}"), shown)
    listed = await viewer.get(html.unescape(found[1]))
    assert "77/UBND-VP" in listed.text
    await site.base.writer.execute_many("UPDATE delivery SET state = 'withdrawn' WHERE id = ?", [(delivery,)])


async def test_history_of_an_office_says_why_its_channel_went_down(site: Site) -> None:
    """As the channel's own page does."""
    endpoint = next(each for each in await site.base.directory.endpoints() if each.name == "axis")
    office, now = await site.base.directory.require(MINISTRY, site.base.clock.now()), site.base.clock.now()
    for up in (False, True):
        mark = MarkEndpoint(endpoint_id=endpoint.id, up=up, reason="" if up else "peer_busy", now=now)
        await site.base.directory.apply(site.base.pump, MarkEndpointOperation(), mark)
    page = (await (await site.signed_in(Role.VIEWER)).get(f"/offices/{office.id}")).text
    assert f"mất kết nối · {REASONS['peer_busy'].vi}" in html.unescape(page)


async def test_strip_leads_to_the_offices(site: Site) -> None:
    viewer = await site.signed_in(Role.VIEWER)
    assert f'href="/offices/{await id_of(site, COMMUNE)}"' in (await viewer.get("/offices")).text


async def test_channel_says_in_which_order_it_drains(site: Site) -> None:
    """What waits, the most urgent first; the pace is a slider."""
    channels = await site.base.directory.endpoint_states()
    operator = await site.signed_in(Role.OPERATOR)
    told = [await operator.get(f"/channels/{each.endpoint.id}") for each in channels]
    assert all(each.status == 200 for each in told)
    assert any('type="range" name="most"' in each.text and "/static/pace" in each.text for each in told)
    assert all("Thứ tự: hỏa tốc trước, rồi khẩn hơn" in each.text for each in told)


async def test_answers_and_what_they_answer_link_to_each_other(site: Site) -> None:
    """Whoever may see both goes from one to the other; another office's answer is not a clerk's to see."""
    asked = ResponseFor(
        organ_id=PROVINCE,
        code="400/UBND-VP",
        promulgation_date=DAY,
        promulgation_date_text=f"{DAY:%d/%m/%Y}",
        document_id=document_id(PROVINCE, "400"),
    )
    by_number = replace(asked, document_id="")
    elsewhere = replace(by_number, code="401/UBND-VP")
    unclear = replace(by_number, organ_id="", promulgation_date=None, promulgation_date_text="")
    written = replace(by_number, code="400 / UBND-VP", promulgation_date=None, promulgation_date_text="")
    next_day = DAY + timedelta(days=1)
    of_another_day = replace(by_number, promulgation_date=next_day, promulgation_date_text=f"{next_day:%d/%m/%Y}")
    made = site.installation
    async with made.client(PROVINCE) as province, made.client(COMMUNE) as commune, made.client(PUSHED) as other:
        question = (await province.submit(document(PROVINCE, [COMMUNE, PUSHED], number="400"))).id
        unseen = (await province.submit(document(PROVINCE, [PUSHED], number="401"))).id
        ours = (await commune.submit(document(COMMUNE, [PROVINCE], number="41", answers=asked))).id
        theirs = (await other.submit(document(PUSHED, [PROVINCE], number="42", answers=asked))).id
        loose = (await commune.submit(document(COMMUNE, [PROVINCE], number="43", answers=by_number))).id
        blind = (await commune.submit(document(COMMUNE, [PROVINCE], number="44", answers=elsewhere))).id
        twin = (await other.submit(document(PUSHED, [COMMUNE], number="400"))).id
        bare = (await commune.submit(document(COMMUNE, [PROVINCE], number="45", answers=unclear))).id
        spaced = (await commune.submit(document(COMMUNE, [PROVINCE], number="46", answers=written))).id
        late = (await commune.submit(document(COMMUNE, [PROVINCE], number="47", answers=of_another_day))).id
    viewer, clerk = await site.signed_in(Role.VIEWER), await site.signed_in(Role.CLERK)
    shown = (await viewer.get(f"/documents/{question}")).text
    replies = (ours, theirs, loose, spaced, blind, bare, late)
    assert [f'/documents/{each}"' in shown for each in replies] == [True] * 4 + [False] * 3
    assert "4 văn bản trả lời" in shown
    mine = (await clerk.get(f"/documents/{question}")).text
    assert [f'/documents/{each}"' in mine for each in replies] == [True, False, True, True] + [False] * 3
    assert f'/documents/{blind}"' in (await viewer.get(f"/documents/{unseen}")).text
    of_other = (await viewer.get(f"/documents/{twin}")).text
    assert [f'/documents/{each}"' in of_other for each in replies] == [False] * 7
    link = f'Trả lời <a href="/documents/{question}">400/UBND-VP</a>'
    for reply in (ours, loose, spaced):
        for reader in (viewer, clerk):
            assert link in (await reader.get(f"/documents/{reply}")).text
    assert f'/documents/{unseen}"' in (await viewer.get(f"/documents/{blind}")).text
    hidden = (await clerk.get(f"/documents/{blind}")).text
    assert unseen not in hidden
    assert "không có quyền xem" in hidden

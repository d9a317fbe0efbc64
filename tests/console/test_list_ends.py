"""A list that is not whole says so, and where the rest is; what would be of a part is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.accounts.roles import Role
from gateway.admin import purges
from gateway.clock import micros
from gateway.desk.register import PaperForm
from gateway.directory.importer import import_agencies
from gateway.errors import RefusedError
from gateway.ids import uuid7
from gateway.ledger.entries import Beside
from tests.console.site import Site
from tests.console.test_channels import channel_id
from tests.desk.lab import lab_of
from tests.desk.test_register import paper

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_words_that_mean_more_agencies_than_are_shown_say_so_and_filter_nothing(site: Site) -> None:
    """Nobody takes the documents of twenty offices for those of all that the words mean."""
    base = site.base
    rows = "".join(f"000.00.{number}.G55,Chi cục Thủy sản {number},department,axis\n" for number in range(51))
    report = await import_agencies(
        base.directory,
        base.pump,
        base.readers,
        f"organ_id,name,kind,endpoint\n{rows}".encode(),
        actor="operator:test",
        now=base.clock.now(),
    )
    assert not report.problems, report.problems
    admin = await site.signed_in(Role.ADMINISTRATOR)
    page = (await admin.get("/administration/agencies?q=chi cuc thuy san")).text
    assert "Chỉ hiện 50 mục đầu. Ghi thêm từ trong tên" in page
    page = (await admin.get("/administration/agencies?q=thuy san 17")).text
    assert "Chỉ hiện" not in page
    refused = await admin.get("/ledger?sender_name=chi cuc thuy san", follow=True)
    assert (refused.status, "agency_ambiguous" in refused.text) == (409, True)


async def test_comparisons_of_a_channel_are_its_own_however_many_others_have(site: Site) -> None:
    """The newest ten, and that there are more."""
    axis, other = await channel_id(site, "axis"), await channel_id(site, "pushed")
    now = site.base.clock.now()
    statement = (
        "INSERT INTO reconciliation (id, endpoint_id, day, made_at, findings, report) VALUES (?, ?, ?, ?, 0, '{}')"
    )
    days = [(axis, number) for number in range(11)] + [(other, number) for number in range(220)]
    for key, number in days:
        day = (now - timedelta(days=300 - number)).date().isoformat()
        await site.base.writer.fetch(statement, (uuid7(), key, day, micros(now)))
    viewer = await site.signed_in(Role.VIEWER)
    page = (await viewer.get(f"/channels/{axis}")).text
    assert page.count(f'href="/channels/{axis}/comparisons/') == 10
    assert "lệnh gateway reconcile list liệt kê thêm" in page


async def test_papers_of_an_order_to_destroy_go_on_over_pages(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers for it can look at each."""
    monkeypatch.setattr("gateway.console.orders._LINES", 2)
    lab = await lab_of(site.installation)
    lines = []
    for number in range(3):
        form = PaperForm(office_id=lab.office, paper=paper(f"90{number}"), beside=Beside(receiver="Văn phòng"))
        lines.append((await lab.desk.registering.register_paper(lab.clerk, form)).id)
    ask = purges.MakePurge(documents=[], papers=lines, ref="QĐ 90", reason="hết hạn")
    order = str((await purges.make_purge(site.app, ask, "operator:one"))["order"])
    admin, seen, path = await site.signed_in(Role.ADMINISTRATOR), 0, f"/requests/orders/{order}"
    page = (await admin.get(path)).text
    seen += page.count("văn bản giấy trong sổ")
    assert "Thêm văn bản giấy trong sổ" in page
    after = page.partition('href="?after=')[2].partition('"')[0]
    page = (await admin.get(f"{path}?after={after}")).text
    seen += page.count("văn bản giấy trong sổ")
    assert "Thêm văn bản giấy" not in page
    assert seen == 4, "three papers, and the button"


async def test_register_of_more_lines_than_a_book_takes_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never a part of one."""
    lab = await lab_of(site.installation)
    for number in range(3):
        form = PaperForm(office_id=lab.office, paper=paper(f"91{number}"), beside=Beside(receiver="Văn phòng"))
        day = (await lab.desk.registering.register_paper(lab.clerk, form)).day
    whole = await lab.desk.books.book(lab.office, "UBND", "in", day, day)
    assert len(whole.entries) == 3
    monkeypatch.setattr("gateway.desk.books._MOST", 2)
    with pytest.raises(RefusedError, match="parameter_invalid"):
        await lab.desk.books.book(lab.office, "UBND", "in", day, day)

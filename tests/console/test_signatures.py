"""What a clerk is told of signatures before a document is registered, and what those see who ask why one waits."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.accounts.roles import Role
from gateway.clock import micros
from gateway.console.signed import sign_of
from gateway.signatures.judgement import Judgement, Standing
from gateway.storage.pump import Transaction
from tests.console.site import Browser, Site, console
from tests.desk.lab import DeskLab, clerk_of
from tests.journeys.installation import COMMUNE
from tests.journeys.test_journey import until
from tests.unit.signatures.cms_made import CmsPlan
from tests.unit.signatures.pdf_made import blank, signed
from tests.unit.signatures.vector_cases import write_anchors

pytestmark = pytest.mark.asyncio(loop_scope="module")

_CHECKS = """
[checks]
policy = "record"
signers = "foreign/signers"
stamps = "foreign/stamps"
"""
_BOTH = (CmsPlan(member="person"), CmsPlan(member="agency"))
_ONLY = "chỉ để biết, tham khảo"
_VALID = "chữ ký cá nhân, chữ ký cơ quan: hợp lệ"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> AsyncIterator[Site]:
    """It looks at signatures, and holds nothing for them."""
    folder = tmp_path_factory.mktemp("console") / "site"
    folder.mkdir()
    write_anchors(folder / "foreign")
    async with console(folder, pki_folder, more=_CHECKS) as found:
        yield found


async def _lab(site: Site) -> DeskLab:
    """The commune's."""
    clerk = await clerk_of(site.app, COMMUNE)
    (office,) = clerk.offices
    return DeskLab(site=site.installation, app=site.app, office=office, code=COMMUNE, clerk=clerk)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def came(site: Site) -> dict[str, tuple[str, str]]:
    """Message and delivery: valid, broken, sha1 (undecided), unsigned; each has its verdict."""
    lab = await _lab(site)
    good = signed(*_BOTH).data
    contents = {
        "valid": good,
        "broken": good.replace(b"1 000 000", b"9 000 000"),
        "undecided": signed(CmsPlan(hash_name="sha1"), CmsPlan(member="agency")).data,
        "unsigned": blank().data,
    }
    found = {}
    for number, (name, content) in enumerate(contents.items(), 901):
        delivery = await lab.send(str(number), content=content)
        ((message,),) = lab.rows("SELECT message_id FROM delivery WHERE id = ?", delivery)
        found[name] = (message, delivery)

    async def examined() -> bool:
        return lab.rows("SELECT count(DISTINCT message_id) FROM verdict") == [(len(contents),)]

    await until(examined)
    return found


async def _card(browser: Browser, path: str) -> str:
    """What a page says of signatures."""
    page = await browser.get(path)
    found = re.search(r'<section class="card" id="signatures">.*?</section>', page.text, re.DOTALL)
    assert found, page.text
    return found[0]


async def test_desk_says_above_the_form_what_the_signatures_are_worth(
    site: Site, came: dict[str, tuple[str, str]]
) -> None:
    """In the clerk's words, with a sign that is good for the one document alone that is signed as the law asks."""
    browser = await site.signed_in(Role.CLERK)
    cards = {name: await _card(browser, f"/desk/in/{delivery}") for name, (_, delivery) in came.items()}
    assert _VALID in cards["valid"]
    assert _ONLY not in cards["valid"]
    assert 'badge good"' in cards["valid"]
    assert "chữ ký cá nhân: không hợp lệ; chữ ký cơ quan: không hợp lệ" in cards["broken"]
    assert "HASH_FAILURE" in cards["broken"]
    assert "không đạt – giá trị băm trong chữ ký không phải của tệp này" in cards["broken"]
    assert "chữ ký cá nhân: chưa xác định được; chữ ký cơ quan: hợp lệ" in cards["undecided"]
    assert "không có chữ ký số" in cards["unsigned"]
    for name in ("broken", "undecided", "unsigned"):
        assert _ONLY in cards[name], name
        assert _VALID not in cards[name], name
        words = cards[name].partition("<details>")[0]
        assert 'badge good"' not in words, name
    page = (await browser.get(f"/desk/in/{came['valid'][1]}")).text
    assert page.index('id="signatures"') < page.index(f'action="/desk/in/{came["valid"][1]}/register')


async def test_list_of_the_desk_bears_a_short_sign(site: Site, came: dict[str, tuple[str, str]]) -> None:
    """One of four is said to be valid."""
    browser = await site.signed_in(Role.CLERK)
    text = (await browser.get("/desk")).text
    rows = {
        name: next(row for row in text.split("<tr>") if delivery in row) for name, (_, delivery) in came.items()
    }
    said = {
        "valid": "chữ ký hợp lệ",
        "broken": "có chữ ký không hợp lệ",
        "undecided": "chữ ký chưa xác định được",
        "unsigned": "không có chữ ký số",
    }
    for name, words in said.items():
        assert f"</svg>{words}</span>" in rows[name], rows[name]
        assert (_ONLY in rows[name]) == (name != "valid"), name
        assert ('badge good"' in rows[name]) == (name == "valid"), name


@pytest.mark.usefixtures("came")
async def test_line_of_the_register_says_what_the_signatures_are_worth(site: Site) -> None:
    """Of a document that came electronically; a paper has none to be looked at."""
    lab = await _lab(site)
    delivery = await lab.send("905", content=signed(*_BOTH).data)

    async def examined() -> bool:
        statement = "SELECT v.message_id FROM verdict AS v JOIN delivery AS d USING (message_id) WHERE d.id = ?"
        return bool(lab.rows(statement, delivery))

    await until(examined)
    browser = await site.signed_in(Role.CLERK)
    done = await browser.post(f"/desk/in/{delivery}/register", {"receiver": "Phòng Tư pháp"})
    assert done.status == 303
    ((entry,),) = lab.rows("SELECT id FROM desk_entry WHERE delivery_id = ?", delivery)
    assert _VALID in await _card(browser, f"/desk/entries/{entry}")


async def test_document_page_tells_each_signature_in_both_languages(
    site: Site, came: dict[str, tuple[str, str]]
) -> None:
    """The same words, and what each signature is worth."""
    browser = await site.signed_in(Role.OPERATOR)
    card = await _card(browser, f"/documents/{came['undecided'][0]}")
    assert _ONLY in card
    assert re.findall(r"</svg>([^<]+)</span>", card) == [
        "chữ ký chưa xác định được",
        "chưa xác định được",
        "hợp lệ",
    ]
    assert "CRYPTO_CONSTRAINTS_FAILURE" in card
    assert re.search("thuật toán được chấp nhận: chưa xác định được – .{1,40} không còn giá trị chứng minh", card)
    await browser.post("/preferences", {"language": "en", "next": "/account"})
    assert "signatures of the person and of the agency: valid" in await _card(
        browser, f"/documents/{came['valid'][0]}"
    )
    card = await _card(browser, f"/documents/{came['broken'][0]}")
    assert re.findall(r"</svg>([^<]+)</span>", card) == ["a signature is not valid", "invalid", "invalid"]
    assert "for information only" in card


class _LeaveOpen:
    """A document whose verdict hangs on a CA that has not answered: message, the CA, now."""

    name = "leave_open"

    async def apply(self, tx: Transaction, payloads: Sequence[tuple[str, str, int]]) -> Sequence[None]:
        for message, authority, now in payloads:
            later = now + timedelta(hours=1) // timedelta(microseconds=1)
            row = (message, now, "{}", now, later, now)
            await tx.execute_many("check_due_insert_decided", [row])
            await tx.execute_many("check_wait_insert", [(message, "subject", authority)])
        return [None] * len(payloads)


async def test_wait_for_a_ca_is_shown_with_whom_it_waits_for(site: Site, came: dict[str, tuple[str, str]]) -> None:
    """To the clerk, on the document's page, and in the list of all that wait."""
    message, delivery = came["undecided"]
    now = site.base.clock.now()
    await site.base.pump.submit(_LeaveOpen(), (message, "Ban Cơ yếu <CA>", micros(now)))
    clerk, auditor = await site.signed_in(Role.CLERK), await site.signed_in(Role.AUDITOR)
    for card in (await _card(clerk, f"/desk/in/{delivery}"), await _card(auditor, f"/documents/{message}")):
        assert "đang chờ thông tin thu hồi" in card
        assert "Ban Cơ yếu &lt;CA&gt;" in card
        assert _ONLY in card
    for who in (await site.signed_in(Role.OPERATOR), auditor):
        listed = await who.get("/queues?show=signatures")
        (row,) = (each for each in listed.text.split("<tr>") if message in each)
        assert "Ban Cơ yếu &lt;CA&gt;" in row
        assert f'datetime="{now:%Y-%m-%dT%H:%M}' in row
        assert "đã quyết định khi CA chưa trả lời" in row
        assert came["valid"][0] not in listed.text
    refresher = site.app.checks.refresher
    refresher._count_at = None
    await refresher.run_once()
    overview = (await auditor.get("/")).text
    assert "1 văn bản đã được quyết định khi CA chưa trả lời" in overview
    assert 'href="/queues?show=signatures"' in overview


@pytest.mark.parametrize(
    ("person", "agency", "others", "unseen", "tone", "words"),
    [
        ("valid", "valid", "absent", False, "good", "signatures valid"),
        ("valid", "valid", "undecided", False, "wait", "signatures not decided"),
        ("valid", "valid", "absent", True, "wait", "signatures cannot all be seen"),
        ("valid", "absent", "absent", False, "wait", "a signature is missing"),
        ("absent", "absent", "valid", False, "wait", "a signature is missing"),
        ("undecided", "invalid", "absent", True, "bad", "a signature is not valid"),
        ("absent", "absent", "absent", False, "wait", "no digital signature"),
        ("absent", "absent", "absent", True, "wait", "signatures cannot all be seen"),
    ],
)
async def test_sign_is_no_better_than_the_judgement(
    person: str,
    agency: str,
    others: str,
    unseen: bool,  # noqa: FBT001 - a parameter of the test
    tone: str,
    words: str,
) -> None:
    judgement = Judgement(
        person=Standing(person), agency=Standing(agency), others=Standing(others), unseen=unseen, vi="", en=""
    )
    sign = sign_of(judgement)
    assert (sign.tone, sign.text, sign.as_the_law_asks) == (tone, words, judgement.as_the_law_asks)

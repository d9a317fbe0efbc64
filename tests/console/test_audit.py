"""Audit pages: an inspector asks, takes evidence, verifies it, and leaves a trace that auditors alone see."""

from __future__ import annotations

import asyncio
import html
import io
import re
import zipfile
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

import gateway.verifying
from gateway.accounts.roles import Role
from gateway.admin.export import ExportDocument, exported
from gateway.api import models
from gateway.clock import VIETNAM
from gateway.console.audit import _folded, _verifying
from gateway.console.live import _topics
from gateway.edxml.envelope import BusinessType
from gateway.inquiry.bulk import BulkExports
from gateway.ledger.inquiries import LookupAct, record_lookup
from gateway.ledger.params import as_json
from gateway.ledger.tree import LogReads
from gateway.transparency.merkle import Frontier
from tests.console.site import LOGINS, Browser, Site
from tests.journeys.installation import COMMUNE, PROVINCE, make_pki
from tests.journeys.messages import document, document_id
from tests.journeys.test_log import signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEADERS = {"Sec-Fetch-Site": "same-origin"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent(site: Site) -> models.Accepted:
    """One document is in the ledger."""
    async with site.installation.client(PROVINCE) as province:
        return await province.submit(document(PROVINCE, [COMMUNE]))


@pytest_asyncio.fixture(loop_scope="module")
async def auditor(site: Site) -> Browser:
    """Signed in."""
    return await site.signed_in(Role.AUDITOR)


async def fetched(browser: Browser, path: str, **fields: str) -> tuple[int, bytes]:
    """What a form of ours answers, in bytes."""
    form = {"form-token": browser.token} | fields
    async with browser.session.post(browser.origin + path, data=form, headers=HEADERS) as answer:
        return answer.status, await answer.read()


async def verified(browser: Browser, file: bytes, *anchors: tuple[str, bytes], status: int = 200) -> str:
    """The page about a file that was dropped, by the anchors beside it."""
    await browser.get("/audit/log")
    form = aiohttp.FormData()
    for name, content in anchors:
        form.add_field("anchors", content, filename=name, content_type="application/octet-stream")
    form.add_field("file", file, filename="goi.asice", content_type="application/octet-stream")
    address = f"{browser.origin}/audit/verify?form-token={browser.token}"
    async with browser.session.post(address, data=form, headers=HEADERS) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text


def zipped(files: dict[str, bytes]) -> bytes:
    """As one file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


async def number_of(site: Site, message_id: str) -> str:
    """As the document bears it."""
    row = await site.base.readers.fetch_one("message_get_summary", (message_id,))
    assert row is not None
    return f"{row[5]}/{row[6]}"


async def test_document_is_found_and_told_in_a_sentence(
    site: Site, sent: models.Accepted, auditor: Browser
) -> None:
    """With its grade; the question in another spelling."""
    number = await number_of(site, sent.id)
    spelt = "000" + number.replace("/", " / ").lower()
    page = await auditor.get(f"/audit?number={spelt}&year=2026&office={COMMUNE}".replace(" ", "%20"))
    if "Không tìm thấy" in page.text:  # of another year
        page = await auditor.get(f"/audit?number={spelt}".replace(" ", "%20"))
    assert page.status == 200, page.text
    assert f"Văn bản {number}" in page.text
    assert "bậc " in page.text
    named = await auditor.get(f"/audit?number={spelt}&office=xa mot".replace(" ", "%20"))
    assert f"Văn bản {number}" in named.text


async def test_bundle_is_taken_and_passes_when_it_is_dropped_again(sent: models.Accepted, auditor: Browser) -> None:
    """By the anchors of this installation; a file with another byte does not."""
    await auditor.get(f"/audit?number={sent.id}")
    status, file = await fetched(auditor, f"/audit/bundle/{sent.id}", reason="thanh tra")
    assert status == 200
    assert file[:2] == b"PK"
    told = await verified(auditor, file)
    assert "goi.asice" in told
    assert '<th scope="row" class="long">Biên nhận của trục khi tiếp nhận văn bản' in told
    assert '<th scope="row" class="long"><code' not in told  # a check without words
    assert "nội dung văn bản có đúng sự thật hay không" in told
    assert '<span class="quiet">phiên bản 1</span>' in told
    assert re.search(r'<span class="quiet">\d+ mục</span>', told)
    assert not re.findall(r'<td class="long">[a-z_]+ ?<', told), "a reason without words"
    assert "badge bad" not in told
    place = len(file) // 2
    changed = file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]
    assert "badge bad" in await verified(auditor, changed)
    assert "badge bad" in await verified(auditor, b"no bundle at all")


async def test_thousands_of_checks_stand_in_few_lines_and_what_failed_in_its_own() -> None:
    """Those of one sort that came to the same."""

    def check(name: str, verdict: str = "PASSED") -> dict[str, object]:
        return {"name": name, "verdict": verdict, "reason": "", "detail": "", "counts": True}

    many = [check(f"messages.{number}.digest") for number in range(1000)]
    wrong = [check(f"leaf.{number}", "FAILED") for number in range(20)]
    told = [(each["name"], times) for each, times in _folded([check("manifest"), *many, *wrong])]
    assert told == [("manifest", 1), ("messages", 1000), *((f"leaf.{number}", 1) for number in range(20))]


async def test_anchors_from_outside_decide_where_they_are_given(
    site: Site, sent: models.Accepted, auditor: Browser, pki_folder: Path
) -> None:
    """A ZIP or single files; without them the page says whose anchors decided, and those of others do not pass."""
    settings = site.base.settings
    await auditor.get(f"/audit?number={sent.id}")
    _, file = await fetched(auditor, f"/audit/bundle/{sent.id}", reason="thanh tra")
    assert "theo neo của chính hệ thống này" in await verified(auditor, file)
    cas = {path.name: path.read_bytes() for path in settings.seal.anchors.glob("*.pem")}
    vkey = settings.log.vkey.read_bytes()
    folder = {f"neo/seal/{name}": content for name, content in cas.items()} | {"neo/log.vkey": vkey}
    for anchors in ([("neo.zip", zipped(folder))], [*cas.items(), ("log.vkey", vkey)]):
        told = await verified(auditor, file, *anchors)
        assert "theo neo tin cậy bạn mang theo" in told
        assert "badge bad" not in told
        assert vkey.decode().strip() in html.unescape(told)
    make_pki(stranger := pki_folder.parent / "stranger")
    others = [path for path in (stranger / "anchors" / "seal").glob("*.pem") if not path.name.endswith(".crl.pem")]
    told = await verified(auditor, file, *((path.name, path.read_bytes()) for path in others))
    assert "badge good" in told  # of the anchors
    assert "badge bad" in told or "badge wait" in told
    for bad in (
        ("x.pem", b"no certificate"),
        ("log.vkey", vkey),
        ("x.zip", zipped({"seal/../../x.pem": b""})),
        ("x.zip", zipped({"seal/x.pem": b" " * 300_000})),
    ):
        assert "anchors_unreadable" in await verified(auditor, file, bad, status=422)


async def test_page_that_verifies_elsewhere_is_handed_out_and_never_shown(site: Site, auditor: Browser) -> None:
    """It may be saved; in this origin it is no page, and its script may not run."""
    assert "/audit/verify.html" in (await auditor.get("/audit/verify")).text
    async with auditor.session.get(auditor.origin + "/audit/verify.html") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert await answer.read() == Path(gateway.verifying.__file__).with_name("verify.html").read_bytes()
    clerk = await site.signed_in(Role.CLERK)
    assert (await clerk.get("/audit/verify.html")).status == 403


async def test_evidence_that_auditors_take_is_told_to_auditors_alone(
    site: Site, sent: models.Accepted, auditor: Browser
) -> None:
    """Who is looked into reads it in no story, feed, list of readings or later bundle; the event has the seal."""
    base = site.base
    await auditor.get(f"/audit?number={sent.id}")
    for address in (f"/audit/bundle/{sent.id}", f"/documents/{sent.id}/bundle"):
        assert (await fetched(auditor, address, reason="thanh tra bí mật"))[0] == 200
    exports = BulkExports()
    bulk = exports.begin(
        base, site.app.key, site.app.gateway.room, actor="user:x", documents=[sent.id], reason="thanh tra bí mật"
    )
    assert bulk.task is not None
    await bulk.task
    assert not bulk.missing
    await exports.close()
    for told in ("event_list_shown", "event_list_told"):
        rows = await base.readers.fetch(told, {"message": sent.id, "limit": 99})
        assert "document.exported" not in {row[1] for row in rows}
    assert "exported" not in {row[3] for row in await base.readers.fetch("reading_list_of_message", (sent.id,))}
    taken = await base.writer.fetch("SELECT leaf FROM event WHERE kind = 'document.exported' ORDER BY seq")
    assert len(taken) >= 3
    assert all(b'"seal"' in leaf and sent.id.encode() not in leaf for (leaf,) in taken)
    user = await base.users.require(LOGINS[Role.AUDITOR])
    ask = ExportDocument(document=sent.id, reason="thanh tra bí mật")
    async with exported(base, site.app.key, ask, user.actor):  # as until now
        pass
    for role in (Role.VIEWER, Role.OPERATOR, Role.ADMINISTRATOR):
        page = await (await site.signed_in(role)).get(f"/documents/{sent.id}")
        assert page.status == 200
        assert "thanh tra bí mật" not in page.text
    sender = (await base.directory.require(PROVINCE, base.clock.now())).id
    page_of = {"after": 0, "upto": 2**62, "agencies": as_json([sender]), "limit": 10_000}
    feed = {(row[1], row[3]) for row in await base.readers.fetch("event_list_since", page_of)}
    assert ("document.accepted", sent.id) in feed
    assert "document.exported" not in {kind for kind, _ in feed}
    async with exported(base, site.app.key, ask, "user:operator"):
        pass
    told_of_others = await (await site.signed_in(Role.VIEWER)).get(f"/documents/{sent.id}")
    assert "thanh tra bí mật" in told_of_others.text
    assert "thanh tra bí mật" in (await auditor.get("/audit/lookups")).text


async def test_bundles_are_made_in_bulk(sent: models.Accepted, auditor: Browser) -> None:
    """What makes none is named in the file."""
    await auditor.get(f"/audit?number={sent.id}")
    form = aiohttp.FormData([("form-token", auditor.token), ("document", sent.id), ("document", "0" * 36)])
    async with auditor.session.post(
        auditor.origin + "/audit/exports", data=form, headers=HEADERS, allow_redirects=False
    ) as answer:
        assert answer.status == 303, await answer.text()
    running = [task for task in asyncio.all_tasks() if task.get_name().startswith("export:")]
    await asyncio.gather(*running)
    assert "/audit/exports/file" in (await auditor.get("/audit/exports")).text
    async with auditor.session.get(auditor.origin + "/audit/exports/file") as answer:
        archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert archive.namelist() == [f"{sent.id}.asice", "missing.txt"]
    assert archive.testzip() is None


async def test_bundles_of_all_that_fits_a_filter_are_made(
    sent: models.Accepted, auditor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the ledger's page; refused where it is more than one export takes."""
    ledger = (await auditor.get("/ledger?state=queued")).text
    assert '<input type="hidden" name="filter" value="state=queued">' in ledger
    assert "/audit/exports" not in (await auditor.get("/ledger")).text
    assert (await auditor.post("/audit/exports", {"filter": "state=queued"})).status in {200, 303}
    running = [task for task in asyncio.all_tasks() if task.get_name().startswith("export:")]
    await asyncio.gather(*running)
    async with auditor.session.get(auditor.origin + "/audit/exports/file") as answer:
        archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert f"{sent.id}.asice" in archive.namelist()
    assert "missing.txt" not in archive.namelist()
    await auditor.get("/audit")
    monkeypatch.setattr("gateway.console.audit.MOST_DOCUMENTS", 0)
    assert (await auditor.post("/audit/exports", {"filter": "state=queued"})).status == 422
    assert (await auditor.post("/audit/exports", {"filter": "nonsense=1"})).status == 422


async def test_export_that_cannot_be_written_ends_and_another_one_begins(
    site: Site, sent: models.Accepted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves nobody with an export that is being made for ever; what nobody fetches goes by itself."""
    exports = BulkExports()
    begin: dict[str, Any] = {"actor": "user:x", "documents": [sent.id], "reason": "x"}
    with monkeypatch.context() as patch, open("/dev/full", "wb", buffering=0) as full:  # noqa: ASYNC230, PTH123
        given, unnamed = iter([full]), site.base.bodies.unnamed
        patch.setattr(site.base.bodies, "unnamed", lambda: next(given, None) or unnamed())
        failed = exports.begin(site.base, site.app.key, site.app.gateway.room, **begin)
        assert failed.task is not None
        await failed.task
    assert (failed.failed, failed.file, failed.finished_at is not None) == ("disk_nearly_full", None, True)
    monkeypatch.setattr("gateway.inquiry.bulk.KEPT_FOR", timedelta())
    made = exports.begin(site.base, site.app.key, site.app.gateway.room, **begin)
    assert made.task is not None
    file = made.file
    await made.task
    assert (made.failed, made.done) == ("", 1)
    await asyncio.sleep(0)  # the timer's turn
    assert file is not None
    assert file.closed


async def test_files_for_people_leave_the_room_that_documents_need(
    site: Site, sent: models.Accepted, auditor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is nearly full takes no file to verify, makes no bundle, export or sheet; one file at once."""
    user = await site.base.users.require(LOGINS[Role.AUDITOR])
    with _verifying.one(user.id):
        assert "rate_limited" in await verified(auditor, b"a bundle", status=429)
    kept = site.base.settings.storage.min_free_bytes
    monkeypatch.setattr(site.app.gateway.intake._bodies, "free_bytes", lambda: kept + 100)
    assert "disk_nearly_full" in await verified(auditor, b"a bundle" * 100, status=503)
    assert (await auditor.get("/ledger/lines.csv")).status == 503
    await auditor.get("/audit")
    for path in (f"/audit/bundle/{sent.id}", f"/documents/{sent.id}/bundle"):
        assert (await auditor.post(path, {"reason": "thanh tra"})).status == 503
    exports = BulkExports()
    export = exports.begin(
        site.base, site.app.key, site.app.gateway.room, actor="user:x", documents=[sent.id], reason="x"
    )
    assert export.task is not None
    await export.task
    assert (export.failed, export.done, site.app.gateway.intake.reserved) == ("disk_nearly_full", 0, 0)


async def test_export_of_another_person_is_not_found(site: Site) -> None:
    """Each has one of his own."""
    other = await site.signed_in(Role.VIEWER)
    assert (await other.get("/audit/exports/file")).status == 403


async def test_what_is_not_there_is_told_with_what_can_be_proved(
    site: Site, sent: models.Accepted, auditor: Browser
) -> None:
    page = await auditor.get(f"/audit?number=9999/KHONG-CO&office={PROVINCE}")
    assert page.status == 200
    assert "Sổ không có văn bản 9999/KHONG-CO" in page.text
    number = await number_of(site, sent.id)
    other_year = await auditor.get(f"/audit?number={number}&year=1999")
    assert f"Sổ không có văn bản {number} năm 1999" in other_year.text
    assert "văn bản cùng số ở năm khác" in other_year.text
    assert f'href="/audit?number={number.replace("/", "%2F")}"' in other_year.text
    status, told = await fetched(
        auditor, "/audit/absence", issuer=PROVINCE, number="9999/KHONG-CO", first="2026-01-01", last="2026-01-01"
    )
    assert status == 409, told  # that day is not closed


async def test_log_is_held_against_what_was_signed_before(site: Site, auditor: Browser) -> None:
    """Since a day, and against a checkpoint that somebody kept."""
    page = await auditor.get("/audit/log?since=2020-01-01")
    assert page.status == 200
    assert "không nhất quán" not in page.text
    assert (await auditor.get("/audit/log?since=never")).status == 422


async def test_text_that_is_no_checkpoint_says_nothing_of_the_log(
    site: Site, auditor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what this log's key signed can tell that it is not consistent; what was pasted stays in the form."""
    await signed(site.installation)
    reads = LogReads(site.base.readers)
    kept = await reads.latest()
    assert kept is not None
    note = kept.note.decode()
    tree = replace(await reads.tree(), frontier=Frontier(size=0, hashes=()))

    async def shorter(_: LogReads) -> object:
        return tree

    async def other(_: LogReads, size: int) -> bytes:
        return bytes(32) if size else b""

    async def pasted(text: str) -> str:
        await auditor.get("/audit/log")
        return html.unescape((await auditor.post("/audit/log", {"note": text})).text)

    for text, word in (
        ("no checkpoint", "không phải mốc ký"),
        (note.replace(b64encode(kept.root).decode(), "A" * 43 + "="), "không do nhật ký này ký"),
    ):
        page = await pasted(text)
        assert word in page
        assert text.split("\n")[0] in page.split("<textarea")[1]
        assert "không nhất quán" not in page
        assert "badge bad" not in page
    assert "badge good" in await pasted(note)
    for name, fake, told in (("tree", shorter, "bị cắt bớt"), ("root_at", other, "các mục khác")):
        with monkeypatch.context() as patch:
            patch.setattr(LogReads, name, fake)
            page = await pasted(note)
        assert "không nhất quán" in page
        assert told in page


async def test_log_that_was_changed_is_told_in_the_readers_language(
    site: Site, auditor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do; the proof's own words stand apart."""
    await signed(site.installation)
    async with site.installation.client(PROVINCE) as province:
        await province.submit(document(PROVINCE, [COMMUNE]))
    await signed(site.installation)
    whole = LogReads.consistency

    async def forged(reads: LogReads, old: int, new: int) -> list[bytes]:
        return [bytes(32) for _ in await whole(reads, old, new)]

    monkeypatch.setattr(LogReads, "consistency", forged)
    page = (await auditor.get("/audit/log?since=2020-01-01")).text
    assert "không nhất quán" in page
    assert "Nhật ký hôm nay không mở đầu bằng" in page
    assert "gateway fsck" in page


async def test_record_of_looks_is_filtered_and_leads_to_the_documents(
    site: Site, sent: models.Accepted, auditor: Browser
) -> None:
    """By person, day and document; in words."""
    await auditor.get(f"/documents/{sent.id}")
    await auditor.get("/audit?number=8765/LOC-TIM")
    await fetched(auditor, "/audit/absence", issuer=PROVINCE, number="9/X", first="2026-01-01", last="2026-01-01")
    found = (await auditor.get(f"/audit/lookups?text={sent.id}&who={LOGINS[Role.AUDITOR]}")).text
    assert f'<a href="/documents/{sent.id}">' in found
    assert "8765/LOC-TIM" not in found
    today = site.base.clock.now().astimezone(VIETNAM).date()
    assert "8765/LOC-TIM" in (await auditor.get(f"/audit/lookups?day={today}&text=LOC-TIM")).text
    page = (await auditor.get("/audit/lookups")).text
    assert "không có văn bản như vậy: 9/X" in page
    assert "none: " not in page
    await auditor.get("/audit/log?since=2020-01-31")
    for act, asked in (
        (LookupAct.OPENED, f"draft 7 {COMMUNE}"),
        (LookupAct.TAKEN, f"register in {COMMUNE} 2026-01-01 - 2026-12-31"),
    ):
        now = site.base.clock.now()
        await record_lookup(site.base.pump, act=act, actor="user:x", question=asked, found=1, now=now)
    page = (await auditor.get("/audit/lookups")).text
    assert '<td class="long">31/01/2020</td>' in page
    assert f"bản nháp 7 của {COMMUNE}" in page
    assert f"sổ văn bản đến của {COMMUNE}, từ 01/01/2026 đến 31/12/2026" in page
    for nothing in ("day=2020-01-01", "who=nobody", "text=KHONG-AI-HOI"):
        assert "Không ai tra cứu như vậy" in (await auditor.get(f"/audit/lookups?{nothing}")).text
    assert (await auditor.get("/audit/lookups?day=never")).status == 422


async def test_recall_and_what_it_recalls_lead_to_each_other(site: Site, auditor: Browser) -> None:
    async with site.installation.client(PROVINCE) as province:
        first = await province.submit(document(PROVINCE, [COMMUNE], number="6401"))
        about = document_id(PROVINCE, "6401")
        recall = document(PROVINCE, [COMMUNE], number="6402", business=BusinessType.RECALL, about=about)
        second = await province.submit(recall)
    assert f'<a href="/documents/{second.id}">6402/' in (await auditor.get("/audit?number=6401")).text
    page = (await auditor.get("/audit?number=6402")).text
    assert "Thu hồi văn bản" in page
    assert f'<a href="/documents/{first.id}">' in page


async def test_lookups_are_seen_by_auditors_alone(site: Site, auditor: Browser) -> None:
    """Also not by whoever administers."""
    await auditor.get("/audit?number=4711/TRA-CUU")
    assert (await auditor.get(f"/audit/lookups?before={'9' * 30}")).status == 200
    page = await auditor.get("/audit/lookups")
    assert "4711/TRA-CUU" in page.text
    for role in (Role.VIEWER, Role.CLERK, Role.OPERATOR, Role.ADMINISTRATOR):
        other = await site.signed_in(role)
        assert (await other.get("/audit/lookups")).status == 403
        assert (await other.get("/audit?number=1")).status == 403


@pytest.mark.parametrize("query", ["number=%20/%20", "number=1&year=26", "number=1&office=999.99.99.H99"])
async def test_question_that_asks_nothing_is_refused_in_words(auditor: Browser, query: str) -> None:
    page = await auditor.get(f"/audit?{query}")
    assert page.status in {404, 422}, page.text
    # what is said in English is for those who mend it
    assert ("Chi tiết kỹ thuật" in page.text) == ("office" not in query)


async def test_subject_of_a_stranger_stays_text(site: Site, auditor: Browser) -> None:
    """What a sender wrote is never markup."""
    async with site.installation.client(PROVINCE) as province:
        bad = document(PROVINCE, [COMMUNE], subject="<script>alert(1)</script>")
        accepted = await province.submit(bad)
    page = await auditor.get(f"/audit?number={accepted.id}")
    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


async def test_open_pages_are_not_told_that_somebody_looks_something_up() -> None:
    """Streams of changes go to everybody."""
    assert _topics(frozenset({"lookup.made", "document.accepted"})) == {"document"}

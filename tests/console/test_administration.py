"""Administration pages: who may change does, with a reason; auditors read the same and change nothing."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.accounts.roles import Permission, Role
from gateway.admin.directory import ConfigureEndpoint, configure_endpoint
from gateway.config import settings as config
from gateway.config import values
from gateway.console import administration, settings_shown
from gateway.console.routes import ROUTES
from gateway.console.setting_words import MEANINGS
from gateway.endings import Ending
from gateway.transparency.note import Algorithm, VerifierKey
from tests.console.site import LOGINS, PASSWORD, Site
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = [
    "", "/agencies", "/agencies?q=ubnd", "/users", "/certificates", "/settings", "/vendors",
    f"/vendors?office={PROVINCE}",
    "/routing", f"/routing?from={PROVINCE}&to={COMMUNE}+999.99.99.H99",
]  # fmt: skip


async def kinds(site: Site) -> list[str]:
    """Of the newest events."""
    rows = await site.base.writer.fetch("SELECT kind FROM event ORDER BY seq DESC LIMIT 5")
    return [row[0] for row in rows]


async def count(site: Site, kind: str) -> int:
    """Events of a kind."""
    return int((await site.base.writer.fetch("SELECT COUNT(*) FROM event WHERE kind = ?", (kind,)))[0][0])


def once_of(text: str, act: str) -> str:
    """The mark in the form of an act."""
    found = re.search(rf'name="act" value="{act}"><input type="hidden" name="once" value="([^"]+)"', text)
    assert found is not None
    return found[1]


async def own_page(site: Site, code: str) -> str:
    """The address of an agency's page."""
    agency = await site.base.directory.require(code, site.base.clock.now())
    return f"/administration/agencies/{agency.id}"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR], ids=str)
async def test_page_is_read_by_auditors_and_administrators(site: Site, role: Role, page: str) -> None:
    browser = await site.signed_in(role)
    answer = await browser.get(f"/administration{page}")
    assert answer.status == 200, answer.text
    assert "style=" not in answer.text


async def test_auditor_is_given_no_form_that_changes_anything(site: Site) -> None:
    """None is shown, and every route that changes refuses him."""
    auditor = await site.signed_in(Role.AUDITOR)
    for page in ("/administration/users", await own_page(site, COMMUNE)):
        content = (await auditor.get(page)).text.split('<main id="content"')[1]
        assert '<form method="post"' not in content
    for route in ROUTES:
        if route.permission in {Permission.ADMINISTER, Permission.OPERATE, Permission.DESK}:
            path = re.sub(r"\{\w+\}", "1", route.path)
            answer = await (auditor.post(path) if route.method == "POST" else auditor.get(path))
            assert answer.status == 403, path


async def test_token_is_shown_once_and_counts(site: Site) -> None:
    """In the answer to the form alone; then it is listed and revoked."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    page = await own_page(site, COMMUNE)
    form = {"act": "token", "label": "máy thử", "days": "30", "reason": "thử nghiệm"}
    form["once"] = once_of((await admin.get(page)).text, "token")
    made = await admin.post(page, form)
    assert made.status == 200, made.text
    found = re.search(r"<dt>token</dt><dd><code class=\"long\">([^<]+)</code>", made.text)
    assert found is not None
    shown = await admin.get(page)
    assert found[1] not in shown.text
    assert "máy thử" in shown.text
    assert "credential.issued" in await kinds(site)
    credential = re.findall(r'name="credential" value="([^"]+)"', shown.text)[0]
    gone = await admin.post(page, {"act": "revoke", "credential": credential, "reason": "thử nghiệm"}, follow=True)
    assert gone.status == 200
    assert "credential.revoked" in await kinds(site)


async def test_act_without_a_reason_changes_nothing(site: Site) -> None:
    admin = await site.signed_in(Role.ADMINISTRATOR)
    page = await own_page(site, COMMUNE)
    await admin.get(page)
    before = await kinds(site)
    once = once_of((await admin.get(page)).text, "token")
    without = {"act": "token", "label": "x", "days": "3", "once": once}
    for form in (without, {"act": "nothing", "reason": "thử nghiệm"}):
        assert (await admin.post(page, form)).status == 422
    assert await kinds(site) == before
    assert (await admin.get("/administration/agencies/none")).status == 404


async def test_reload_of_an_answer_with_a_secret_issues_no_second_one(site: Site) -> None:
    """The browser sends the form again: the page says that nothing was issued. A refused form may be mended."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    viewer = await site.base.users.require(LOGINS[Role.VIEWER])
    agency, user = await own_page(site, COMMUNE), f"/administration/users/{viewer.id}"
    for page, act, kind, fields in (
        (agency, "token", "credential.issued", {"label": "hai lần", "days": "30"}),
        (agency, "enrol", "enrolment.offered", {}),
        (user, "reset", "user.reset", {}),
    ):
        form = {"act": act, "once": once_of((await admin.get(page)).text, act), **fields}
        before = await count(site, kind)
        assert (await admin.post(page, form)).status == 422  # no reason
        form["reason"] = "thử nghiệm"
        assert (await admin.post(page, form)).status == 200
        for again in (form, form | {"once": "x"}, form | {"once": ""}):
            told = await admin.post(page, again, follow=True)
            assert "Biểu mẫu này đã được gửi trước đó" in told.text, (act, again)
        assert await count(site, kind) == before + 1
    await site.base.users.choose_password(viewer, PASSWORD, session="", now=site.base.clock.now())


async def test_user_is_added_changed_and_let_in_no_more(site: Site) -> None:
    """The first password is shown once; a disabled user's sessions end."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    await admin.get("/administration/users")
    made = await admin.post(
        "/administration/users",
        {"login": "nguoi.moi", "name": "<b>Người mới</b>", "role": "viewer", "reason": "thử nghiệm"},
    )
    assert made.status == 200, made.text
    password = re.search(r"<dd><code>([^<]+)</code></dd>", made.text)
    assert password is not None
    assert "<b>Người mới" not in made.text
    user = await site.base.users.require("nguoi.moi")
    page = f"/administration/users/{user.id}"
    shown = await admin.get(page)
    assert password[1] not in shown.text
    rights = {"act": "rights", "name": "Người mới", "role": "clerk", "offices": COMMUNE, "reason": "thử nghiệm"}
    assert (await admin.post(page, rights)).status == 303
    assert (await site.base.users.require("nguoi.moi")).role is Role.CLERK
    assert (await admin.post(page, {"act": "disable", "reason": "thử nghiệm"})).status == 303
    assert (await site.base.users.require("nguoi.moi")).disabled_at is not None
    assert "user.disabled" in await kinds(site)


async def test_administrator_changes_the_own_name_and_no_right_of_the_own(site: Site) -> None:
    """Another one must, so nobody reads alone what auditors look up; a forged form is refused as well."""
    admin = await site.signed_in(Role.ADMINISTRATOR)
    user = await site.base.users.require(LOGINS[Role.ADMINISTRATOR])
    page, form = f"/administration/users/{user.id}", {"act": "rights", "name": user.name, "reason": "thử nghiệm"}
    shown = await admin.get(page)
    assert "Không ai tự đổi vai trò hay quyền của chính mình." in shown.text
    assert ('name="role"' in shown.text, 'name="preview"' in shown.text) == (False, False)
    for more in ({"role": "auditor"}, {"role": "administrator", "preview": "1"}):
        refused = await admin.post(page, form | more)
        assert (refused.status, "own_rights" in refused.text) == (403, True)
    now = await site.base.users.require(user.login)
    assert (now.role, now.may_preview) == (Role.ADMINISTRATOR, False)
    assert (await admin.post(page, form)).status == 303


@pytest.mark.parametrize("path", ["/administration/routing", "/audit", "/audit/log"])
async def test_parts_of_a_page_say_which_one_is_open(site: Site, path: str) -> None:
    """One of them, beside the row of the menu."""
    auditor = await site.signed_in(Role.AUDITOR)
    head = (await auditor.get(path)).text.partition('<div class="head">')[2].partition("</nav>")[0]
    assert head.count("aria-current") == 1
    assert f'href="{path}" aria-current="page"' in head


async def test_routing_says_who_gets_it_and_who_does_not(site: Site) -> None:
    """By the same rules as acceptance."""
    auditor = await site.signed_in(Role.AUDITOR)
    page = await auditor.get(f"/administration/routing?from={PROVINCE}&to={COMMUNE},999.99.99.H99")
    assert "recipient_unknown" in page.text
    assert page.text.count('class="badge good"') == 1
    named = await auditor.get("/administration/routing?from=xa+mot&to=xa+hai;+999.99.99.H99")
    assert f'<th scope="row">{PUSHED}</th>' in named.text
    assert "recipient_unknown" in named.text


async def test_routing_knows_size_and_business_type(site: Site) -> None:
    """As sending does: too large for the channel, or of a type that the other side may not understand."""
    auditor = await site.signed_in(Role.AUDITOR)
    asked = f"/administration/routing?from={PROVINCE}&to={COMMUNE}"
    agency = await site.base.directory.require(COMMUNE, site.base.clock.now())
    assert agency.endpoint is not None
    most = agency.endpoint.capabilities.max_bytes / 1024**2
    fits, over = str(int(most)), f"{int(most) + 1},5"
    assert "too_large_for_peer" not in (await auditor.get(f"{asked}&size={fits}")).text
    refused = await auditor.get(f"{asked}&size={over}")
    assert "too_large_for_peer" in refused.text
    assert 'class="badge good"' not in refused.text
    assert f'value="{over}"' in refused.text
    assert (await auditor.get(f"{asked}&size=lớn")).status == 422
    change: dict[str, object] = {"document_types": ["0"]}
    request = ConfigureEndpoint(name=agency.endpoint.name, capabilities=change, reason="thử nghiệm")
    await configure_endpoint(site.app, request, "operator:test")
    assert "có thể không hiểu" not in (await auditor.get(f"{asked}&type=0")).text
    recall = await auditor.get(f"{asked}&type=1")
    assert f"Hệ thống của {COMMUNE} có thể không hiểu loại nghiệp vụ 1." in recall.text
    assert '<option value="1" selected>' in recall.text
    back = ConfigureEndpoint(
        name=request.name, capabilities={"document_types": ["0", "1", "2", "3"]}, reason="thôi"
    )
    await configure_endpoint(site.app, back, "operator:test")


async def test_settings_say_where_they_come_from(site: Site, tmp_path: Path) -> None:
    """The file or the default; what might be a secret is masked."""
    file = tmp_path / "config.toml"
    file.write_text('[mail]\nurl = ""\n\n[log]\nquorum = 1\n', encoding="utf-8")
    settings = config.parse({"log": {"quorum": 1}}, folder=tmp_path)
    found = settings_shown.shown(settings, file)
    log = {each.name: each for each in found["log"]}
    assert log["quorum"].is_set
    assert not log["vkey"].is_set
    page = await (await site.signed_in(Role.AUDITOR)).get("/administration/settings")
    assert str(site.app.config_path) in page.text


async def test_what_a_certificate_and_a_channel_are_for_is_said_in_words(site: Site) -> None:
    """The names of the settings and of the program stand beside, or not at all."""
    browser = await site.signed_in(Role.ADMINISTRATOR)
    certificates = (await browser.get("/administration/certificates")).text
    assert 'dấu tiếp nhận <code class="quiet">seal</code>' in certificates
    agency = await site.base.directory.require(PUSHED, site.base.clock.now())
    page = (await browser.get(f"/administration/agencies/{agency.id}")).text
    assert '<span class="quiet">đẩy tới phần mềm của cơ quan</span>' in page
    assert ">certificate</td>" not in page
    empty = (await browser.get("/administration/routing")).text
    assert "Văn bản sẽ đi đâu?" in empty


async def test_every_setting_says_what_it_means_in_both_languages(site: Site, tmp_path: Path) -> None:
    """Those of protocols and of sections within a section, too; no meaning is left over."""
    file = tmp_path / "config.toml"
    text = '[bindings]\nvxp_window = "1h"\n\n[console.oidc]\nname = "Một cửa"\n'
    file.write_text(text, encoding="utf-8")
    settings = config.parse(tomllib.loads(text), folder=tmp_path)
    found = settings_shown.shown(settings, file)
    every = {f"{section}.{each.name}".lstrip("."): each for section, those in found.items() for each in those}
    assert MEANINGS.keys() <= every.keys()
    assert [name for name, each in every.items() if not each.vi or not each.en or each.vi == each.en] == []
    assert {name for name, each in every.items() if each.is_set} == {"bindings.vxp_window", "console.oidc.name"}
    assert (every["bindings.vxp_window"].value, every["console.oidc.name"].value) == ("1h", "Một cửa")
    assert (every["acme.renew_before"].value, every["limits.max_attachment"].value) == ("30d", "1GiB")
    browser = await site.signed_in(Role.AUDITOR)
    for language, meaning in (("vi", every["log.every"].vi), ("en", every["log.every"].en)):
        await browser.post("/preferences", {"language": language, "next": "/"})
        assert f">{meaning}</td>" in (await browser.get("/administration/settings")).text


async def test_a_setting_is_shown_as_the_file_writes_it(tmp_path: Path) -> None:
    """Witnesses, time stamp servers and rules in the words that the file takes, none of the program's own."""
    witness = f"https://w.example.vn/ {VerifierKey('w.example.vn', Algorithm.COSIGNATURE_V1, bytes(32))}"
    rules = ["default never", "business:1 90d"]
    given = {"log": {"witnesses": [witness], "quorum": 1}, "retention": {"rules": rules}}
    found = settings_shown.shown(config.parse(given, folder=tmp_path), tmp_path / "none.toml")
    every = {f"{section}.{each.name}": each.value for section, those in found.items() for each in those}
    assert every["log.witnesses"] == witness
    assert every["retention.rules"] == ", ".join(rules)
    assert str(values.StampServer.parse("http://tsa.example.vn/ 1.2.3 own")) == "http://tsa.example.vn/ 1.2.3 own"
    assert [values.duration_text(timedelta(seconds=each)) for each in (0, 0.25, 90, 86400)] == [
        "0s",
        "250ms",
        "90s",
        "1d",
    ]
    assert [values.size_text(each) for each in (0, 1_000_000, 1536 * 1024)] == ["0B", "1000000B", "1536KiB"]


async def test_secrets_in_settings_are_masked() -> None:
    assert settings_shown._text("password", "mat-khau") == settings_shown.MASKED
    assert settings_shown._text("url", "smtp://ai:mat-khau@host/") == f"smtp://{settings_shown.MASKED}@host/"
    assert settings_shown._text("secret_file", Path("/x/y")) == "/x/y"


async def test_each_warning_of_an_end_has_its_own_words_and_days(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60, 30 and 7 days before, and after it; not by colour alone."""
    now, year = site.base.clock.now(), timedelta(days=365)
    said = {
        90: ("good", "đang hiệu lực", "còn 90 ngày"),
        59: ("wait", "cần chuẩn bị thay", "còn 59 ngày"),
        29: ("wait", "cần thay sớm", "còn 29 ngày"),
        6: ("bad", "phải thay ngay", "còn 6 ngày"),
        -2: ("bad", "đã hết hạn", ""),
    }
    found = [
        Ending(
            purpose=f"use{days}",
            file=Path("x"),
            subject="x",
            begins=now - year,
            ends=now + timedelta(days=days, hours=1),
        )
        for days in said
    ]
    monkeypatch.setattr(administration, "endings", lambda _: found)
    page = await (await site.signed_in(Role.AUDITOR)).get("/administration/certificates")
    for days, (tone, words, left) in said.items():
        (row,) = re.findall(
            rf'<th scope="row" class="long">[^<]* <code class="quiet">use{days}</code></th>.*?</tr>',
            page.text,
            re.DOTALL,
        )
        assert re.search(rf'badge {tone}">.*?</svg>{words}</span>', row, re.DOTALL), row
        assert left in row
        assert ("còn " in row) == bool(left)

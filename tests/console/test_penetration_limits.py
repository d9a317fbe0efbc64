"""What one person, or a stranger, can take or break with requests that no browser of ours sends."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.web_urldispatcher import UrlDispatcher, UrlMappingMatchInfo

from gateway.accounts.roles import Role
from gateway.mailbox import UNPACKED_AT_ONCE
from tests.console.site import LOGINS, PASSWORD, PREVIEWER, Browser, Site
from tests.desk.lab import lab_of
from tests.journeys.installation import COMMUNE, PROVINCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What no header field of a browser is: bytes that are no text, an address that is none.
NO_TEXT, NO_ADDRESS = b"\xff\xfe", b"http://["


async def status_of(site: Site, method: str, path: str, fields: dict[str, bytes], body: bytes = b"") -> int:
    """Of a request with these very bytes in its header fields."""
    head = {"Host": f"localhost:{site.app.console_port}".encode(), "Connection": b"close", **fields}
    if body:
        head |= {"Content-Type": b"application/x-www-form-urlencoded", "Content-Length": b"%d" % len(body)}
    lines = b"".join(b"%s: %s\r\n" % (name.encode(), value) for name, value in head.items())
    reader, writer = await asyncio.open_connection("localhost", site.app.console_port, ssl=site.tls)
    writer.write(f"{method} {path} HTTP/1.1\r\n".encode() + lines + b"\r\n" + body)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "name", ["__Host-session", "__Host-stranger", "__Host-device", "__Host-view", "__Host-late"]
)
async def test_cookie_that_is_no_text_is_none(site: Site, name: str) -> None:
    """Nobody without an account fills the log with faults of ours."""
    cookie = {"Cookie": name.encode() + b"=" + NO_TEXT}
    assert await status_of(site, "GET", "/login", cookie) == 200
    assert await status_of(site, "GET", "/account", cookie) == 303
    assert await status_of(site, "POST", "/login", cookie, b"login=x&password=x") == 403


@pytest.mark.parametrize(
    ("name", "value"), [("X-Form-Token", NO_TEXT), ("Origin", NO_ADDRESS), ("Origin", NO_TEXT)], ids=str
)
async def test_form_with_an_origin_or_token_that_is_none_is_refused_like_any_other(
    site: Site, name: str, value: bytes
) -> None:
    """403, and no fault of ours."""
    assert await status_of(site, "POST", "/preferences", {name: value}, b"language=vi") == 403


@pytest.mark.parametrize("value", [NO_TEXT, NO_ADDRESS])
async def test_part_of_a_page_that_is_none_leads_to_the_first_page(site: Site, value: bytes) -> None:
    """To sign in, and on to the first page."""
    asked = {"HX-Request": b"true", "HX-Current-URL": value}
    assert await status_of(site, "GET", "/ledger/news", asked) == 401


@pytest.mark.parametrize("path", ["//[", "//[/login", "//x:y/login", "///", "/\x7f", "/login\\x", "*"])
async def test_form_at_an_address_that_is_none_leads_to_sign_in(site: Site, path: str) -> None:
    """A stranger's, with no fault of ours; never on to what may be another host."""
    assert await status_of(site, "POST", path, {}, b"x=1") in {303, 400}


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("POST", "/a" * 4000, {}),
        ("POST", "/" * 8000, {}),
        ("GET", "/desk", {"HX-Request": b"true", "HX-Current-URL": b"https://localhost" + b"/a" * 4000}),
        ("GET", "/login?next=" + "/a" * 4000, {}),
    ],
    ids=["form", "slashes", "part", "sign-in"],
)
async def test_long_address_of_a_stranger_is_tried_no_more_often_than_routes_are_deep(
    site: Site, monkeypatch: pytest.MonkeyPatch, method: str, path: str, fields: dict[str, bytes]
) -> None:
    """Each part of it was looked for by itself, before anybody had signed in, while everybody waited."""
    tried, resolve = [], UrlDispatcher.resolve

    async def counted(router: UrlDispatcher, request: web.Request) -> UrlMappingMatchInfo:
        tried.append(request.path)
        return await resolve(router, request)

    monkeypatch.setattr(UrlDispatcher, "resolve", counted)
    assert await status_of(site, method, path, fields) in {200, 303, 401}
    assert len(tried) <= 10


async def test_browser_that_calls_itself_no_text_signs_in_all_the_same(site: Site) -> None:
    """What it calls itself is written down as far as it is text."""
    browser = site.browser()
    await browser.get("/login")
    held = browser.cookie("__Host-stranger").encode()
    form = f"form-token={browser.token}&login={LOGINS[Role.VIEWER]}&password={PASSWORD}".encode()
    fields = {"User-Agent": b"Firefox " + NO_TEXT, "Cookie": b"__Host-stranger=" + held}
    assert await status_of(site, "POST", "/login", fields, form) == 303
    user = await site.base.users.require(LOGINS[Role.VIEWER])
    assert "Firefox ??" in {each.agent for each in await site.base.sign_in.sessions(user.id, site.base.clock.now())}


@pytest.mark.parametrize("when", ["0001-01-01T00:00", "9999-12-31T23:59"])
async def test_instant_of_another_age_is_refused(site: Site, when: str) -> None:
    """No calendar of the machine has it in every zone."""
    operator = await site.signed_in(Role.OPERATOR)
    channel = (await site.base.directory.endpoints())[0].id
    assert (await operator.get(f"/channels/{channel}/incident?since={when}")).status == 422
    for path, fields in (
        ("/maintenance", {"starts": when, "ends": when}),
        (f"/channels/{channel}/pause", {"until": when}),
        ("/acts/do", {"act": "hand_over", "ids": "x", "channel": "post", "number": "1", "by": "x", "at": when}),
    ):
        await operator.get("/account")
        answer = await operator.post(path, fields | {"reason": "bảo trì đường truyền"})
        assert (answer.status, "parameter_invalid" in answer.text) == (422, True), path


async def person(site: Site, login: str) -> Browser:
    """Somebody of the test's own, signed in."""
    base, now = site.base, site.base.clock.now()
    user, _ = await base.users.add(login, name=login, role=Role.VIEWER, actor="operator:test", now=now)
    await base.users.choose_password(user, PASSWORD, session="", now=now)
    return await site.signed_in(login)


@pytest.mark.parametrize("secret", ["1", "é", "AAAA", "٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣"])
async def test_secret_that_is_none_of_ours_is_no_second_factor(site: Site, secret: str) -> None:
    """Whatever its letters; nothing changes."""
    browser = await person(site, f"factor{len(secret)}{ord(secret[0])}")
    await browser.get("/account/second-factor")
    answer = await browser.post(
        "/account/second-factor", {"password": PASSWORD, "secret": secret, "code": "123456"}
    )
    assert (answer.status, "sign_in_failed" in answer.text) == (401, True)


async def test_old_password_is_not_guessed_at_an_open_browser(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong one counts like a wrong try to sign in; while the user is locked the right one helps nobody else."""
    browser, most = await person(site, "guessed2"), site.base.settings.console.lock_after
    for number in range(most):
        await browser.get("/account/password")
        form = {"old": f"wrong-password-{number}", "new": PASSWORD[::-1], "again": PASSWORD[::-1]}
        assert (await browser.post("/account/password", form)).status == 401
    assert (await site.base.users.require("guessed2")).locked_until is not None
    await browser.get("/account/password")
    form = {"old": PASSWORD, "new": PASSWORD[::-1], "again": PASSWORD[::-1]}
    own = browser.cookie("__Host-device")
    monkeypatch.setattr("gateway.console.cookies.DEVICE", "__Host-other")
    assert (await browser.post("/account/password", form)).status == 401
    monkeypatch.undo()
    assert site.base.sign_in.devices.whose(own, site.base.clock.now())
    assert (await browser.post("/account/password", form)).location == "/account"


class Slow:
    """Forms with files that come as slowly as somebody likes."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.goes_on = asyncio.Event()

    async def _pieces(self, head: bytes, tail: bytes) -> AsyncIterator[bytes]:
        yield head
        await self.goes_on.wait()
        yield tail

    async def send(self) -> int:
        """One more; the status of the answer."""
        head = (
            b'--x\r\nContent-Disposition: form-data; name="scan"; filename="a.pdf"\r\n'
            b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\n"
        )
        tail = b"%%EOF\r\n--x--\r\n"
        headers = {
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(len(head) + len(tail)),
        }
        address = f"{self._browser.origin}/desk/paper?form-token={self._browser.token}"
        async with self._browser.session.post(
            address, data=self._pieces(head, tail), headers=headers, allow_redirects=False
        ) as answer:
            return answer.status


async def test_forms_with_files_are_few_at_once_and_promise_no_more_than_they_bring(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clerk who sends nothing, slowly and often, does not take the disk from everybody's documents."""
    clerk, intake, promised = await site.signed_in(Role.CLERK), site.app.gateway.intake, list[int]()
    check_room = intake.check_room

    def noted(size: int = 0) -> None:
        promised.append(size)
        check_room(size)

    monkeypatch.setattr(intake, "check_room", noted)
    await clerk.get("/desk/paper")
    slow = Slow(clerk)
    sent = {asyncio.create_task(slow.send()) for _ in range(5)}
    try:
        refused, others = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        assert [each.result() for each in refused] == [429]
    finally:
        slow.goes_on.set()
    assert 429 not in await asyncio.gather(*others)
    assert await slow.send() != 429
    assert 0 < max(promised) < 4 * 1024


async def test_streams_of_a_person_are_few_however_often_signed_in(site: Site) -> None:
    """Somebody else has one all the same, and one that has ended gives its place back."""
    other = await site.signed_in(Role.OPERATOR)
    browsers = [await site.signed_in(Role.AUDITOR) for _ in range(5)]

    async def stream(browser: Browser) -> aiohttp.ClientResponse:
        return await browser.session.get(browser.origin + "/live")

    async with AsyncExitStack() as stack:
        opened = [await stream(browser) for browser in browsers[:4] for _ in range(8)]
        for each in opened:
            stack.callback(each.close)
        assert {each.status for each in opened} == {200}
        async with await stream(browsers[4]) as refused, await stream(other) as fine:
            assert (refused.status, fine.status) == (429, 200)


async def test_files_that_a_person_reads_of_documents_are_few_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each lies unpacked on the disk for as long as its reader takes."""
    lab = await lab_of(site.installation)
    delivery = await lab.send("950")
    ((document,),) = lab.rows("SELECT message_id FROM delivery WHERE id = ?", delivery)
    viewer = await site.signed_in(PREVIEWER)
    user = await site.base.users.require(PREVIEWER)
    with monkeypatch.context() as full:
        full.setitem(site.app.gateway.mailbox._unpacked, user.id, UNPACKED_AT_ONCE)
        assert (await viewer.get(f"/documents/{document}/files/1")).status == 429
    assert (await viewer.get(f"/documents/{document}/files/1")).status == 200


async def test_text_of_the_search_holds_up_nobody_else(site: Site) -> None:
    """One request of anybody who is signed in stopped the whole process; looked at in one of its own first."""
    texts = ["1" + "-a" * 99 + "//", "1" + " / -" * 48 + " /", "1" + "/" * 199]
    script = "import sys; from gateway.console.ledger import _quick; [_quick(each) for each in sys.argv[1:]]"
    apart = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *texts)
    try:
        assert await asyncio.wait_for(apart.wait(), 300) == 0  # else it would take years
    finally:
        if apart.returncode is None:
            apart.kill()
    clerk = await site.signed_in(Role.CLERK)
    for text in texts:
        async with clerk.session.get(f"{clerk.origin}/ledger", params={"q": text}, allow_redirects=False) as answer:
            assert answer.headers["Location"].startswith("/ledger?text=")


async def test_names_of_recipients_are_looked_for_in_turns(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms full of names that nobody has took all readers, and every page and system waited for minutes."""
    clerk, search, goes_on = await site.signed_in(Role.CLERK), site.base.directory.search, asyncio.Event()
    looked = Counter[str]()

    async def slow(text: str, *given: Any, **more: Any) -> Any:
        looked["now"] += 1
        looked["most"] = max(looked["most"], looked["now"])
        await goes_on.wait()
        looked["now"] -= 1
        return await search(text, *given, **more)

    (office,) = await site.base.users.offices((await site.base.users.require(LOGINS[Role.CLERK])).id)
    await clerk.get("/desk/groups")
    monkeypatch.setattr(site.base.directory, "search", slow)
    names = {"office": office, "name": "nhóm", "members": "Ủy ban nhân dân xã Không Có\nSở Không Đâu"}
    sent = [asyncio.create_task(clerk.post("/desk/groups", names)) for _ in range(6)]
    try:
        first = asyncio.as_completed(sent, timeout=60)
        assert [(await next(first)).status for _ in range(2)] == [429, 429]
        assert (await clerk.post("/desk/groups", names | {"members": COMMUNE})).status == 303
    finally:
        goes_on.set()
    assert sorted(page.status for page in await asyncio.gather(*sent)) == [422] * 4 + [429] * 2
    assert looked["most"] == 1


async def test_list_up_to_the_last_day_of_all_is_a_list(site: Site) -> None:
    """Of REST; no calendar has a day after it."""
    headers = {"Authorization": f"Bearer {site.installation.tokens[PROVINCE]}"}
    connector = aiohttp.TCPConnector(ssl=site.tls)
    url = f"https://localhost:{site.app.port}/api/v1/documents?from=0001-01-01&to=9999-12-31"
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url, headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("place", ["/%ED%A0%80", "/%zz", "/[", "/?[", "/%00", "/" + "a" * 4000, "/;x=1", "/\u0661"])
async def test_place_to_go_on_to_that_is_none_is_no_fault_of_ours(site: Site, place: str) -> None:
    """Signed in or signing in."""
    browser = site.browser()
    await browser.get("/login")
    form = {"login": LOGINS[Role.VIEWER], "password": PASSWORD, "code": "", "next": place}
    answer = await browser.post("/login", form)
    assert (answer.status, answer.location[:1], answer.location[1:2] in {"/", "\\"}) == (303, "/", False)
    async with browser.session.get(
        browser.origin + "/login", params={"next": place}, allow_redirects=False
    ) as again:
        assert again.status == 303

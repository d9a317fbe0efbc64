"""How each check of a provincial platform's facade (LGSP) goes; `lgsp_checks` lists them with their words.

Written from one province's guide (version 2.2), as the simulator is. What the kit sends goes from the agency to
itself, so that both ends can be seen; a platform that does not hand a sender its own documents skips what follows.
"""

from __future__ import annotations

import base64
import binascii
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self

import aiohttp

from gateway.clock import VIETNAM, Clock
from gateway.conformance.papers import Sheet, document, reference_of, status
from gateway.conformance.verdicts import Verdict, Words, failed, passed, skipped
from gateway.simulate.writing import Named

_SECONDS: Final = 120.0
_UNAUTHORISED: Final = 401
_STRANGER: Final = "000.99.99.Z99"
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What the platform gave us."""

    username: str
    password: str
    application_code: str
    system_id: str
    secret: str
    #: An agency behind this account.
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """One reply."""

    status: int
    body: bytes
    #: The JSON object; {} where it is none.
    json: Mapping[str, Any]
    error: str = ""

    @property
    def is_fine(self) -> bool:
        """Whether it says so."""
        return self.status < 300 and self.json.get("success") is True  # noqa: PLR2004

    @property
    def is_refusal(self) -> bool:
        """Whether it says no, in the agreed shape or with HTTP's own words."""
        return self.json.get("success") is False or 400 <= self.status < 500  # noqa: PLR2004

    def told(self) -> str:
        """In words."""
        if self.error:
            return self.error
        data = self.json.get("data")
        code = data.get("errorCode") if isinstance(data, dict) else None
        words = [f"errorCode {code}" if code else "", str(self.json.get("message", ""))]
        said = " ".join(filter(None, words)) or self.body[:200].decode("utf-8", "replace")
        return f"HTTP {self.status} {said}".replace("\n", " ")[:300]


@dataclass(kw_only=True, slots=True)
class LgspBench:
    """What every check works with."""

    session: aiohttp.ClientSession
    url: str
    login: Login
    clock: Clock
    token: str = ""
    numbers: int = 0
    #: The document that was sent to ourselves, and its entry once it was listed.
    sent: bytes = b""
    listed: Mapping[str, Any] | None = None

    @classmethod
    def open(cls, url: str, login: Login, *, tls: ssl.SSLContext, clock: Clock) -> Self:
        """Nothing is asked yet."""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            trust_env=False,
        )
        return cls(session=session, url=url.rstrip("/").removesuffix("/v1"), login=login, clock=clock)

    async def close(self) -> None:
        """Give the connections back."""
        await self.session.close()

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> Spoken:
        """One call, with the three headers unless told otherwise."""
        given = self.headers() if headers is None else headers
        try:
            async with self.session.request(
                method, f"{self.url}/v1/{path}", headers=given, allow_redirects=False, **options
            ) as response:
                content, code = await response.read(), response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Spoken(status=0, body=b"", json={}, error=f"{type(error).__name__}: {error}"[:300])
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        return Spoken(status=code, body=content, json=found if isinstance(found, dict) else {})

    def headers(self, **other: str) -> dict[str, str]:
        """Token, system, key; `other` by their names with _ for -, "" leaves one out."""
        named = {
            "Authorization": f"Bearer {self.token}",
            "X-SystemId": self.login.system_id,
            "X-SecretKey": self.login.secret,
        } | {name.replace("_", "-"): value for name, value in other.items()}
        return {name: value for name, value in named.items() if value}

    async def enter(self, password: str = "") -> Spoken:
        """The login."""
        told = {
            "username": self.login.username,
            "password": password or self.login.password,
            "applicationCode": self.login.application_code,
            "otp": None,
            "twoFactorProvider": None,
            "typeObjs": [0, 1],
        }
        return await self.ask("POST", "auth/login?allow_anonymous=true", headers={}, json=told)

    async def send(self, body: bytes, kind: str = "edoc") -> Spoken:
        """A form, whose bytes are there before it goes: without a length platforms answer 21."""
        boundary = f"----edoc{self.clock.now():%H%M%S%f}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="messageType"\r\n\r\n{kind}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="edocFile"; filename="edoc.edxml"\r\n'
            "Content-Type: application/xml\r\n\r\n"
        )
        content = head.encode() + body + f"\r\n--{boundary}--\r\n".encode()
        headers = self.headers(Content_Type=f"multipart/form-data; boundary={boundary}")
        return await self.ask("POST", "sendEdoc", headers=headers, data=content)

    async def entries(self, headers: Mapping[str, str] | None = None, *, days_ago: int = 0) -> Spoken:
        """The list of a day; a platform's clock may be in the day before or after ours."""
        today = self.clock.now().astimezone(VIETNAM).date() - days_ago * _DAY
        around = _DAY if not days_ago else timedelta()
        query = {
            "messageType": "edoc",
            "fromDate": f"{today - around:%Y/%m/%d}",
            "toDate": f"{today + around:%Y/%m/%d}",
        }
        return await self.ask("GET", "syncReceivedEdocList", headers=headers, params=query)

    async def content(self, doc_id: str) -> Spoken:
        """One document."""
        return await self.ask("GET", "getEdoc", params={"docId": doc_id})

    def document(self, recipient: str = "") -> bytes:
        """From our agency to itself, unless told otherwise."""
        self.numbers += 1
        own = Named(code=self.login.code, name="Đơn vị thử")
        return document(
            Sheet(
                sender=own,
                recipients=(Named(code=recipient, name="Đơn vị khác") if recipient else own,),
                number=f"{self.clock.now():%H%M%S}{self.numbers:02d}",
                subject="V/v kiểm tra trục của tỉnh",
            ),
            self.clock.now(),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LgspCheck:
    """One thing asked of a facade."""

    key: str
    title: Words
    asked: Words
    mend: Words
    run: Callable[[LgspBench], Awaitable[Verdict]]


def _fine(reply: Spoken) -> Verdict:
    if reply.is_fine:
        return passed(reply.told())
    return failed(f"Trả lời: {reply.told()}", f"It answered: {reply.told()}")


def _refused(reply: Spoken) -> Verdict:
    if reply.is_refusal:
        return passed(reply.told())
    return failed(f"Không từ chối: {reply.told()}", f"It was not refused: {reply.told()}")


def _nothing() -> Verdict:
    return skipped("Bước trước không có kết quả", "A step before it had no result")


def _rows(reply: Spoken) -> list[Mapping[str, Any]] | None:
    data = reply.json.get("data")
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else None


async def entered(bench: LgspBench) -> Verdict:
    """The token that later calls bring."""
    reply = await bench.enter()
    data = reply.json.get("data")
    token = data.get("token") if isinstance(data, dict) else None
    if not reply.is_fine or not isinstance(token, str) or not token:
        return failed(f"Không có data.token: {reply.told()}", f"There is no data.token: {reply.told()}")
    bench.token = token
    return passed()


async def entered_wrongly(bench: LgspBench) -> Verdict:
    """Another password."""
    return _refused(await bench.enter("another password"))


def unauthorised(token: str) -> Callable[[LgspBench], Awaitable[Verdict]]:
    """A call without a token, or with one of nobody's: 401, by which clients know that they must log in again."""

    async def run(bench: LgspBench) -> Verdict:
        reply = await bench.entries(bench.headers(Authorization=token))
        if reply.status == _UNAUTHORISED:
            return passed(reply.told())
        return failed(f"Không phải 401: {reply.told()}", f"Not 401: {reply.told()}")

    return run


def without(name: str) -> Callable[[LgspBench], Awaitable[Verdict]]:
    """A call that lacks one of the headers, or has it wrong."""

    async def run(bench: LgspBench) -> Verdict:
        missing, wrong = [await bench.entries(bench.headers(**{name: text})) for text in ("", "wrong")]
        return _refused(wrong if missing.is_refusal else missing)

    return run


async def sent(bench: LgspBench) -> Verdict:
    """A document to ourselves."""
    body = bench.document()
    reply = await bench.send(body)
    if reply.is_fine:
        bench.sent = body
    return _fine(reply)


async def listed(bench: LgspBench) -> Verdict:
    """It is in the list of the day, and getEdoc has its very bytes."""
    if not bench.sent:
        return _nothing()
    rows = _rows(await bench.entries())
    if rows is None:
        return failed("data không phải mảng", "data is no array")
    own = [row for row in rows if row.get("from") == bench.login.code]  # others' are not fetched
    for row in own:
        if missing := ", ".join(sorted({"docId", "from", "to", "messageType", "status"} - row.keys())):
            return failed(f"Thiếu trường {missing}", f"The fields {missing} are missing")
        if row["status"] == "initial" and _content(await bench.content(str(row["docId"]))) == bench.sent:
            bench.listed = row
            return passed(str(row["docId"]))
    if not own:
        return skipped(
            "Trục không trả lại văn bản cho chính nơi gửi", "The platform hands a sender nothing of its own back"
        )
    return failed(
        "getEdoc không trả lại đúng các byte đã gửi", "getEdoc does not give the very bytes that were sent"
    )


def _content(reply: Spoken) -> bytes:
    """In base 64 or as text, or as the only attachment."""
    data = reply.json.get("data")
    if not isinstance(data, dict):
        return b""
    text, attached = data.get("edxml"), data.get("attachments")
    if not text and isinstance(attached, list) and attached and isinstance(attached[0], dict):
        text = attached[0].get("fileContent")
    if not isinstance(text, str):
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()


async def of_that_day(bench: LgspBench) -> Verdict:
    """Of a day long ago it is not."""
    if bench.listed is None:
        return _nothing()
    rows = _rows(await bench.entries(days_ago=400))
    if rows is None or any(row.get("docId") == bench.listed["docId"] for row in rows):
        return failed("fromDate, toDate không được xét", "fromDate and toDate are not looked at")
    return passed()


async def unknown(bench: LgspBench) -> Verdict:
    """A docId of nothing."""
    return _refused(await bench.content("00000000-0000-0000-0000-000000000000"))


async def not_xml(bench: LgspBench) -> Verdict:
    """Bytes that are no edXML."""
    return _refused(await bench.send(b"\x00 not xml <<<"))


async def cut_off(bench: LgspBench) -> Verdict:
    """Half of a document."""
    body = bench.document()
    return _refused(await bench.send(body[: len(body) // 2]))


async def to_stranger(bench: LgspBench) -> Verdict:
    """To an agency that nobody has."""
    return _refused(await bench.send(bench.document(_STRANGER)))


async def status_sent(bench: LgspBench) -> Verdict:
    """A status about the document goes the same way as documents."""
    if not bench.sent:
        return _nothing()
    number = bench.sent.partition(b"CodeNumber>")[2].partition(b"<")[0].decode()
    about, own = reference_of(bench.login.code, number, bench.clock.now()), bench.login.code
    body = status(Named(code=own, name="Đơn vị thử"), about, "03", "Đã tiếp nhận", bench.clock.now())
    return _fine(await bench.send(body, "status"))


async def done(bench: LgspBench) -> Verdict:
    """updateStatus, twice: a client that heard no answer says it again."""
    if bench.listed is None:
        return _nothing()
    told = {"docId": str(bench.listed["docId"]), "status": "done"}
    first, again = [await bench.ask("POST", "updateStatus", json=told) for _ in range(2)]
    return _fine(first if not first.is_fine else again)


async def settled(bench: LgspBench) -> Verdict:
    """After done it is not listed as waiting."""
    if bench.listed is None:
        return _nothing()
    rows = _rows(await bench.entries())
    own = [row for row in rows or () if row.get("docId") == bench.listed["docId"]]
    if rows is None or any(row.get("status") == "initial" for row in own):
        return failed("Sau done vẫn là initial", "It is still initial after done")
    return passed()


async def agencies(bench: LgspBench) -> Verdict:
    """The catalogue, in one of the shapes that are known."""
    reply = await bench.ask("GET", "getAgenciesList", headers=bench.headers(X_SystemId="", X_SecretKey=""))
    found: Any = reply.json.get("data")
    if isinstance(found, dict):
        found = found.get("items")
    if not reply.json and reply.status < 300:  # noqa: PLR2004
        try:
            found = json.loads(reply.body)
        except ValueError:
            found = None
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    if found == []:
        return skipped("Danh mục trống", "The catalogue is empty")
    if not rows or not {"orgCode", "orgName"} <= rows[0].keys():
        return failed(f"Không có danh mục: {reply.told()}", f"There is no catalogue: {reply.told()}")
    return passed(f"{len(rows)}")

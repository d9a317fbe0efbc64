"""How each check of a server of the axis's protocol (VXP) goes; `vxp_checks` lists them with their words.

The kit signs by itself, from the description alone, and also as the vendor's SDK does with its habits: an unpadded
hash, a line end behind the file, headers of earlier calls, a time that stands still.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Self

import aiohttp

from gateway.clock import VIETNAM, Clock
from gateway.conformance.papers import JUNK, Sheet, document, reference_of, status
from gateway.conformance.verdicts import Verdict, Words, failed, passed, skipped
from gateway.simulate.writing import Named

_PREFIX: Final = "XroadVnpt-"
_SECONDS: Final = 120.0
_BYTES: Final = "application/octet-stream"
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
#: Bytes from here on have two digits in hexadecimal.
_TWO_DIGITS: Final = 16


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
        """Whether it says OK."""
        return self.json.get("status") == "OK" and str(self.json.get("ErrorCode")) == "0"

    @property
    def is_refusal(self) -> bool:
        """Whether it says FAIL in the agreed shape, or with HTTP's own words."""
        return self.json.get("status") == "FAIL" or 400 <= self.status < 500  # noqa: PLR2004

    def told(self) -> str:
        """In words."""
        if self.error:
            return self.error
        if self.json:
            words = (self.json.get(name) for name in ("status", "ErrorCode", "ErrorDesc"))
            return " ".join(["HTTP", str(self.status), *map(str, words)])[:300]
        return f"HTTP {self.status} {self.body[:200].decode('utf-8', 'replace')}".replace("\n", " ")


@dataclass(kw_only=True, slots=True)
class VxpBench:
    """What every check works with."""

    session: aiohttp.ClientSession
    url: str
    system_id: str
    secret: bytes
    clock: Clock
    #: An agency behind this system, which sends and receives.
    code: str
    numbers: int = 0
    #: Every reply that was JSON, for what is judged over all of them.
    replies: list[Mapping[str, Any]] = field(default_factory=list)
    #: The document that was sent to ourselves: its bytes, and its id in our list once it was found there.
    sent: bytes = b""
    sent_id: str = ""
    listed: Mapping[str, Any] | None = None

    @classmethod
    def open(cls, url: str, *, system_id: str, secret: bytes, tls: ssl.SSLContext, code: str, clock: Clock) -> Self:
        """Nothing is asked yet."""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls),
            timeout=aiohttp.ClientTimeout(total=_SECONDS),
            trust_env=False,
            max_line_size=1 << 20,
            max_field_size=1 << 20,
        )
        return cls(
            session=session,
            url=url.rstrip("/"),
            system_id=system_id,
            secret=secret,
            clock=clock,
            code=code or system_id,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self.session.close()

    def signed(
        self,
        parameters: Mapping[str, str],
        kind: str,
        *,
        secret: bytes = b"",
        system_id: str = "",
        earlier: timedelta = timedelta(),
    ) -> dict[str, str]:
        """The headers of one call."""
        at = self.clock.now().astimezone(VIETNAM) - earlier
        named = {
            **parameters,
            "systemid": system_id or self.system_id,
            "timestamp": f"{at:%d%m%YT%H%M%S}+{at.microsecond // 1000:04}",
            "Content-Type": kind,
        }
        headers = {f"{_PREFIX}{name}": value for name, value in named.items()}
        text = json.dumps(headers, separators=(",", ":"))
        return headers | {
            f"{_PREFIX}sign-header-key": ";".join(named),
            f"{_PREFIX}sign-header": text,
            f"{_PREFIX}hash-header": hmac.new(secret or self.secret, text.encode(), hashlib.sha256).hexdigest(),
            f"{_PREFIX}version": "3.0.201608",
            "Content-Type": kind,
        }

    async def ask(
        self,
        operation: str,
        parameters: Mapping[str, str],
        body: bytes = b"",
        kind: str = _FORM,
        *,
        method: str = "POST",
        **wrong: Any,
    ) -> Spoken:
        """One call, signed unless `wrong` says otherwise."""
        return await self.raw(operation, self.signed(parameters, kind, **wrong), body, method=method)

    async def raw(
        self, operation: str, headers: Mapping[str, str], body: bytes = b"", *, method: str = "POST"
    ) -> Spoken:
        """One call with these headers."""
        # as the SDK does: it asks before it sends the two bytes of an empty object
        expect = body == b"{}"
        data: object = io.BytesIO(body) if body else b""
        try:
            async with self.session.request(
                method, f"{self.url}/{operation}", headers=headers, data=data, expect100=expect
            ) as response:
                content, code = await response.read(), response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Spoken(status=0, body=b"", json={}, error=f"{type(error).__name__}: {error}"[:300])
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        value = found if isinstance(found, dict) else {}
        if value:
            self.replies.append(value)
        return Spoken(status=code, body=content, json=value)

    async def send(self, body: bytes, *, digest: str = "", ending: bytes = b"", **more: str) -> Spoken:
        """SendEdoc."""
        parameters = {
            "from": self.system_id,
            "servicetype": "eDoc",
            "messagetype": "edoc",
            "hash-file": digest or hashlib.sha256(body).hexdigest(),
        } | more
        return await self.ask("sendEdoc", parameters, body + ending, _BYTES)

    def document(self, sender: str = "") -> bytes:
        """From one of our agencies to itself, so that both ends can be seen."""
        self.numbers += 1
        own = Named(code=self.code, name="Đơn vị thử")
        return document(
            Sheet(
                sender=Named(code=sender, name="Đơn vị khác") if sender else own,
                recipients=(own,),
                number=f"{self.clock.now():%H%M%S}{self.numbers:02d}",
                subject="V/v kiểm tra giao thức trục",
            ),
            self.clock.now(),
        )

    async def listing(self) -> Spoken:
        """GetReceivedEdocList."""
        return await self.ask("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": "edoc"})


@dataclass(frozen=True, kw_only=True, slots=True)
class VxpCheck:
    """One thing asked of a server."""

    key: str
    title: Words
    asked: Words
    mend: Words
    run: Callable[[VxpBench], Awaitable[Verdict]]


def _fine(reply: Spoken) -> Verdict:
    if reply.is_fine:
        return passed(reply.told())
    return failed(f"Trả lời: {reply.told()}", f"It answered: {reply.told()}")


def _refused(reply: Spoken) -> Verdict:
    if reply.is_refusal:
        return passed(reply.told())
    return failed(f"Không từ chối: {reply.told()}", f"It was not refused: {reply.told()}")


def _rows(reply: Spoken) -> list[Mapping[str, Any]] | None:
    data = reply.json.get("data")
    return [row for row in data if isinstance(row, dict)] if isinstance(data, list) else None


def _lacking(row: Mapping[str, Any], *names: str) -> Verdict | None:
    missing = ", ".join(name for name in names if name not in row)
    return failed(f"Thiếu trường {missing}", f"The fields {missing} are missing") if missing else None


async def listed(bench: VxpBench) -> Verdict:
    """A signed call, the simplest."""
    reply = await bench.listing()
    if reply.is_fine and _rows(reply) is None:
        return failed("data không phải mảng", "data is no array")
    return _fine(reply)


def wrongly(**wrong: Any) -> Callable[[VxpBench], Awaitable[Verdict]]:
    """A list that must be refused."""

    async def run(bench: VxpBench) -> Verdict:
        parameters = {"servicetype": "eDoc", "messagetype": "edoc"}
        return _refused(await bench.ask("getReceivedEdocList", parameters, **wrong))

    return run


async def altered(bench: VxpBench) -> Verdict:
    """A header that says something else than was signed."""
    headers = bench.signed({"servicetype": "eDoc", "messagetype": "edoc"}, _FORM)
    return _refused(await bench.raw("getReceivedEdocList", headers | {f"{_PREFIX}messagetype": "status"}))


async def sent(bench: VxpBench) -> Verdict:
    """A document to ourselves."""
    body = bench.document()
    reply = await bench.send(body)
    if reply.is_fine and reply.json.get("DocId"):
        bench.sent, bench.sent_id = body, str(reply.json["DocId"])
    return _fine(reply) if bench.sent or not reply.is_fine else failed("Thiếu DocId", "DocId is missing")


async def sent_again(bench: VxpBench) -> Verdict:
    """The same bytes once more: the protocol has no key, so a new id is no fault, but worth knowing."""
    if not bench.sent:
        return _nothing()
    reply = await bench.send(bench.sent)
    if not reply.is_fine:
        return _fine(reply)
    same = str(reply.json.get("DocId")) == bench.sent_id
    return passed("cùng DocId" if same else "DocId mới", "the same DocId" if same else "a new DocId")


def as_sdk(*, unpadded: bool = False, ending: bytes = b"") -> Callable[[VxpBench], Awaitable[Verdict]]:
    """A document as the SDK sends it."""

    async def run(bench: VxpBench) -> Verdict:
        body = bench.document()
        # a digest without a small byte looks the same in both forms; one of some documents has one
        while unpadded and all(byte >= _TWO_DIGITS for byte in hashlib.sha256(body).digest()):
            body = bench.document()
        printed = "".join(f"{byte:x}" for byte in hashlib.sha256(body).digest()) if unpadded else ""
        return _fine(await bench.send(body, digest=printed, ending=ending))

    return run


async def wrong_hash(bench: VxpBench) -> Verdict:
    """hash-file of other bytes."""
    return _refused(await bench.send(bench.document(), digest=hashlib.sha256(b"other").hexdigest()))


async def wrong_from(bench: VxpBench) -> Verdict:
    """`from` is not the registered system."""
    other: dict[str, Any] = {"from": "000.00.00.X01"}
    return _refused(await bench.send(bench.document(), **other))


async def not_xml(bench: VxpBench) -> Verdict:
    """Bytes that are no edXML."""
    return _refused(await bench.send(b"\x00 not xml <<<"))


async def junked(bench: VxpBench) -> Verdict:
    """As the vendor's sample begins; OK or FAIL, but an answer."""
    reply = await bench.send(JUNK + bench.document())
    return passed(reply.told()) if reply.json.get("status") in {"OK", "FAIL"} else _fine(reply)


async def status_sent(bench: VxpBench) -> Verdict:
    """A status about the document."""
    if not bench.sent:
        return _nothing()
    own = Named(code=bench.code, name="Đơn vị thử")
    number = bench.sent.partition(b"CodeNumber>")[2].partition(b"<")[0].decode()
    about = reference_of(bench.code, number, bench.clock.now())
    body = status(own, about, "03", "Đã tiếp nhận", bench.clock.now())
    return _fine(await bench.send(body, messagetype="status"))


async def received(bench: VxpBench) -> Verdict:
    """What we sent ourselves is in the list, with the fields that clients read."""
    if not bench.sent:
        return _nothing()
    rows = _rows(await bench.listing())
    if not rows:
        return failed("Danh sách không có văn bản vừa gửi", "The list does not hold what was sent")
    for row in rows:
        if lacking := _lacking(row, "docId", "messageType", "from", "to", "status"):
            return lacking
        got = await bench.ask("getEdoc", {"docId": str(row["docId"])}, b"{}", _JSON)
        if got.is_fine and _decoded(got) == bench.sent:
            bench.listed = row
            return passed(str(row["docId"]))
    return failed(
        "getEdoc không trả lại đúng các byte đã gửi", "getEdoc does not give the very bytes that were sent"
    )


def _decoded(reply: Spoken) -> bytes:
    try:
        return base64.b64decode(str(reply.json.get("data", "")), validate=True)
    except ValueError:
        return b""


async def downloaded(bench: VxpBench) -> Verdict:
    """The same as bare bytes."""
    if bench.listed is None:
        return _nothing()
    reply = await bench.ask("downloadEdoc", {"docId": str(bench.listed["docId"])}, kind=_BYTES, method="GET")
    if reply.body == bench.sent:
        return passed()
    return failed(f"Không phải các byte đã gửi: {reply.told()}", f"Not the bytes that were sent: {reply.told()}")


async def leaked(bench: VxpBench) -> Verdict:
    """A list whose headers hold what earlier calls left behind."""
    parameters = {
        "from": bench.system_id,
        "servicetype": "eDoc",
        "messagetype": "edoc",
        "hash-file": "0" * 62,
        "docId": "1",
        "filePath": "./file",
        "status": "done",
        "level": "1",
    }
    return _fine(await bench.ask("getReceivedEdocList", parameters))


def of_age(hours: float) -> Callable[[VxpBench], Awaitable[Verdict]]:
    """A call whose timestamp is that of an object made hours ago."""

    async def run(bench: VxpBench) -> Verdict:
        parameters = {"servicetype": "eDoc", "messagetype": "edoc"}
        return _fine(await bench.ask("getReceivedEdocList", parameters, earlier=timedelta(hours=hours)))

    return run


async def replayed(bench: VxpBench) -> Verdict:
    """A call of three days ago."""
    parameters = {"servicetype": "eDoc", "messagetype": "edoc"}
    reply = await bench.ask("getReceivedEdocList", parameters, earlier=timedelta(days=3))
    if reply.is_refusal:
        return passed(reply.told())
    return skipped(
        "Máy chủ không xét thời gian ký: hãy giới hạn địa chỉ nguồn",
        "The server does not judge the time of signing: let it restrict source addresses",
    )


async def sent_list(bench: VxpBench) -> Verdict:
    """What was sent, line by line."""
    reply = await bench.ask("getSentEdocList", {"servicetype": "eDoc", "messagetype": "edoc"})
    rows = _rows(reply)
    if not rows:
        return failed(f"Không có dòng nào: {reply.told()}", f"There is no line: {reply.told()}")
    return _lacking(rows[0], "fromCode", "toCode", "sentTime", "sendStatus") or passed(f"{len(rows)}")


async def counted(bench: VxpBench) -> Verdict:
    """A number."""
    reply = await bench.ask("countReceiveEdoc", {"servicetype": "eDoc", "messagetype": "edoc"}, b"{}", _JSON)
    found = str(reply.json.get("count", ""))
    return passed(found) if found.isdecimal() else _fine(reply)


def done(name: str) -> Callable[[VxpBench], Awaitable[Verdict]]:
    """UpdateStatus with either spelling; twice does no harm."""

    async def run(bench: VxpBench) -> Verdict:
        if bench.listed is None:
            return _nothing()
        return _fine(
            await bench.ask("updateStatus", {name: str(bench.listed["docId"]), "status": "done"}, b"{}", _JSON)
        )

    return run


async def gone(bench: VxpBench) -> Verdict:
    """After done it is not listed any more."""
    if bench.listed is None:
        return _nothing()
    rows = _rows(await bench.listing())
    if rows is None or any(row.get("docId") == bench.listed["docId"] for row in rows):
        return failed("Vẫn còn trong danh sách sau done", "It is still listed after done")
    return passed()


async def agencies(bench: VxpBench) -> Verdict:
    """The catalogue."""
    reply = await bench.ask("getAgenciesList", {})
    rows = _rows(reply)
    if not rows:
        return failed(f"Danh mục trống: {reply.told()}", f"The catalogue is empty: {reply.told()}")
    return _lacking(rows[0], "id", "code", "name") or passed(f"{len(rows)}")


async def shape(bench: VxpBench) -> Verdict:
    """Every reply of this run has what the SDK reads."""
    for reply in bench.replies:
        if lacking := _lacking(reply, "status", "ErrorCode", "ErrorDesc"):
            return lacking
        if (reply["status"] == "OK") != (str(reply["ErrorCode"]) == "0"):
            told = f"{reply['status']} {reply['ErrorCode']}"
            return failed(f"status và ErrorCode trái nhau: {told}", f"status and ErrorCode contradict: {told}")
    return passed(f"{len(bench.replies)}")


async def ascii_only(bench: VxpBench) -> Verdict:
    """ErrorDesc as the SDK decodes it."""
    accented = [str(reply.get("ErrorDesc")) for reply in bench.replies if not str(reply.get("ErrorDesc")).isascii()]
    if accented:
        return failed(f"ErrorDesc có dấu: {accented[0][:100]}", f"ErrorDesc with accents: {accented[0][:100]}")
    return passed()


def _nothing() -> Verdict:
    return skipped("Bước trước không có kết quả", "A step before it had no result")

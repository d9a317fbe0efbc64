"""How each check of a REST v1 server goes; `rest_checks` lists them with their words."""

from __future__ import annotations

import hashlib
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import msgspec

from gateway.clock import Clock
from gateway.conformance.papers import Sheet, document
from gateway.conformance.pushing import Answer
from gateway.conformance.verdicts import Verdict, Words, failed, passed, skipped
from gateway.ids import uuid7
from gateway.simulate.writing import Named

_STRANGER = "000.99.99.Z99"
_XML = "application/xml"
_SECONDS = 60.0


@dataclass(kw_only=True, slots=True)
class RestBench:
    """What every check works with."""

    session: aiohttp.ClientSession
    base: str
    token: str
    clock: Clock
    #: Whom the token is for, then whom it may send to.
    codes: tuple[str, ...]
    numbers: int = 0
    #: The last 202, and the bytes that got it.
    accepted: tuple[dict[str, Any], bytes] | None = None

    @classmethod
    def open(cls, url: str, *, token: str, tls: ssl.SSLContext, codes: tuple[str, ...], clock: Clock) -> Self:
        """Nothing is asked yet."""
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls), timeout=aiohttp.ClientTimeout(total=_SECONDS), trust_env=False
        )
        base = url.rstrip("/")
        return cls(
            session=session,
            base=base if base.endswith("/api/v1") else f"{base}/api/v1",
            token=token,
            clock=clock,
            codes=codes,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self.session.close()

    async def ask(self, method: str, path: str, *, token: str | None = None, **options: Any) -> Answer:
        """One request."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"} | options.pop("headers", {})
        if token == "":
            del headers["Authorization"]
        try:
            async with self.session.request(method, self.base + path, headers=headers, **options) as response:
                return Answer(status=response.status, headers=dict(response.headers), body=await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Answer(status=0, error=f"{type(error).__name__}: {error}"[:300])

    def document(self, *, sender: str = "", recipient: str = "") -> bytes:
        """A new document from us to the partner, unless told otherwise."""
        self.numbers += 1
        return document(
            Sheet(
                sender=Named(code=sender or self.codes[0], name="Đơn vị gửi"),
                recipients=(Named(code=recipient or self.codes[-1], name="Đơn vị nhận"),),
                number=f"{self.clock.now():%H%M%S}{self.numbers:02d}",
                subject="V/v kiểm tra giao diện REST",
            ),
            self.clock.now(),
        )

    async def submit(self, body: bytes, **headers: str) -> Answer:
        """POST /documents."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", "/documents", data=body, headers={"Content-Type": _XML} | named)


@dataclass(frozen=True, kw_only=True, slots=True)
class RestCheck:
    """One thing asked of a server."""

    key: str
    title: Words
    asked: Words
    mend: Words
    run: Callable[[RestBench], Awaitable[Verdict]]


async def limits(bench: RestBench) -> Verdict:
    """The simplest call."""
    answer = await bench.ask("GET", "/limits")
    return passed() if answer.status == 200 else _not(answer)  # noqa: PLR2004


def stranger(token: str) -> Callable[[RestBench], Awaitable[Verdict]]:
    """A call without a credential, or with a wrong one."""

    async def run(bench: RestBench) -> Verdict:
        return _problem(await bench.ask("GET", "/limits", token=token), 401)

    return run


async def submitted(bench: RestBench) -> Verdict:
    """A document, whose 202 later checks look at."""
    body = bench.document()
    answer = await bench.submit(body)
    if answer.status != 202:  # noqa: PLR2004
        return _not(answer)
    found = msgspec.json.decode(answer.body, type=dict[str, Any])
    bench.accepted = found, body
    if found.get("sha256") != hashlib.sha256(body).hexdigest():
        return failed("sha256 của 202 không phải của tệp", "The sha256 of the 202 is not the file's")
    return passed(str(found.get("id")))


async def repeated(bench: RestBench) -> Verdict:
    """The same bytes again."""
    if bench.accepted is None:
        return _nothing()
    found, body = bench.accepted
    answer = await bench.submit(body)
    if answer.status != 202 or msgspec.json.decode(answer.body, type=dict[str, Any]).get("id") != found["id"]:  # noqa: PLR2004
        return _not(answer)
    return passed(answer.headers.get("Idempotency-Replayed", ""))


async def key_reused(bench: RestBench) -> Verdict:
    """One key for two documents."""
    key = f'"{uuid7()}"'
    await bench.submit(bench.document(), Idempotency_Key=key)
    return _problem(await bench.submit(bench.document(), Idempotency_Key=key), 422, "idempotency_key_reused")


async def digest_wrong(bench: RestBench) -> Verdict:
    """The digest of other bytes."""
    digest = b64encode(hashlib.sha256(b"other").digest()).decode()
    answer = await bench.submit(bench.document(), Content_Digest=f"sha-256=:{digest}:")
    return _problem(answer, 422, "digest_mismatch")


async def garbage(bench: RestBench) -> Verdict:
    """No XML."""
    return _problem(await bench.submit(b"\x00<<<not xml"), 422)


async def wrong_sender(bench: RestBench) -> Verdict:
    """A From that the token may not speak for."""
    if len(bench.codes) < 2:  # noqa: PLR2004
        return skipped("Cần --code thứ hai", "It needs a second --code")
    answer = await bench.submit(bench.document(sender=bench.codes[-1], recipient=bench.codes[0]))
    return _problem(answer, 403, "sender_not_permitted")


async def unknown_recipient(bench: RestBench) -> Verdict:
    """A code that nobody has."""
    return _problem(await bench.submit(bench.document(recipient=_STRANGER)), 422, "recipient_unknown")


async def receipt(bench: RestBench) -> Verdict:
    """Both files of the seal."""
    if bench.accepted is None:
        return _nothing()
    path = f"/documents/{bench.accepted[0]['id']}/receipt"
    xades, transfer = await bench.ask("GET", path), await bench.ask("GET", f"{path}?part=transfer")
    if (xades.status, transfer.status) != (200, 200):
        return _not(xades if xades.status != 200 else transfer)  # noqa: PLR2004
    found = b"Signature" in xades.body and bench.accepted[0]["sha256"].encode() in transfer.body
    return passed() if found else failed("Biên nhận không nói về tệp này", "The receipt is not about this file")


async def deliveries(bench: RestBench) -> Verdict:
    """One line per recipient."""
    if bench.accepted is None:
        return _nothing()
    answer = await bench.ask("GET", f"/documents/{bench.accepted[0]['id']}/deliveries")
    if answer.status != 200:  # noqa: PLR2004
        return _not(answer)
    lines = msgspec.json.decode(answer.body, type=dict[str, list[dict[str, Any]]])["items"]
    states = ", ".join(line["state"] for line in lines)
    return passed(states) if len(lines) == 1 else failed(f"{len(lines)} dòng", f"{len(lines)} lines")


async def inbox(bench: RestBench) -> Verdict:
    """A list, and a cursor."""
    answer = await bench.ask("GET", "/inbox?limit=1")
    if answer.status != 200:  # noqa: PLR2004
        return _not(answer)
    found = msgspec.json.decode(answer.body, type=dict[str, Any])
    return passed() if "items" in found and "cursor" in found else _not(answer)


async def not_there(bench: RestBench) -> Verdict:
    """What belongs to nobody, or to somebody else, does not exist."""
    return _problem(await bench.ask("GET", f"/documents/{uuid7()}"), 404, "not_found")


def _not(answer: Answer) -> Verdict:
    return failed(f"Trả lời: {answer.told()}", f"It answered: {answer.told()}")


def _nothing() -> Verdict:
    return skipped("Chưa gửi được văn bản nào", "No document was accepted before")


def _problem(answer: Answer, status: int, code: str = "") -> Verdict:
    if answer.status != status:
        return failed(f"Chờ HTTP {status}; {answer.told()}", f"HTTP {status} was expected; {answer.told()}")
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        return failed("Không phải problem+json", "It is no problem+json")
    missing = [name for name in ("code", "message", "nextStep", "traceId") if name not in found]
    if missing:
        return failed(f"problem+json thiếu {', '.join(missing)}", f"The problem+json lacks {', '.join(missing)}")
    if code and found["code"] != code:
        return failed(f"code {found['code']} thay vì {code}", f"code {found['code']} instead of {code}")
    return passed(str(found["code"]))

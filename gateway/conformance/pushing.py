"""The kit's own sender of the webhook protocol, which also sends what a real gateway never would.

Written from docs/api.md alone, so that it is a second opinion beside the adapter. One `push` is one POST; what
comes back, or why nothing did, is an `Answer`. Redirects are not followed and an answer is read up to 64 KiB.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec
from multidict import CIMultiDict

from gateway.ids import uuid7

_REPLY_MOST: Final = 65_536
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """One transmission; the fields after `media_type` make it wrong on purpose."""

    body: bytes
    #: Codes of the recipients.
    recipients: tuple[str, ...]
    sender: str
    kind: str = "document"
    dispatch: str = field(default_factory=uuid7)
    message: str = field(default_factory=uuid7)
    deliveries: tuple[str, ...] = ()
    attempt: int = 1
    priority: int = 0
    media_type: str = "application/xml"
    #: Seconds that the timestamp is off.
    clock_off: int = 0
    secret: bytes | None = None
    #: A first signature by this secret stands before the right one, as while secrets are rotated.
    earlier_secret: bytes | None = None
    #: "1/2": one of several transmissions of a dispatch, each with deliveries and an Idempotency-Key of its own.
    part: str = ""
    without: tuple[str, ...] = ()
    digest_of: bytes | None = None
    #: The bytes that really leave, where they are not the signed ones.
    sent_instead: bytes | None = None
    #: Seconds over which the body trickles out.
    slowly: float = 0.0
    #: Break the connection off after so many bytes.
    cut_after: int | None = None

    def named(self) -> Push:
        """With an id for each delivery."""
        return self if self.deliveries else replace(self, deliveries=tuple(uuid7() for _ in self.recipients))


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back; `status` 0 and `error` where nothing did."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    seconds: float = 0.0

    @property
    def is_taken(self) -> bool:
        """Whether it means "stored"."""
        return self.status in {200, 201, 202, 204}

    @property
    def is_refusal(self) -> bool:
        """A clear no to this request."""
        return 400 <= self.status < 500  # noqa: PLR2004

    def told(self) -> str:
        """In words, for the report: never more than a line."""
        if self.error:
            return self.error
        text = self.body[:200].decode("utf-8", "replace").replace("\n", " ").strip()
        return f"HTTP {self.status} {text}".strip()

    def outcomes(self) -> dict[str, dict[str, object]] | None:
        """Delivery id -> line of the JSON; None where it is not of the agreed shape, {} where it is empty."""
        if not self.body.strip():
            return {}
        try:
            value = msgspec.json.decode(self.body, type=dict[str, list[dict[str, object]]])
            return {str(line["id"]): line for line in value["deliveries"]}
        except (msgspec.DecodeError, KeyError):
            return None


class Pusher:
    """One receiver under test."""

    def __init__(self, url: str, *, secret: bytes, tls: ssl.SSLContext | None, seconds: float) -> None:
        self._url = url
        self._secret = secret
        self._seconds = seconds
        connector = aiohttp.TCPConnector(ssl=tls if tls is not None else True)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False)
        #: Everything that was answered, for what is judged over all of it.
        self.answers: list[Answer] = []

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    def proof_of(self, challenge: str) -> str:
        """What the receiver must answer to a challenge."""
        return f"v1={hmac.new(self._secret, f'verification.{challenge}'.encode(), hashlib.sha256).hexdigest()}"

    async def push(self, push: Push) -> Answer:
        """One POST."""
        push = push.named()
        body = push.body if push.sent_instead is None else push.sent_instead
        headers = CIMultiDict(headers_of(push, self._secret) | {"Content-Length": str(len(body))})
        if push.earlier_secret is not None:
            last = headers.pop("Gateway-Signature")
            headers.add("Gateway-Signature", headers_of(push, push.earlier_secret)["Gateway-Signature"])
            headers.add("Gateway-Signature", last)
        for name in push.without:
            headers.popall(name, None)
        began = monotonic()
        timeout = aiohttp.ClientTimeout(total=self._seconds + push.slowly, sock_connect=10)
        try:
            async with self._session.post(
                self._url, data=_pieces(body, push), headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                content = await response.content.read(_REPLY_MOST)
                answer = Answer(status=response.status, headers=dict(response.headers), body=content)
        except TimeoutError:
            answer = Answer(status=0, error=f"no answer within {self._seconds:.0f} s")
        except (aiohttp.ClientError, OSError) as error:
            answer = Answer(status=0, error=f"{type(error).__name__}: {error}"[:300])
        answer = replace(answer, seconds=monotonic() - began)
        self.answers.append(answer)
        return answer


def headers_of(push: Push, secret: bytes) -> dict[str, str]:
    """The headers of a transmission as it was asked for."""
    sha256 = hashlib.sha256(push.body).hexdigest()
    digest = hashlib.sha256(push.body if push.digest_of is None else push.digest_of).digest()
    named = zip(push.deliveries, push.recipients, strict=True)
    deliveries = ", ".join(f"{key}={quote(code, safe='')}" for key, code in named)
    timestamp = str(int(time.time()) + push.clock_off)
    signed = f"{timestamp}.{push.dispatch}.{deliveries}.{sha256}".encode("ascii")
    key = secret if push.secret is None else push.secret
    return {
        "Content-Type": push.media_type,
        "Content-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
        "Gateway-Kind": push.kind,
        "Gateway-Message-Id": push.message,
        "Gateway-Dispatch-Id": push.dispatch,
        "Idempotency-Key": f"{push.dispatch}-{push.part.partition('/')[0]}" if push.part else push.dispatch,
        **({"Gateway-Part": push.part} if push.part else {}),
        "Gateway-Deliveries": deliveries,
        "Gateway-Attempt": str(push.attempt),
        "Gateway-Sender": quote(push.sender, safe=""),
        "Gateway-Priority": str(push.priority),
        "Gateway-Timestamp": timestamp,
        "Gateway-Signature": f"v1={hmac.new(key, signed, hashlib.sha256).hexdigest()}",
    }


async def _pieces(body: bytes, push: Push) -> AsyncIterator[bytes]:
    last = len(body) if push.cut_after is None else push.cut_after
    steps = max(1, -(-last // _PIECE))
    if push.slowly:
        steps = 10
    size = max(1, -(-last // steps))
    for start in range(0, last, size):
        yield body[start : min(start + size, last)]
        if push.slowly:
            await asyncio.sleep(push.slowly / steps)
    if push.cut_after is not None:
        raise ConnectionAbortedError("cut off on purpose")

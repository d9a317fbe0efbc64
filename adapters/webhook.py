"""Push by HTTPS: the raw bytes in one POST, with ids, digest and an HMAC in the headers.

    POST url                      Content-Type (application/xml, multipart/related), Content-Length (never chunked)
    Content-Digest                sha-256=:base64: (RFC 9530)
    Gateway-Kind                  document or status
    Gateway-Message-Id, Gateway-Dispatch-Id, Gateway-Attempt, Gateway-Sender, Gateway-Priority, Traceparent
    Idempotency-Key               the dispatch's id, the same for every try: the receiver can dedupe
    Gateway-Deliveries            <delivery id>=<recipient's code, percent-encoded>, …
    Gateway-Timestamp             Unix seconds
    Gateway-Signature             v1=hex HMAC-SHA256(secret, "timestamp.dispatch id.Gateway-Deliveries.sha256 hex")

What the answer means is in `adapters.webhook_reply`. Without an answer it matters how far we came: not
connected, `connect_failed`; part of the body written, `connection_lost`; all of it written, *unknown*, since
the receiver may have it. Redirects are never followed, cookies never kept, an answer is read up to 64 KiB
and as a whole within the time the endpoint is given.

It does NOT retry, and no part of a secret ever enters an outcome.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import ssl
from collections.abc import AsyncGenerator, Iterator
from typing import NoReturn
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_writer import StreamWriter
from aiohttp.payload import Payload

from adapters.webhook_channel import Contexts, Secrets, Target, open_session, target_of
from adapters.webhook_names import Names
from adapters.webhook_reply import REPLY_BYTES_MAX, read_reply, redacted
from gateway.edxml.mime import media_type_of
from gateway.errors import ConfigError, StorageError
from gateway.model import Endpoint, Outcome, OutcomeKind, Outgoing, OutgoingDelivery, SendReport
from gateway.ports import Body, Surroundings, allowed_seconds

_CONNECT_SECONDS = 10.0
#: Up to here a body is read at once and leaves together with its headers.
_SMALL_BYTES = 262_144
_TRACE_DIGITS = 32
_SPAN_DIGITS = 16


@dataclasses.dataclass(kw_only=True, slots=True)
class _Channel:
    settings: dict[str, object]
    connections: int
    target: Target
    context: ssl.SSLContext
    session: aiohttp.ClientSession
    users: int = 0
    is_replaced: bool = False

    async def close_if_done(self) -> None:
        """A channel whose settings changed lets what is under way end first."""
        if self.is_replaced and self.users == 0:
            await self.session.close()


class _Transmission(Payload):
    """The body on its way: knows how much of it was handed to the connection, and which connection that is."""

    def __init__(self, body: Body, content: bytes | None, media_type: str) -> None:
        super().__init__(body, content_type=media_type)
        self._size = body.size
        self._body = body
        self._content = content
        self.has_begun = False
        self.is_complete = False
        self.trouble: StorageError | None = None
        self.peer: dict[str, object] = {}

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:  # noqa: ARG002
        if isinstance(writer, StreamWriter) and writer.transport is not None:
            self.peer = dict(_peer_of(writer.transport.get_extra_info))
        self.has_begun = True
        try:
            if self._content is not None:
                await writer.write(self._content)
            else:
                async for chunk in self._body.chunks():
                    await writer.write(chunk)
        except StorageError as error:
            self.trouble = error
            raise
        self.is_complete = True

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> NoReturn:  # noqa: ARG002
        raise TypeError("a transmission is never read back")


class WebhookAdapter:
    """Pushes to endpoints of kind webhook; one pool of connections for each."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._secrets = Secrets(surroundings.secrets)
        self._folder = surroundings.folder
        self._clock = surroundings.clock
        self._timeout_seconds = surroundings.timeout_seconds
        self._contexts = Contexts()
        self._names = Names()
        self._channels: dict[str, _Channel] = {}

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Transmit once."""
        began = self._clock.monotonic()
        try:
            channel = await self._channel(endpoint)
            headers = self._headers(outgoing, self._secrets.read(channel.target.secret_file))
        except ConfigError as error:
            return _report(outgoing, _outcome("connect_failed", str(error)), {})
        content = await body.read() if body.size <= _SMALL_BYTES else None
        transmission = _Transmission(body, content, media_type_of(await _head(body, content)))
        channel.users += 1
        try:
            report = await self._post(endpoint, outgoing, channel, headers, transmission)
        finally:
            channel.users -= 1
            await channel.close_if_done()
        report.peer["duration_ms"] = round((self._clock.monotonic() - began) * 1000)
        return report

    async def close(self) -> None:
        """Close every connection."""
        channels, self._channels = list(self._channels.values()), {}
        for channel in channels:
            await channel.session.close()

    async def _channel(self, endpoint: Endpoint) -> _Channel:
        known = self._channels.get(endpoint.id)
        connections = endpoint.capabilities.max_in_flight
        if (
            known is not None
            and known.settings == endpoint.settings
            and known.connections == connections
            and self._contexts.of(known.target) is known.context
        ):
            return known
        target = target_of(endpoint, self._folder)
        context = self._contexts.of(target)
        channel = _Channel(
            settings=endpoint.settings,
            connections=connections,
            target=target,
            context=context,
            session=open_session(target, context, connections, self._names),
        )
        self._channels[endpoint.id] = channel
        if known is not None:
            known.is_replaced = True
            await known.close_if_done()
        return channel

    def _headers(self, outgoing: Outgoing, secret: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock.now().timestamp()))
        deliveries = name_deliveries(outgoing.deliveries)
        digest = base64.b64encode(bytes.fromhex(outgoing.sha256)).decode("ascii")
        headers = {
            "Content-Digest": f"sha-256=:{digest}:",
            "Gateway-Kind": outgoing.kind,
            "Gateway-Message-Id": outgoing.message_id,
            "Gateway-Dispatch-Id": outgoing.dispatch_id,
            "Idempotency-Key": outgoing.dispatch_id,
            "Gateway-Deliveries": deliveries,
            "Gateway-Attempt": str(outgoing.number),
            "Gateway-Sender": quote(outgoing.sender_code, safe=""),
            "Gateway-Priority": str(outgoing.priority),
            "Gateway-Timestamp": timestamp,
            "Gateway-Signature": sign(secret, timestamp, outgoing.dispatch_id, deliveries, outgoing.sha256),
        }
        trace = outgoing.trace_id.replace("-", "").lower()
        span = outgoing.attempt_id.replace("-", "").lower()[-_SPAN_DIGITS:]
        if len(trace) == _TRACE_DIGITS and len(span) == _SPAN_DIGITS:
            headers["Traceparent"] = f"00-{trace}-{span}-01"
        return headers

    async def _post(
        self,
        endpoint: Endpoint,
        outgoing: Outgoing,
        channel: _Channel,
        headers: dict[str, str],
        transmission: _Transmission,
    ) -> SendReport:
        allowed = allowed_seconds(endpoint, outgoing.size, self._timeout_seconds)
        timeout = aiohttp.ClientTimeout(
            total=allowed, sock_connect=min(_CONNECT_SECONDS, allowed), sock_read=allowed
        )
        try:
            async with channel.session.post(
                channel.target.url, data=transmission, headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                content = await _read(response)
                retry_after = response.headers.get("Retry-After")
                transmission.peer["http_status"] = response.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return _report(outgoing, _of_error(error, transmission, allowed), transmission.peer)
        outcomes, answered = read_reply(
            response.status,
            retry_after,
            content,
            outgoing.deliveries,
            is_relay=endpoint.is_relay,
            now=self._clock.now(),
        )
        return SendReport(outcomes=outcomes, peer=transmission.peer, answered=answered)


def name_deliveries(deliveries: tuple[OutgoingDelivery, ...]) -> str:
    """The value of `Gateway-Deliveries`."""
    return ", ".join(f"{one.id}={quote(one.recipient_code, safe='')}" for one in deliveries)


def sign(secret: bytes, timestamp: str, dispatch_id: str, deliveries: str, sha256: str) -> str:
    """The value of `Gateway-Signature`."""
    signed = f"{timestamp}.{dispatch_id}.{deliveries}.{sha256}".encode("ascii")
    return f"v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"


async def _head(body: Body, content: bytes | None) -> bytes:
    if content is not None:
        return content
    pieces = body.chunks()
    try:
        return await anext(pieces, b"")
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """At most one byte more than an answer may have; what was cut off is told only if the status needs it."""
    content = bytearray()
    try:
        while len(content) <= REPLY_BYTES_MAX and (chunk := await response.content.readany()):
            content += chunk
    except (aiohttp.ClientError, OSError, TimeoutError):
        if response.status < 300:  # noqa: PLR2004  # the content is the answer there
            raise
    if len(content) > REPLY_BYTES_MAX:
        response.close()
        del content[REPLY_BYTES_MAX + 1 :]
    return bytes(content)


def _of_error(error: Exception, transmission: _Transmission, allowed: float) -> Outcome:
    """What no answer means, by how far we came."""
    if transmission.trouble is not None:
        return _outcome("storage_unavailable", type(transmission.trouble).__name__)
    if isinstance(error, aiohttp.ClientSSLError) or _is_alert(error):
        return _outcome("peer_tls_failed", _words(error))
    if not transmission.has_begun:
        return _outcome("connect_failed", _words(error))
    is_late = isinstance(error, TimeoutError)
    if not transmission.is_complete:
        return _outcome("peer_timeout" if is_late else "connection_lost", _words(error))
    why = f"no answer within {allowed:.0f} s" if is_late else _words(error)
    return _unknown(f"all was sent, but the answer did not come: {why}")


def _is_alert(error: BaseException | None) -> bool:
    """Whether the peer broke off by a TLS alert, as it does when it does not take our certificate."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
            return True
        error = error.__cause__ or error.__context__
    return False


def _words(error: Exception) -> str:
    return redacted(f"{type(error).__name__}: {error}")


def _outcome(reason: str, detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.DEFERRED, reason=reason, detail=redacted(detail))


def _unknown(detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=redacted(detail))


def _report(outgoing: Outgoing, outcome: Outcome, peer: dict[str, object]) -> SendReport:
    return SendReport(outcomes={one.id: outcome for one in outgoing.deliveries}, peer=peer)


def _peer_of(extra: object) -> Iterator[tuple[str, object]]:
    assert callable(extra)
    address = extra("peername")
    if isinstance(address, tuple):
        yield "address", f"{address[0]}:{address[1]}"
    tls = extra("ssl_object")
    if isinstance(tls, ssl.SSLObject):
        yield "tls_version", tls.version()
        if certificate := tls.getpeercert(binary_form=True):
            yield "certificate_sha256", hashlib.sha256(certificate).hexdigest()

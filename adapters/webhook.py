"""Push by HTTPS: the raw bytes in one POST, with ids, digest and signatures in the headers.

    POST url                      Content-Type (application/xml, multipart/related), Content-Length (never chunked)
    Content-Digest                sha-256=:base64: (RFC 9530)
    Gateway-Kind                  document, status, verification (`adapters.webhook_challenge`), or alert (to a
                                  service that calls people)
    Gateway-Message-Id, Gateway-Dispatch-Id, Gateway-Attempt, Gateway-Sender, Gateway-Priority, Traceparent
    Idempotency-Key               the dispatch's id, the same for every try: the receiver can dedupe
    Gateway-Deliveries            <delivery id>=<recipient's code, percent-encoded>, …
    Gateway-Timestamp             Unix seconds
    Gateway-Signature             v1=hex HMAC-SHA256(secret, "timestamp.dispatch id.Gateway-Deliveries.sha256 hex"),
                                  or Signature-Input and Signature (RFC 9421): see `adapters.webhook_keys`

`Gateway-Replay: 1` says that the receiver had it before and asked for it again.

A `Gateway-Deliveries` longer than the channel's `header_bytes`, or of more than 400, is split: several POSTs one
after the other, each whole in itself, with `Gateway-Part: 2/9` and an `Idempotency-Key` of its own that follows
from its deliveries. The first that fails ends the try, and what was not sent by then is deferred.

What an answer means is in `adapters.webhook_reply`, what none means in `adapters.upload`. Redirects
are never followed, cookies never kept, an answer is read up to 64 KiB and as a whole within the time that the
endpoint is given, and no address is dialled that `gateway.reach` refuses.

It does NOT retry, and no part of a secret ever enters an outcome.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import quote

import aiohttp
from multidict import CIMultiDict

from adapters import webhook_challenge
from adapters.upload import Upload, deferred, head_of
from adapters.webhook_channel import (
    Contexts,
    MissingFileError,
    Secrets,
    Target,
    TargetForbiddenError,
    open_session,
    target_of,
)
from adapters.webhook_keys import keys_of, mark_of, sign, signed_headers
from adapters.webhook_names import Names
from adapters.webhook_reply import outcome_of_status, read_reply, redacted
from adapters.webhook_transmission import of_error, read_answer
from gateway.edxml.mime import media_type_of
from gateway.errors import ConfigError
from gateway.model import DeliveryId, Endpoint, Outcome, OutcomeKind, Outgoing, OutgoingDelivery, SendReport
from gateway.ports import Body, Surroundings, allowed_seconds

__all__ = ["WebhookAdapter", "name_deliveries", "portions", "problems", "sign"]

_CONNECT_SECONDS = 10.0
#: Up to here a body is read at once and leaves together with its headers.
_SMALL_BYTES = 262_144
_TRACE_DIGITS = 32
_SPAN_DIGITS = 16
#: So many answers of 160 bytes each fit into what is read of a reply.
_DELIVERIES_MOST = 400
#: The document that waits behind a challenge has its own time after it.
_SMALL_SECONDS = 10.0
#: A part of a dispatch is not begun with less time than this left.
_SHORTEST_SECONDS = 1.0


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


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    status: int
    retry_after: str | None
    content: bytes


class WebhookAdapter:
    """Pushes to endpoints of kind webhook; one pool of connections for each."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._secrets = Secrets(surroundings.secrets)
        self._folder = surroundings.folder
        self._clock = surroundings.clock
        self._timeout_seconds = surroundings.timeout_seconds
        self._reach = surroundings.reach
        self._contexts = Contexts()
        self._names = Names()
        self._channels: dict[str, _Channel] = {}

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Transmit once."""
        began = self._clock.monotonic()
        try:
            channel = await self._channel(endpoint)
            keys_of(endpoint, self._secrets, self._clock.now())
        except ConfigError as error:
            return _report(outgoing, _of_settings(error), {})
        if body.size <= _SMALL_BYTES:
            body = _Small(await body.read())
        media_type = media_type_of(await head_of(body))
        channel.users += 1
        try:
            report = await self._send_parts(endpoint, outgoing, channel, body, media_type)
        finally:
            channel.users -= 1
            await channel.close_if_done()
        report.peer["duration_ms"] = round((self._clock.monotonic() - began) * 1000)
        return report

    def mark(self, endpoint: Endpoint) -> str:
        """Another URL or key has another mark."""
        target = target_of(endpoint, self._folder, self._reach)
        return mark_of(target.url, keys_of(endpoint, self._secrets, self._clock.now())[0])

    async def prove(self, endpoint: Endpoint, nonce: str) -> Outcome:
        """Send the challenge and judge the answer."""
        asked = webhook_challenge.question(nonce, endpoint.name)
        answer = await self._post_small(endpoint, "verification", nonce, asked)
        if isinstance(answer, Outcome):
            return dataclasses.replace(answer, kind=OutcomeKind.DEFERRED)
        keys = keys_of(endpoint, self._secrets, self._clock.now())
        return webhook_challenge.judge(answer.status, answer.content, nonce, keys)

    async def tell(self, endpoint: Endpoint, key: str, content: bytes) -> Outcome:
        """Push a small JSON text; what the answer says beyond its status is not read."""
        answer = await self._post_small(endpoint, "alert", key, content)
        if isinstance(answer, Outcome):
            return answer
        return outcome_of_status(answer.status, answer.retry_after, answer.content, self._clock.now())

    async def _post_small(self, endpoint: Endpoint, kind: str, key: str, content: bytes) -> _Answer | Outcome:
        """A transmission of ours about no delivery."""
        try:
            channel = await self._channel(endpoint)
            keys = keys_of(endpoint, self._secrets, self._clock.now())
        except ConfigError as error:
            return _of_settings(error)
        body = _Small(content)
        headers = {
            "Content-Type": webhook_challenge.MEDIA_TYPE,
            "Content-Digest": _digest(body.sha256),
            "Gateway-Kind": kind,
            "Gateway-Dispatch-Id": key,
            "Idempotency-Key": key,
            "Gateway-Deliveries": "",
            "Gateway-Timestamp": str(int(self._clock.now().timestamp())),
        }
        upload = Upload(body, media_type=webhook_challenge.MEDIA_TYPE)
        seconds = min(_SMALL_SECONDS, allowed_seconds(endpoint, body.size, self._timeout_seconds))
        channel.users += 1
        try:
            signed = signed_headers(endpoint, keys, channel.target.url, headers, sha256=body.sha256)
            return await self._post(channel, CIMultiDict(signed), upload, seconds)
        finally:
            channel.users -= 1
            await channel.close_if_done()

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
        target = target_of(endpoint, self._folder, self._reach)
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

    async def _send_parts(
        self, endpoint: Endpoint, outgoing: Outgoing, channel: _Channel, body: Body, media_type: str
    ) -> SendReport:
        """One part after the other, all within the time of the one transmission that they are to the caller."""
        parts = list(portions(outgoing.deliveries, channel.target.header_bytes))
        allowed = allowed_seconds(endpoint, outgoing.size, self._timeout_seconds)
        ends = asyncio.get_running_loop().time() + allowed
        outcomes: dict[DeliveryId, Outcome] = {}
        peer: dict[str, object] = {}
        answered = True
        for number, part in enumerate(parts, start=1):
            left = ends - asyncio.get_running_loop().time() if number > 1 else allowed
            if number > 1 and (left < _SHORTEST_SECONDS or not answered):
                why = "an earlier part of this dispatch failed" if not answered else "no time is left for this part"
                outcomes |= {one.id: deferred("peer_timeout", why) for one in part}
                answered = False
                continue
            place = f"{number}/{len(parts)}" if len(parts) > 1 else ""
            sent = dataclasses.replace(outgoing, deliveries=part)
            report = await self._send_part(
                endpoint, sent, channel, Upload(body, media_type=media_type), place, left
            )
            outcomes |= report.outcomes
            peer, answered = report.peer, report.answered
        if len(parts) > 1:
            peer["parts"] = len(parts)
        return SendReport(outcomes=outcomes, peer=peer, answered=answered)

    async def _send_part(
        self,
        endpoint: Endpoint,
        outgoing: Outgoing,
        channel: _Channel,
        upload: Upload,
        place: str,
        seconds: float,
    ) -> SendReport:
        keys = keys_of(endpoint, self._secrets, self._clock.now())
        headers = self._headers(outgoing, upload.content_type, place)
        signed = signed_headers(endpoint, keys, channel.target.url, headers, sha256=outgoing.sha256)
        answer = await self._post(channel, CIMultiDict(signed), upload, seconds)
        if isinstance(answer, Outcome):
            return _report(outgoing, answer, upload.peer)
        outcomes, answered = read_reply(
            answer.status,
            answer.retry_after,
            answer.content,
            outgoing.deliveries,
            is_relay=endpoint.is_relay,
            now=self._clock.now(),
        )
        return SendReport(outcomes=outcomes, peer=upload.peer, answered=answered)

    def _headers(self, outgoing: Outgoing, media_type: str, place: str) -> dict[str, str]:
        deliveries = name_deliveries(outgoing.deliveries)
        key = str(outgoing.dispatch_id)
        if place:
            key += f".{hashlib.sha256(deliveries.encode()).hexdigest()[:16]}"
        headers = {
            "Content-Type": media_type,
            "Content-Digest": _digest(outgoing.sha256),
            "Gateway-Kind": outgoing.kind,
            "Gateway-Message-Id": outgoing.message_id,
            "Gateway-Dispatch-Id": outgoing.dispatch_id,
            "Idempotency-Key": key,
            "Gateway-Deliveries": deliveries,
            "Gateway-Attempt": str(outgoing.number),
            "Gateway-Sender": quote(outgoing.sender_code, safe=""),
            "Gateway-Priority": str(outgoing.priority),
            "Gateway-Timestamp": str(int(self._clock.now().timestamp())),
        }
        if place:
            headers["Gateway-Part"] = place
        if outgoing.is_replay:
            headers["Gateway-Replay"] = "1"
        trace = outgoing.trace_id.replace("-", "").lower()
        span = outgoing.attempt_id.replace("-", "").lower()[-_SPAN_DIGITS:]
        if len(trace) == _TRACE_DIGITS and len(span) == _SPAN_DIGITS:
            headers["Traceparent"] = f"00-{trace}-{span}-01"
        return headers

    async def _post(
        self, channel: _Channel, headers: Mapping[str, str], upload: Upload, seconds: float
    ) -> _Answer | Outcome:
        timeout = aiohttp.ClientTimeout(
            total=seconds, sock_connect=min(_CONNECT_SECONDS, seconds), sock_read=seconds
        )
        try:
            async with channel.session.post(
                channel.target.url, data=upload, headers=headers, allow_redirects=False, timeout=timeout
            ) as response:
                content = await read_answer(response)
                upload.peer["http_status"] = response.status
                return _Answer(
                    status=response.status, retry_after=response.headers.get("Retry-After"), content=content
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return of_error(error, upload, seconds)


class _Small:
    """A body in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    @property
    def sha256(self) -> str:
        """Hashed only when asked for: what comes from a store has been."""
        return hashlib.sha256(self.content).hexdigest()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The one piece."""
        yield self.content

    async def read(self) -> bytes:
        """All of it."""
        return self.content


def name_deliveries(deliveries: tuple[OutgoingDelivery, ...]) -> str:
    """The value of `Gateway-Deliveries`."""
    return ", ".join(_named(one) for one in deliveries)


def portions(deliveries: tuple[OutgoingDelivery, ...], most: int) -> Iterator[tuple[OutgoingDelivery, ...]]:
    """The deliveries in their order, at least one in each portion, whose names are at most `most` bytes long."""
    part: list[OutgoingDelivery] = []
    length = 0
    for one in deliveries:
        size = len(_named(one)) + 2
        if part and (length + size > most or len(part) == _DELIVERIES_MOST):
            yield tuple(part)
            part, length = [], 0
        part.append(one)
        length += size
    if part:
        yield tuple(part)


def _named(delivery: OutgoingDelivery) -> str:
    return f"{delivery.id}={quote(delivery.recipient_code, safe='')}"


def _digest(sha256: str) -> str:
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode('ascii')}:"


def problems(endpoint: Endpoint, surroundings: Surroundings) -> list[str]:
    """What is wrong with a channel's settings, and with its key where the file is there already."""
    try:
        target_of(endpoint, surroundings.folder, surroundings.reach)
        keys_of(endpoint, Secrets(surroundings.secrets), surroundings.clock.now())
    except MissingFileError:
        return []  # told by whoever looks at files
    except ConfigError as error:
        return [str(error)]
    return []


def _of_settings(error: ConfigError) -> Outcome:
    reason = "target_not_allowed" if isinstance(error, TargetForbiddenError) else "connect_failed"
    return Outcome(kind=OutcomeKind.DEFERRED, reason=reason, detail=redacted(str(error)))


def _report(outgoing: Outgoing, outcome: Outcome, peer: dict[str, object]) -> SendReport:
    return SendReport(outcomes={one.id: outcome for one in outgoing.deliveries}, peer=peer)

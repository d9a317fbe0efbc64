"""Sends through our own security server: one POST of the exact bytes to the provider's service.

    POST /r1/<service>/documents     X-Road's headers; X-Road-Id is the attempt's id, X-Road-Issue the message's
                                     Content-Type, Content-Length (never chunked)
                                     Gateway-Kind: document or status; Idempotency-Key: the dispatch's id
    202 {"message_id": …}

A security server passes headers that it does not know on unchanged [PR-REST 4.3], so the provider can dedupe on
Idempotency-Key, and on the bytes: what was sent once more after an unknown outcome becomes the same message there.
"""

from __future__ import annotations

import aiohttp

from adapters.sessions import Sessions
from adapters.upload import Upload, deferred, head_of, of_error, read_answer, report_all, unknown
from adapters.webhook_channel import Contexts
from adapters.webhook_names import Names
from adapters.xroad.client_hash import HashedBody
from adapters.xroad.client_line import line_of
from adapters.xroad.client_reply import read_sent
from adapters.xroad.client_session import REPLY_BYTES_MAX, Call, Session
from gateway.edxml.mime import media_type_of
from gateway.errors import ConfigError
from gateway.model import Endpoint, Outgoing, SendReport
from gateway.ports import Body, Surroundings, allowed_seconds


class XroadAdapter:
    """Sends over channels of kind xroad."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._contexts, self._names = Contexts(), Names()
        self._sessions = Sessions(self._make)

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Transmit once."""
        clock = self._surroundings.clock
        began = clock.monotonic()
        try:
            async with self._sessions.of(endpoint) as session:
                report = await self._send(session, endpoint, outgoing, body)
        except ConfigError as error:
            return report_all(outgoing, deferred("connect_failed", str(error)), {})
        report.peer["duration_ms"] = round((clock.monotonic() - began) * 1000)
        return report

    async def close(self) -> None:
        """Close every connection."""
        await self._sessions.close()

    async def _send(self, session: Session, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        hashed = HashedBody(body) if session.line.hash_check == "computed" else None
        upload = Upload(hashed or body, media_type=media_type_of(await head_of(body)))
        call = Call(
            method="POST",
            path="documents",
            call_id=outgoing.attempt_id,
            issue=outgoing.message_id,
            headers={"Gateway-Kind": outgoing.kind, "Idempotency-Key": outgoing.dispatch_id},
            upload=upload,
        )
        allowed = allowed_seconds(endpoint, outgoing.size, self._surroundings.timeout_seconds)
        try:
            async with session.open(call, allowed) as response:
                upload.peer["http_status"] = response.status
                content = await read_answer(response, REPLY_BYTES_MAX)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return report_all(outgoing, of_error(error, upload, allowed), upload.peer)
        call.upload_digest = hashed.digest if hashed is not None else b""
        upload.peer["request_id"] = response.headers.get("X-Road-Request-Id", "")[:100]
        if "X-Road-Error" not in response.headers and (why := session.objection(call, response)):
            return report_all(outgoing, unknown(f"HTTP {response.status}, but {why}"), upload.peer)
        outcomes, answered = read_sent(
            response.status,
            response.headers,
            content,
            outgoing.deliveries,
            is_relay=endpoint.is_relay,
            now=self._surroundings.clock.now(),
        )
        return SendReport(outcomes=outcomes, peer=upload.peer, answered=answered)

    def _make(self, endpoint: Endpoint) -> Session:
        return Session(
            line_of(endpoint, self._surroundings.folder),
            self._surroundings,
            contexts=self._contexts,
            names=self._names,
            connections=endpoint.capabilities.max_in_flight,
        )

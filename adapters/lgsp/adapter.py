"""Sends to a facade: one multipart POST of the exact bytes, with their length stated.

    POST /v1/sendEdoc     messageType = edoc or status
                          edocFile    = the bytes, application/xml, <message id>.edxml

The facade has neither an idempotency key nor a list of what was sent, so nobody can ask it whether a document
whose answer was lost has arrived. Such a document is sent again, and the attempt's facts say
`possible_duplicate`; the recipient's system sees the same DocumentId twice.
"""

from __future__ import annotations

import secrets
from functools import partial

from adapters.lgsp.reply import read_sent
from adapters.lgsp.session import Session
from adapters.lgsp.settings import facade_of
from adapters.sessions import Sessions
from adapters.upload import Upload, deferred, of_error, report_all
from adapters.webhook_channel import Contexts
from adapters.webhook_names import Names
from gateway.errors import ConfigError, SourceError
from gateway.model import Endpoint, Outgoing, SendReport
from gateway.ports import Body, Surroundings, allowed_seconds

_TYPES = {"document": "edoc", "status": "status"}


class LgspAdapter:
    """Sends over channels of kind lgsp; one login for each."""

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
        if outgoing.doubt is not None:
            report.peer["possible_duplicate"] = True
        return report

    async def close(self) -> None:
        """Close every connection."""
        await self._sessions.close()

    async def _send(self, session: Session, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        allowed = allowed_seconds(endpoint, outgoing.size, self._surroundings.timeout_seconds)
        try:
            sent = await session.upload("sendEdoc", partial(form_of, outgoing, body), allowed)
        except SourceError as error:
            return report_all(outgoing, deferred(error.code, f"login: {error.detail}"), {})
        if sent.error is not None:
            return report_all(outgoing, of_error(sent.error, sent.upload, allowed), sent.upload.peer)
        assert sent.answer is not None
        outcomes, answered = read_sent(
            sent.answer.status, sent.answer.content, outgoing.deliveries, is_relay=endpoint.is_relay
        )
        if ref := next((outcome.peer_ref for outcome in outcomes.values()), ""):
            sent.upload.peer["doc_id"] = ref
        return SendReport(outcomes=outcomes, peer=sent.upload.peer, answered=answered)

    def _make(self, endpoint: Endpoint) -> Session:
        return Session(
            facade_of(endpoint, self._surroundings.folder),
            self._surroundings,
            contexts=self._contexts,
            names=self._names,
            connections=endpoint.capabilities.max_in_flight,
        )


def form_of(outgoing: Outgoing, body: Body) -> Upload:
    """The form [RFC 7578] around the body; its boundary is random, so no sender can have it in a document."""
    boundary = f"gateway-{secrets.token_hex(16)}"
    beginning = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="messageType"\r\n\r\n'
        f"{_TYPES[outgoing.kind]}\r\n"
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="edocFile"; filename="{outgoing.message_id}.edxml"\r\n'
        "Content-Type: application/xml\r\n\r\n"
    )
    return Upload(
        body,
        media_type=f"multipart/form-data; boundary={boundary}",
        beginning=beginning.encode("ascii"),
        end=f"\r\n--{boundary}--\r\n".encode("ascii"),
    )

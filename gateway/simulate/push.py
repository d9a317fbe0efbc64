"""A system that is pushed: an HTTPS listener that speaks the webhook protocol.

It checks digest and signature, proves that it holds the secret when it is asked to, hands the message to the desk,
and answers per delivery. The deliveries of a message that stays without an answer are in the journal all the same:
the gateway sends it again, and dedupe must catch it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
from urllib.parse import unquote

from aiohttp import web

from gateway.simulate.desk import Arrival, Desk
from gateway.simulate.journal import Accepted
from gateway.simulate.spec import Faults

_MOST = 64_000_000
_FULL = "QLVB: không ghi được văn bản, ổ đĩa đầy 100 % (/var/lib/qlvb) / cannot write, the disk is full"


class Receiver:
    """The listening side of one system."""

    def __init__(
        self,
        *,
        desk: Desk,
        secret: bytes,
        port: int,
        context: ssl.SSLContext,
        faults: Faults,
    ) -> None:
        self._desk = desk
        self._secret = secret
        self._port = port
        self._context = context
        self._faults = faults
        self._unanswered = faults.unanswered
        self._busy = faults.busy
        #: Its disk is full; the first message since then was turned away for good.
        self._is_full = self._has_refused = False
        #: Set once connections are taken.
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled; while it is away connections are refused."""
        await asyncio.sleep(self._faults.away_seconds)
        application = web.Application(client_max_size=_MOST)
        application.router.add_post("/receive", self._receive)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port, ssl_context=self._context).start()
            self.listening.set()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def fail(self) -> None:
        """From now on it can write nothing."""
        self._is_full, self._has_refused = True, False

    def mend(self) -> None:
        """It takes everything again."""
        self._is_full = False

    async def _receive(self, request: web.Request) -> web.Response:
        if self._is_full:
            # What many systems do: the cause is theirs and passes, but the first answer blames the document.
            status, self._has_refused = 503 if self._has_refused else 400, True
            return web.Response(status=status, text=_FULL)
        if self._busy > 0:
            self._busy -= 1
            return web.Response(status=503, headers={"Retry-After": "1"})
        data = await request.read()
        if not self._is_genuine(request, data):
            return web.json_response({"error": "digest or signature"}, status=401)
        if request.headers.get("Gateway-Kind") == "verification":
            challenge = request.headers.get("Gateway-Dispatch-Id", "")
            proof = hmac.new(self._secret, f"verification.{challenge}".encode(), hashlib.sha256).hexdigest()
            return web.json_response({"challenge": challenge, "proof": f"v1={proof}"})
        stalls = self._unanswered > 0
        self._unanswered -= stalls
        deliveries = _deliveries(request.headers["Gateway-Deliveries"])
        arrival = Arrival(
            data=data,
            message=request.headers["Gateway-Message-Id"],
            deliveries=deliveries,
            dispatch=request.headers["Gateway-Dispatch-Id"],
            attempt=int(request.headers["Gateway-Attempt"]),
            # An answer from the office would settle the delivery before it is sent again.
            unread_for=2 * self._faults.stall_seconds if stalls else 0.0,
        )
        # Whoever hangs up ends this handler; what is in the journal by then has to reach its office all the same.
        await asyncio.shield(self._desk.take(arrival))
        if stalls:
            await asyncio.sleep(self._faults.stall_seconds)
            return web.Response(status=503)
        return web.json_response(
            {"deliveries": [{"id": each.delivery, "outcome": "delivered"} for each in deliveries]}
        )

    def _is_genuine(self, request: web.Request, data: bytes) -> bool:
        headers = request.headers
        digest = hashlib.sha256(data)
        signed = ".".join(
            (
                headers.get("Gateway-Timestamp", ""),
                headers.get("Gateway-Dispatch-Id", ""),
                headers.get("Gateway-Deliveries", ""),
                digest.hexdigest(),
            )
        )
        expected = hmac.new(self._secret, signed.encode("ascii"), hashlib.sha256).hexdigest()
        told = headers.get("Content-Digest", "")
        return told == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:" and hmac.compare_digest(
            headers.get("Gateway-Signature", ""), f"v1={expected}"
        )


def _deliveries(header: str) -> tuple[Accepted, ...]:
    pairs = (item.strip().partition("=") for item in header.split(","))
    return tuple(Accepted(identifier, unquote(code)) for identifier, _, code in pairs)

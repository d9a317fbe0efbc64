"""The pushed office of the kill sweep, or the axis: `python -m tests.crash.kill_receiver SPEC`.

It notes what came before it answers, takes a moment over it, dedupes on the dispatch id as the manual asks
receivers to, and reports some documents as processed (status 03) through REST.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import hmac
import random
import re
import signal
import ssl
import sys
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from gateway.client import GatewayClient
from gateway.pki import client_tls_context
from tests.crash.kill_clients import Desk
from tests.crash.kill_journal import Arrived, Journal, Wrong, now
from tests.crash.kill_spec import Spec, listen, read_spec, say
from tests.journeys.messages import status

#: The first organ id is the sender's.
_SENDER = re.compile(rb"OrganId>([A-Z0-9.]+)<")
_NUMBER = re.compile(rb"CodeNumber>([A-Za-z0-9]+)<")
#: The longest moment before an answer.
_THINKS_SECONDS = 0.06


class Receiver:
    """Takes transmissions and reports."""

    def __init__(self, desk: Desk, spec: Spec) -> None:
        self._desk, self._spec = desk, spec
        self._seen: set[str] = set()
        self._reports: set[asyncio.Task[object]] = set()

    async def receive(self, request: web.Request) -> web.Response:
        """One transmission."""
        at, data = now(), await request.read()
        headers = request.headers
        if not self._is_genuine(request, data):
            self._desk.journal.note(Wrong(what=f"dispatch {headers['Gateway-Dispatch-Id']} came unsound"))
            return web.Response(status=400)
        dispatch = headers["Gateway-Dispatch-Id"]
        first = dispatch not in self._seen
        self._seen.add(dispatch)
        for item in headers["Gateway-Deliveries"].split(","):
            delivery, _, recipient = item.strip().partition("=")
            arrived = Arrived(
                delivery=delivery,
                recipient=unquote(recipient),
                message=headers["Gateway-Message-Id"],
                sha256=hashlib.sha256(data).hexdigest(),
                dispatch=dispatch,
                first=first,
                at=at,
            )
            self._desk.journal.note(arrived)
        await asyncio.sleep(self._desk.draw.random() * _THINKS_SECONDS)
        if (
            self._spec.reports
            and first
            and headers["Gateway-Kind"] == "document"
            and self._desk.draw.random() < 0.25
        ):
            self._report(data)
        response = web.Response(status=200)
        if self._spec.closes:
            response.force_close()
        return response

    async def reported(self) -> None:
        """Every report has its 202."""
        while self._reports:
            await asyncio.wait(self._reports)

    def _report(self, data: bytes) -> None:
        sender, found = _SENDER.search(data), _NUMBER.search(data)
        assert sender is not None
        assert found is not None
        number = found[1].decode()
        report = status(self._spec.office, "03", sender=sender[1].decode(), number=number)
        key = f"report-{number}"
        digest = hashlib.sha256(report).hexdigest()
        task: asyncio.Task[object] = asyncio.create_task(
            self._desk.accepted(key, lambda: self._desk.client.post_status(report, key), digest)
        )
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    def _is_genuine(self, request: web.Request, data: bytes) -> bool:
        headers = request.headers
        signed = ".".join(
            (
                headers["Gateway-Timestamp"],
                headers["Gateway-Dispatch-Id"],
                headers["Gateway-Deliveries"],
                hashlib.sha256(data).hexdigest(),
            )
        )
        expected = hmac.new(self._spec.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(headers["Gateway-Signature"], f"v1={expected}")


async def run(spec: Spec) -> None:
    """Listen until the sweep has gone."""
    finish = asyncio.Event()
    gone = listen(finish)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(spec.certificate, spec.key)
    renew = functools.partial(tls.load_cert_chain, spec.certificate, spec.key)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, renew)
    async with GatewayClient(
        spec.url, tls=client_tls_context(Path(spec.anchors)), token=spec.tokens[spec.office], timeout=20
    ) as client:
        desk = Desk(client, Journal(Path(spec.journal)), random.Random(spec.seed))
        receiver = Receiver(desk, spec)
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_post("/{tail:.*}", receiver.receive)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, spec.host, spec.port, ssl_context=tls).start()
        say("ready")
        told = asyncio.create_task(finish.wait())
        left = asyncio.create_task(gone.wait())
        await asyncio.wait({told, left}, return_when=asyncio.FIRST_COMPLETED)
        if not gone.is_set():
            await receiver.reported()
            say("finished")
            await left
        told.cancel()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(run(read_spec(Path(sys.argv[1]))))

"""A vendor's systems on X-Road: a member's client, behind its security server, and a member's service."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import ssl
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from gateway.pki import DevPki
from tests.conformance.papers import Papers
from tests.conformance.peers import Answers, documents, right, statuses, tls_of


class MemberClient:
    """Does whatever the sandbox asks, whichever step is open."""

    def __init__(self, access: dict[str, str], session: aiohttp.ClientSession) -> None:
        self.access, self._session = access, session
        self._papers = Papers(access)
        #: What was handed in with an answer that proved nothing; and whether such answers are looked at.
        self.doubtful, self.looks = 0, True

    @classmethod
    @asynccontextmanager
    async def open(cls, access: dict[str, str]) -> AsyncIterator[MemberClient]:
        """Its connections."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls_of(access))) as session:
            yield cls(access, session)

    async def call(
        self, method: str, path: str, body: bytes = b"", *, client: str | None = "", key: str = ""
    ) -> tuple[int, bytes, bool]:
        """Status, content, and whether the answer proves to be one to this call."""
        access = self.access
        target = f"/r1/{access['xroad_service']}/{path}"
        sent = {"X-Road-Id": str(uuid.uuid4())}
        if client is not None:
            sent["X-Road-Client"] = client or access["xroad_client"]
        sent |= {"Idempotency-Key": key, "Content-Type": "application/xml"} if key else {}
        data = io.BytesIO(body) if body else None
        skipped = {"Accept", "Accept-Encoding", "User-Agent"}
        async with self._session.request(
            method,
            access["xroad_url"] + target,
            headers=sent,
            data=data,
            skip_auto_headers=skipped | {"Content-Type"},
        ) as answer:
            # Accept-Encoding is sent even so, and is part of what is hashed
            found, content = answer.headers, await answer.read()
            hashed = [(name, value) for name, value in answer.request_info.headers.items()]
        expected = _digest(method, target, hashed, found.get("X-Road-Request-Id", ""), body)
        proves = (found.get("X-Road-Request-Hash"), found.get("X-Road-Id")) == (expected, sent["X-Road-Id"])
        return answer.status, content, proves

    async def send(self, body: bytes, path: str = "documents") -> None:
        """Until an answer proves that it is taken, or refused."""
        key = str(uuid.uuid4())
        while not (await self.call("POST", path, body, key=key))[2]:
            self.doubtful += 1
            if not self.looks:
                return

    async def receive(self) -> None:
        """Take and answer everything, for ever; a new document now and then."""
        while True:
            for kind in ("document", "status"):
                # an error of the server's is an outage, and the next look may do better
                for entry in json.loads((await self.call("GET", f"inbox?kind={kind}"))[1]).get("items", []):
                    data = (await self.call("GET", f"inbox/{entry['id']}/content"))[1]
                    await self.call("POST", f"inbox/{entry['id']}/done")
                    for answer in statuses(self.access, data, right):
                        await self.send(answer, "statuses")
            await self.send(self._papers.document("ready"))
            await asyncio.sleep(0.5)

    async def work(self) -> None:
        """Until cancelled."""
        for body in documents(self.access, self._papers):
            await self.send(body)
        await self.call("GET", "inbox", client=None)
        await self.call("GET", "inbox", client="VN/GOV/THU-NGHIEM/KHAC")
        await self.receive()


class MemberService:
    """Takes what is handed to it, and has things for the gateway in its inbox."""

    def __init__(self) -> None:
        self.access: dict[str, str] = {}
        self.answers: Answers = right
        #: Whether it looks at the key and at the client; a bad one does not, and answers with a page.
        self.is_good = True
        self._by_key: dict[str, str] = {}
        self._waiting: dict[str, tuple[str, bytes]] = {}

    def offer(self, data: bytes, kind: str = "document") -> None:
        """For the gateway to fetch."""
        self._waiting[f"{len(self._by_key)}-{uuid.uuid4()}"] = (kind, data)

    async def handle(self, request: web.Request) -> web.Response:
        """One call of the gateway's."""
        if self.is_good and not request.headers.get("X-Road-Client"):
            return web.json_response({"code": "credential_missing"}, status=401)
        parts = request.path.strip("/").split("/")[1:]
        if parts == ["documents"]:
            return self._take(request, await request.read())
        if parts == ["inbox"]:
            kind = request.query.get("kind", "document")
            items = [{"id": ref, "kind": each} for ref, (each, _) in self._waiting.items() if each == kind]
            return web.json_response({"items": items})
        if parts[-1] == "content":
            return web.Response(body=self._waiting[parts[1]][1], content_type="application/xml")
        self._waiting.pop(parts[1], None)
        return web.json_response({})

    def _take(self, request: web.Request, data: bytes) -> web.Response:
        if not self.is_good:
            return web.Response(text="<html>OK</html>", content_type="text/html")
        key = request.headers["Idempotency-Key"]
        if key not in self._by_key:
            self._by_key[key] = str(uuid.uuid4())
            for answer in statuses(self.access, data, self.answers):
                self.offer(answer, "status")
        return web.json_response({"message_id": self._by_key[key]}, status=202)

    @asynccontextmanager
    async def served(self, pki_folder: Path) -> AsyncIterator[str]:
        """Its URL."""
        pair = DevPki(folder=pki_folder).server
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        application = web.Application(client_max_size=400_000_000)
        application.router.add_route("*", "/{rest:.*}", self.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "localhost", 0, ssl_context=context).start()
            yield f"https://localhost:{runner.addresses[0][1]}/service"
        finally:
            await runner.cleanup()

    async def work(self, access: dict[str, str]) -> None:
        """Offer everything, one after the other; for ever."""
        self.access = access
        for body in documents(access, Papers(access)):
            self.offer(body)
            await asyncio.sleep(0.6)  # its list says nothing of an order
        await asyncio.Event().wait()


def _digest(method: str, target: str, headers: list[tuple[str, str]], request_id: str, body: bytes) -> str:
    own = {"host", "content-length", "user-agent", "transfer-encoding", "connection"}
    lines = [method, target, *(f"{name}:{value}" for name, value in headers if name.lower() not in own)]
    head = hashlib.sha512("".join(f"{line}\r\n" for line in [*lines, f"X-Road-Request-Id:{request_id}"]).encode())
    whole = hashlib.sha512(head.digest() + hashlib.sha512(body).digest()) if body else head
    return base64.b64encode(whole.digest()).decode()

"""A vendor's system over a provincial facade (LGSP): one login, three headers, forms, a list by days."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from gateway.clock import VIETNAM
from tests.conformance.papers import Papers
from tests.conformance.peers import Answers, documents, right, statuses, tls_of


class LgspVendor:
    """Does whatever the sandbox asks, whichever step is open."""

    def __init__(self, access: dict[str, str], session: aiohttp.ClientSession) -> None:
        self.access, self._session, self._token = access, session, ""
        self._papers, self._password = Papers(access), Path(access["lgsp_password_file"]).read_text()
        self.answers: Answers = right

    @classmethod
    @asynccontextmanager
    async def open(cls, access: dict[str, str]) -> AsyncIterator[LgspVendor]:
        """Its connections."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls_of(access))) as session:
            yield cls(access, session)

    def headers(self) -> dict[str, str]:
        """The three."""
        key = Path(self.access["lgsp_secret_file"]).read_text()
        system = self.access["lgsp_system_id"]
        return {"Authorization": f"Bearer {self._token}", "X-SystemId": system, "X-SecretKey": key}

    async def login(self, password: str = "") -> int:
        """A token, or not."""
        told = {
            "username": self.access["lgsp_username"],
            "password": password or self._password,
            "applicationCode": self.access["lgsp_application_code"],
            "otp": None,
            "twoFactorProvider": None,
            "typeObjs": [0, 1],
        }
        url = f"{self.access['lgsp_url']}/v1/auth/login?allow_anonymous=true"
        async with self._session.post(url, json=told) as answer:
            if answer.status == 200:
                self._token = (await answer.json())["data"]["token"]
            return answer.status

    async def ask(self, method: str, path: str, *, body: bytes = b"", content_type: str = "text/plain") -> Any:
        """One call; a token that has ended is renewed once."""
        for _ in range(2):
            headers = self.headers() | {"Content-Type": content_type}
            status, content = await self.call(method, path, headers, body)
            if status != 401:
                return json.loads(content)
            assert await self.login() == 200
        raise AssertionError(path)

    async def call(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        """One call as it is."""
        url = f"{self.access['lgsp_url']}/v1/{path}"
        data = io.BytesIO(body) if body else None
        async with self._session.request(method, url, headers=headers, data=data) as answer:
            return answer.status, await answer.read()

    async def tell(self, doc_id: str, status: str) -> None:
        """About an entry."""
        told = json.dumps({"docId": doc_id, "status": status}).encode()
        await self.ask("POST", "updateStatus", body=told, content_type="application/json")

    async def send(self, data: bytes, kind: str = "edoc") -> Any:
        """A form, whose bytes are there before it goes."""
        boundary = "----vendor-of-the-test"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="messageType"\r\n\r\n{kind}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="edocFile"; filename="a.edxml"\r\n'
            "Content-Type: application/xml\r\n\r\n"
        ).encode()
        body += data + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}"
        return await self.ask("POST", "sendEdoc", body=body, content_type=kind)

    async def listed(self, kind: str) -> list[dict[str, Any]]:
        """What waits."""
        today = f"{datetime.now(VIETNAM):%Y/%m/%d}"
        path = f"syncReceivedEdocList?messageType={kind}&fromDate={today}&toDate={today}"
        return [each for each in (await self.ask("GET", path))["data"] if each["status"] == "initial"]

    async def receive(self) -> None:
        """Take and answer everything, for ever."""
        while True:
            for kind in ("edoc", "status"):
                for entry in await self.listed(kind):
                    got = await self.ask("GET", f"getEdoc?docId={entry['docId']}")
                    data = base64.b64decode(got["data"]["edxml"])
                    await self.tell(entry["docId"], "done")
                    for answer in statuses(self.access, data, self.answers):
                        await self.send(answer, "status")
            await asyncio.sleep(0.2)

    async def work(self) -> None:
        """Until cancelled."""
        assert await self.login() == 200
        await self.ask("GET", "getAgenciesList")
        for body in documents(self.access, self._papers):
            await self.send(body)
        today = "messageType=edoc&fromDate=2018/01/01&toDate=2018/01/01"
        wrong = self.headers() | {"Authorization": "Bearer none.of.ours"}
        await self.call("GET", f"syncReceivedEdocList?{today}", wrong)
        bare = {name: value for name, value in self.headers().items() if name != "X-SecretKey"}
        await self.call("GET", f"syncReceivedEdocList?{today}", bare)
        await self.receive()

"""An axis of the VXP kind as a process of its own: TLS, signed calls, entries that stay until acknowledged.

    python -m tests.fakes.axis_process FOLDER CERTIFICATE KEY SYSTEM_ID SECRET

Everything lies in files, so that a test can look and act from outside: `incoming/<kind>/<docId>` with
`<docId>.json` (from, to) beside it is offered; `done/<docId>` says how an entry was acknowledged; `journal` has one
JSON line per request, refused ones included; while `broken` exists every list call gets the page of a proxy. It
checks what the vendor's axis can check: the HMAC over the text of sign-header, and that every signed value is the
one of its header. Written without the adapter's code, so that the two are opinions about the same reference. Prints
its port.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import ssl
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

TIMESTAMP = re.compile(r"\d{8}T\d{6}\+\d{4}")
PAGE = "<html><body>502 Bad Gateway</body></html>"


class Axis:
    """One system id."""

    def __init__(self, folder: Path, system_id: str, secret: str) -> None:
        self.folder, self.system_id, self.secret = folder, system_id, secret
        for name in ("incoming/edoc", "incoming/status", "done"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def app(self) -> web.Application:
        """All operations."""
        app = web.Application(middlewares=[self._journal])
        app.router.add_post("/getReceivedEdocList", self._list)
        app.router.add_post("/getEdoc", self._get)
        app.router.add_get("/downloadEdoc", self._download)
        app.router.add_post("/updateStatus", self._update)
        return app

    @web.middleware
    async def _journal(self, request: web.Request, handler: Any) -> web.StreamResponse:
        fault = await self._fault(request)
        line = {
            "path": request.path,
            "method": request.method,
            "agent": request.headers.get("User-Agent", ""),
            "doc": request.headers.get("XroadVnpt-docId", ""),
            "fault": fault,
        }
        with (self.folder / "journal").open("a") as file:
            file.write(json.dumps(line) + "\n")
        if fault:
            return _reply(status="FAIL", code="15", words=fault)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _fault(self, request: web.Request) -> str:
        text = request.headers.get("XroadVnpt-sign-header", "")
        due = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(due, request.headers.get("XroadVnpt-hash-header", "")):
            return "Sai hash-header"
        signed = json.loads(text)
        body = await request.read()
        faults = {
            "Sai sign-header-key": request.headers["XroadVnpt-sign-header-key"].split(";")
            != [name[10:] for name in signed],
            "Header khac voi sign-header": any(
                request.headers.get(name) != value for name, value in signed.items()
            ),
            "Sai systemid": signed.get("XroadVnpt-systemid") != self.system_id,
            "Sai timestamp": not TIMESTAMP.fullmatch(signed.get("XroadVnpt-timestamp", "")),
            "Thieu Content-Length": request.method == "POST"
            and request.headers.get("Content-Length") != str(len(body)),
        }
        return next((words for words, holds in faults.items() if holds), "")

    def _waiting(self, kind: str) -> list[Path]:
        found = [path for path in (self.folder / "incoming" / kind).iterdir() if path.suffix != ".json"]
        return sorted(path for path in found if not (self.folder / "done" / path.name).exists())

    async def _list(self, request: web.Request) -> web.Response:
        if (self.folder / "broken").exists():
            return web.Response(text=PAGE, content_type="text/html")
        kind = request.headers["XroadVnpt-messagetype"]
        entries = []
        for path in self._waiting(kind):
            facts = json.loads(path.with_name(f"{path.name}.json").read_text())
            entries.append(
                {"docId": path.name, "serviceType": "eDoc", "messageType": kind, "status": "initial"}
                | {"created_time": "2018-11-05 08:30:00"}
                | facts
            )
        return _reply(data=entries)

    def _found(self, request: web.Request) -> Path | None:
        name = request.headers["XroadVnpt-docId"]
        return next(
            (path for kind in ("edoc", "status") for path in self._waiting(kind) if path.name == name), None
        )

    async def _get(self, request: web.Request) -> web.Response:
        path = self._found(request)
        if path is None:
            return _reply(status="FAIL", code="18", words="Khong tim thay van ban")
        return _reply(data=base64.b64encode(path.read_bytes()).decode())

    async def _download(self, request: web.Request) -> web.StreamResponse:
        path = self._found(request)
        return web.FileResponse(path) if path else web.json_response({"status": "FAIL", "ErrorCode": "100"})

    async def _update(self, request: web.Request) -> web.Response:
        path = self._found(request)
        if path is None:
            return _reply(status="FAIL", code="18", words="Khong tim thay van ban")
        (self.folder / "done" / path.name).write_text(request.headers["XroadVnpt-status"])
        return _reply()


def _reply(*, status: str = "OK", code: str = "0", words: str = "Thanh cong", data: object = None) -> web.Response:
    told = {"status": status, "ErrorCode": code, "ErrorDesc": words}
    return web.json_response(told if data is None else told | {"data": data})


async def _serve(folder: Path, certificate: str, key: str, system_id: str, secret: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    runner = web.AppRunner(Axis(folder, system_id, secret).app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=context).start()
    print(runner.addresses[0][1], flush=True)  # noqa: T201  # whoever started it reads the port
    await asyncio.Event().wait()


if __name__ == "__main__":
    given = sys.argv[1:]
    asyncio.run(_serve(Path(given[0]), *given[1:]))

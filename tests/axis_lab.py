"""A real axis simulator for tests: its own process, real TLS on a free port, and a handle for its control socket.

    async with running_axis(tmp_path) as axis:          # two systems, a small catalogue
        await axis.order("cut_after", operations=["sendEdoc"], calls=1)
        reply = await axis.client(H33).send(document)
        await axis.wait("settled", system=G22, count=3)

Nothing sleeps: `start` returns once it listens, `wait` once the journal has the lines. `kill` is SIGKILL; `start`
again takes the same folder and port. Give a short folder: it holds a Unix socket.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import io
import json
import signal
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import VIETNAM
from gateway.simulate.axis.controlling import ask
from gateway.simulate.axis.journal import Line, read_axis_journal
from gateway.simulate.axis.process import JOURNAL
from gateway.simulate.layout import free_ports
from tests.adapters.certificates import issue
from tests.forking import Forked

H33, G22 = "000.00.00.H33", "000.00.00.G22"
#: System id -> codes and patterns it hosts.
HOSTS: dict[str, tuple[str, ...]] = {H33: ("*.H33", "H33", "H33.*"), G22: ("*.G22", "G22", "G22.*")}


@dataclass(kw_only=True)
class AxisLab:
    """One axis; `running_axis` makes it."""

    folder: Path
    settings: Path
    #: PEM of the CA that its certificate comes from.
    anchors: Path
    certificate: Path
    #: System id -> file with its secret; in `secrets`, mode 0600.
    secret_files: dict[str, Path]
    arguments: tuple[str, ...] = ()
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: Forked | None = None
    clients: list[AxisClient] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://localhost:{self.port}"

    @property
    def secrets(self) -> Path:
        """The folder of the secret files."""
        return self.settings.parent

    async def start(self) -> None:
        """Until it listens; on the same port as before."""
        self.process = await Forked.start(
            "gateway", "simulate", "axis", "--folder", str(self.folder),
            "--settings", str(self.settings), "--certificate", str(self.certificate), "--port", str(self.port),
            *self.arguments,
        )  # fmt: skip
        line = await self.process.line()
        assert line.startswith("axis ready "), "the axis did not start"

    async def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, politely unless told otherwise."""
        if self.process is not None:
            await self.process.end(number)

    async def kill(self) -> None:
        """As a crash ends it."""
        await self.stop(signal.SIGKILL)

    async def restart(self) -> None:
        """Kill it and start it again."""
        await self.kill()
        await self.start()

    async def close(self) -> None:
        """The end of the test."""
        for client in self.clients:
            await client.close()
        await self.stop()

    async def order(self, kind: str, **more: Any) -> int:
        """Order a fault (`gateway.simulate.axis.faults`); its number."""
        told = await ask(self.folder, "POST", "/orders", {"kind": kind, **more})
        return int(told["id"])

    async def orders(self) -> list[dict[str, Any]]:
        """Those that stand."""
        found: list[dict[str, Any]] = (await ask(self.folder, "GET", "/orders"))["orders"]
        return found

    async def calm(self, number: int | None = None) -> None:
        """Take one order back, or all."""
        await ask(self.folder, "DELETE", "/orders" if number is None else f"/orders?id={number}")

    async def send(self, sender: str, to: Sequence[str], **more: Any) -> list[dict[str, Any]]:
        """Made-up documents (count, size, dialect, priority, …); doc_id, sha256 and entries of each."""
        told = await ask(self.folder, "POST", "/send", {"sender": sender, "to": list(to), **more})
        found: list[dict[str, Any]] = told["sent"]
        return found

    async def report(self, reporter: str, code: str, **more: Any) -> dict[str, Any]:
        """A status about the message `doc_id` (as its sender got it), or `about` any document.

        `about` has organ_id, number, notation, date (ISO) and document_id.
        """
        told = {"reporter": reporter, "code": code, **more}
        return await ask(self.folder, "POST", "/report", told)

    async def put(self, system: str, content: bytes, **more: Any) -> dict[str, Any]:
        """Any bytes as an entry that nobody sent."""
        told = {"system": system, "content": base64.b64encode(content).decode(), **more}
        return await ask(self.folder, "POST", "/put", told)

    async def change_secret(self, system: str, secret: str) -> None:
        """From now on only this one is right."""
        await ask(self.folder, "POST", "/secret", {"system": system, "secret": secret})

    async def change_catalogue(self, **more: int) -> dict[str, Any]:
        """Change agencies (rename, add, delete, seed)."""
        return await ask(self.folder, "POST", "/catalogue", more)

    async def state(self) -> dict[str, Any]:
        """Counts."""
        return await ask(self.folder, "GET", "/state")

    async def wait(self, event: str = "called", **more: Any) -> list[dict[str, Any]]:
        """Until the journal has `count` such lines (operation, system, outcome, status), old ones included."""
        told = await ask(self.folder, "POST", "/wait", {"event": event, **more})
        found: list[dict[str, Any]] = told["lines"]
        return found

    def journal(self) -> list[Line]:
        """All it wrote down."""
        return read_axis_journal(self.folder / JOURNAL)

    def client(self, system: str) -> AxisClient:
        """A client of that system."""
        client = AxisClient(
            url=self.url, system=system, secret_file=self.secret_files[system], anchors=self.anchors
        )
        self.clients.append(client)
        return client


@dataclass(kw_only=True)
class AxisClient:
    """A client of the wire protocol with code of its own; parameters of a call are signed in their order."""

    url: str
    system: str
    secret_file: Path
    #: None: plain HTTP.
    anchors: Path | None
    session: aiohttp.ClientSession | None = None

    async def send(self, document: bytes, message_type: str = "edoc", **more: str) -> dict[str, Any]:
        """The body as the vendor's SDK writes it: the file, then CRLF."""
        parameters = {"from": self.system, "servicetype": "eDoc", "messagetype": message_type, **more}
        parameters.setdefault("hash-file", hashlib.sha256(document).hexdigest())
        return await self.call("sendEdoc", parameters, document + b"\r\n", kind="application/octet-stream")

    async def received(self, message_type: str = "edoc") -> list[dict[str, Any]]:
        """The list."""
        told = await self.call("getReceivedEdocList", {"servicetype": "eDoc", "messagetype": message_type})
        found: list[dict[str, Any]] = told["data"]
        return found

    async def get(self, doc_id: str) -> bytes:
        """A document by getEdoc."""
        told = await self.call("getEdoc", {"docId": doc_id}, b"{}")
        assert told["status"] == "OK", told
        return base64.b64decode(told["data"], validate=True)

    async def settle(self, doc_id: str, status: str = "done", **more: str) -> dict[str, Any]:
        """Tell what became of it, with updateStatus."""
        return await self.call("updateStatus", {"docid": doc_id, "status": status, **more}, b"{}")

    async def sent(self, **more: str) -> list[dict[str, Any]]:
        """The sent list, recipient by recipient."""
        told = await self.call("getSentEdocList", {"servicetype": "eDoc", "messagetype": "edoc", **more})
        found: list[dict[str, Any]] = told["data"]
        return found

    async def call(
        self,
        operation: str,
        parameters: dict[str, str] | None = None,
        body: bytes = b"",
        *,
        kind: str = "application/json",
    ) -> dict[str, Any]:
        """One POST; its JSON."""
        content = (await self.raw(operation, parameters, body, kind=kind))[1]
        answer: dict[str, Any] = json.loads(content)
        return answer

    async def raw(
        self,
        operation: str,
        parameters: dict[str, str] | None = None,
        body: bytes = b"",
        *,
        kind: str = "application/json",
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        """One call; HTTP status and body. `headers` replace what is sent, after signing."""
        if self.session is None:
            context = ssl.create_default_context(cafile=str(self.anchors)) if self.anchors else False
            self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
        sent = self.signed(parameters or {}, kind) | (headers or {})
        content = io.BytesIO(body) if method == "POST" else None
        async with self.session.request(method, f"{self.url}/{operation}", data=content, headers=sent) as response:
            return response.status, await response.read()

    def signed(self, parameters: dict[str, str], kind: str) -> dict[str, str]:
        """The headers of a call."""
        local = datetime.now(UTC).astimezone(VIETNAM)
        told = {
            **parameters,
            "systemid": self.system,
            "timestamp": f"{local:%d%m%YT%H%M%S}+{local.microsecond // 1000:04}",
            "Content-Type": kind,
        }
        named = {f"XroadVnpt-{name}": value for name, value in told.items()}
        text = json.dumps(named, separators=(",", ":"))
        secret = self.secret_file.read_bytes().strip()
        return named | {
            "XroadVnpt-sign-header-key": ";".join(told),
            "XroadVnpt-sign-header": text,
            "XroadVnpt-hash-header": hmac.new(secret, text.encode(), hashlib.sha256).hexdigest(),
            "Content-Type": kind,
            "User-Agent": "lab",
        }

    async def close(self) -> None:
        """Close its connections."""
        if self.session is not None:
            await self.session.close()
            self.session = None


def make_axis(
    folder: Path,
    *,
    hosts: dict[str, tuple[str, ...]] | None = None,
    agencies: int = 1000,
    answers: dict[str, Any] | None = None,
    habits: dict[str, Any] | None = None,
    arguments: Sequence[str] = (),
) -> AxisLab:
    """Its files; `start` runs it."""
    secrets = folder / "axis-secrets"
    secrets.mkdir(parents=True, exist_ok=True)
    systems, files = [], {}
    for place, (system, codes) in enumerate((hosts or HOSTS).items()):
        files[system] = secrets / f"axis-{place}.secret"
        files[system].touch(0o600)
        files[system].write_text(f"secret-of-{place}-0123456789abcdef")
        systems.append({"id": system, "secret_file": files[system].name, "hosts": codes})
    settings = secrets / "systems.json"
    settings.write_text(json.dumps({"systems": systems, "answers": answers or {}, "habits": habits or {}}))
    authority = issue("CA of the axis")
    anchors = secrets / "anchors.pem"
    anchors.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    return AxisLab(
        folder=folder / "axis",
        settings=settings,
        anchors=anchors,
        certificate=issue("axis", by=authority).write(secrets / "axis.pem"),
        secret_files=files,
        arguments=("--agencies", str(agencies), *arguments),
    )


@contextlib.asynccontextmanager
async def running_axis(folder: Path, **more: Any) -> AsyncIterator[AxisLab]:
    """An axis that listens; `more` as in `make_axis`."""
    axis = make_axis(folder, **more)
    try:
        await axis.start()
        yield axis
    finally:
        await axis.close()

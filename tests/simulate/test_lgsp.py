"""The simulated facade by itself: what it refuses, what it keeps, and its command."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.errors import ConfigError, InputError
from gateway.simulate.lgsp.faults import Faults
from gateway.simulate.lgsp.settings import read_settings
from gateway.simulate.lgsp.store import Store, Taken, Told
from tests.adapters.lgsp_lab import OURS, THEIRS, FacadeLab, facade, facade_folder
from tests.journeys.messages import document

__all__ = ["facade", "facade_folder"]


@dataclass
class Caller:
    """A client that says exactly what it is told to say."""

    lab: FacadeLab
    http: aiohttp.ClientSession
    headers: dict[str, str]

    def url(self, path: str) -> str:
        return f"https://localhost:{self.lab.port}/v1/{path}"

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.http.get(self.url(path), headers=self.headers | headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if response.content_type == "application/json" else text

    async def send(self, content: Any, name: str = "a.edxml", kind: str = "edoc") -> dict[str, Any]:
        form = aiohttp.FormData()
        form.add_field("messageType", kind)
        form.add_field("edocFile", content, filename=name, content_type="application/xml")
        async with self.http.post(self.url("sendEdoc"), data=form, headers=self.headers) as response:
            answer: dict[str, Any] = await response.json()
            return answer


@asynccontextmanager
async def calling(lab: FacadeLab, account: str = "gateway") -> AsyncIterator[Caller]:
    context = ssl.create_default_context(cafile=lab.folder / "ca.pem")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as http:
        login = {
            "username": account,
            "password": (lab.folder / f"{account}.password").read_text().strip(),
            "applicationCode": "EDOC",
        }
        url = f"https://localhost:{lab.port}/v1/auth/login?allow_anonymous=true"
        async with http.post(url, json=login) as response:
            token = (await response.json())["data"]["token"]
        headers = {
            "Authorization": f"Bearer {token}",
            "X-SystemId": "GW.LGSP" if account == "gateway" else "OTHER.LGSP",
            "X-SecretKey": (lab.folder / f"{account}.secret").read_text().strip(),
        }
        yield Caller(lab, http, headers)


def code(answer: dict[str, Any]) -> str:
    """The errorCode of a failure."""
    assert answer["success"] is False
    return str(answer["data"]["errorCode"])


async def test_each_of_the_three_headers_is_looked_at(facade: FacadeLab) -> None:
    """Without the token 401 and a text; with a wrong key code 15; agencies want the token alone."""
    await facade.start()
    async with calling(facade) as caller:
        listing = "syncReceivedEdocList?messageType=edoc&fromDate=2026/01/01&toDate=2026/12/31"
        assert (await caller.get(listing))[1] == {"success": True, "message": "", "count": 0, "data": []}
        for wrong in ("", "Bearer x", "Bearer a.b.c", "Basic x"):
            assert await caller.get(listing, Authorization=wrong) == (401, "licenseInfo:invalid")
        assert code((await caller.get(listing, **{"X-SecretKey": "wrong"}))[1]) == "15"
        assert code((await caller.get(listing, **{"X-SystemId": "OTHER.LGSP"}))[1]) == "15"
        assert code((await caller.get("syncReceivedEdocList?messageType=edoc&fromDate=2026-01-01"))[1]) == "10"
        caller.headers.pop("X-SystemId")
        assert (await caller.get("getAgenciesList"))[0] == 200
        assert code((await caller.get(listing))[1]) == "15"


async def test_codes_of_the_guide_are_told(facade: FacadeLab) -> None:
    """File, recipient, sender, stream, format, lock; nothing of it is kept."""
    facade.settings('agencies = [{code = "000.00.21.H98", locked = true}]')
    await facade.start()
    async with calling(facade) as caller:
        assert code(await caller.send(document(OURS, [THEIRS]), name="a.xml")) == "10"
        assert code(await caller.send(document(OURS, [THEIRS]), kind="letter")) == "10"
        assert code(await caller.send(document(OURS, ["000.00.20.X00"]))) == "18"
        assert code(await caller.send(document(THEIRS, [OURS]))) == "19"
        assert code(await caller.send(b"<edXML")) == "22"
        assert code(await caller.send(document(OURS, ["000.00.21.H98"]))) == "23"

        async def chunks() -> AsyncIterator[bytes]:
            yield b"x"

        async with caller.http.post(caller.url("sendEdoc"), data=chunks(), headers=caller.headers) as response:
            assert code(await response.json()) == "21"
        assert facade.taken() == []
        assert list((facade.folder / "documents").iterdir()) == []
        assert (await caller.send(document(OURS, [THEIRS])))["success"] is True
        assert code((await caller.get("getEdoc?docId=1"))[1]) == "10"


async def test_document_is_handed_out_to_those_it_is_for(facade: FacadeLab) -> None:
    """Not even its sender gets it back."""
    await facade.start()
    async with calling(facade) as ours, calling(facade, "other") as theirs:
        ref = (await ours.send(document(OURS, [THEIRS])))["docId"]
        assert code((await ours.get(f"getEdoc?docId={ref}"))[1]) == "10"
        got = (await theirs.get(f"getEdoc?docId={ref}"))[1]["data"]
        assert (got["from"], got["edocCode"]) == (OURS, "125/UBND-VP")


def _taken(ref: str) -> Taken:
    return Taken(
        doc_id=ref, username="a", sender="", recipients=(), waits_for=("b",), message_type="edoc", reference="",
        subject="", at=0, size=1, sha256="",
    )  # fmt: skip


async def test_line_that_a_crash_cut_off_is_dropped_and_the_rest_is_there(tmp_path: Path) -> None:
    """What was answered was synced; what was not never happened."""
    store = Store(tmp_path)
    ref = store.new_id()
    store.part_of(ref).write_bytes(b"x")
    await store.take(_taken(ref))
    await store.tell(Told(doc_id=ref, username="b", status="done", at=1))
    store.part_of("half").write_bytes(b"x")
    store.close()
    with (tmp_path / "journal").open("ab") as file:
        file.write(b'{"type":"taken","doc')
    again = Store(tmp_path)
    assert [(taken.doc_id, status) for taken, status in again.entries("b", "edoc")] == [(ref, "done")]
    assert again.new_id() != ref
    assert [path.name for path in (tmp_path / "documents").iterdir()] == [f"{ref}.edxml"]
    again.close()


def test_orders_hold_for_their_calls_and_are_read_again(tmp_path: Path) -> None:
    """The first that fits, so many times; a file that makes no sense changes nothing."""
    path = tmp_path / "faults.json"
    faults = Faults(path)
    assert faults.next("send") is None
    orders = [{"on": "send", "do": "page", "times": 2}, {"on": "*", "do": "busy", "times": 0}]
    path.write_text(json.dumps(orders))
    done = [faults.next(operation) for operation in ("list", "send", "send", "send")]
    assert [order.do for order in done if order] == ["busy", "page", "page", "busy"]
    path.write_text("nonsense")
    order = faults.next("send")
    assert order is not None
    assert order.do == "busy"
    assert "faults.json" in faults.problem
    path.unlink()
    assert faults.next("send") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("token_seconds", "token_secs"),
        lambda text: text.replace('username = "other"', 'username = "gateway"'),
        lambda text: "unreadable_to = 'nobody'\n" + text,
        lambda text: text + "[[",
    ],
    ids=["unknown key", "twice", "nobody", "no TOML"],
)
def test_settings_that_make_no_sense_are_refused(facade_folder: Path, tmp_path: Path, change: Any) -> None:
    """With the file's name."""
    path = tmp_path / "lgsp.toml"
    path.write_text(change((facade_folder / "lgsp.toml").read_text()))
    with pytest.raises(ConfigError, match=r"lgsp\.toml"):
        read_settings(path)
    with pytest.raises(InputError):
        read_settings(tmp_path / "none.toml")


async def test_command_makes_a_folder_and_keeps_it(tmp_path: Path, facade_folder: Path) -> None:
    """Secrets of mode 0600; one line says where it listens; SIGTERM ends it."""
    seen = []
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "simulate", "lgsp", "--folder", str(tmp_path / "new"), "--port", "0",
            "--theirs", "H98", stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        assert told["url"].startswith("https://localhost:")
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        seen.append((tmp_path / "new" / "gateway.secret").read_bytes())
    assert seen[0] == seen[1] != (facade_folder / "gateway.secret").read_bytes()
    assert (tmp_path / "new" / "gateway.secret").stat().st_mode & 0o777 == 0o600
    assert 'hosts = ["H98"]' in (tmp_path / "new" / "lgsp.toml").read_text()

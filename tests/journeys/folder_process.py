"""Two offices without a service and the gateway as a process of its own, set up by files and commands only.

One office has a folder on this machine, the other one an SFTP server. `Shown` looks at their folders as a clerk's
explorer does, again and again, and keeps what should never have been seen.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.simulate.layout import free_ports
from tests.adapters.folder_lab import Office, SftpOffice, local_office, sftp_office
from tests.crash.kill_process import Gateway
from tests.forking import Forked
from tests.journeys.folder_site import until
from tests.journeys.installation import COMMUNE, CONFIG, OWN, PUSHED

_FAST = ("settle_seconds=0.2", "patience_seconds=0.5", "poll_seconds=0.2")
_LIST = f"""organ_id,name,kind,endpoint
{COMMUNE},UBND xã Một,commune,one
{PUSHED},UBND xã Hai,commune,two
{OWN},Trục văn bản tỉnh,agency,
"""


@dataclass(kw_only=True)
class ProcessSite:
    """The server's place, the office with a folder (`one`) and the one with an SFTP server (`two`)."""

    folder: Path
    one: Office
    two: SftpOffice
    gateway: Gateway | None = None

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    async def start(self) -> None:
        """`gateway serve`, until it is ready."""
        self.gateway = await Gateway.start(self, forked=True)
        assert await self.gateway.ready(), self.gateway.log.read_text()[-2000:]

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.gateway is not None
        await self.gateway.kill()

    async def stop(self) -> None:
        """SIGTERM, as a service manager does it."""
        if self.gateway is not None and self.gateway.exit_code is None:
            self.gateway.terminate()
            await self.gateway.gone()

    async def command(self, *words: str, code: int = 0) -> Any:
        """A command of an operator's; what it answers in JSON."""
        command = await Forked.start("gateway", "--config", str(self.config), *words, "--json")
        ended, told = await command.finished()
        assert ended == code, told
        return json.loads(told)

    async def connect(self, name: str, office: Office) -> None:
        """A channel, as the page for offices says it."""
        given = [f"{key}={value}" for key, value in office.settings.items()]
        words = [word for setting in (*given, *_FAST) for word in ("--setting", setting)]
        capability = ("--capability", "outcomes=true")
        why = ("--reason", "office without a system")
        await self.command("agencies", "endpoint", "set", name, "--kind", office.kind, *words, *capability, *why)


@asynccontextmanager
async def process_site(
    tmp_path: Path, pki_folder: Path, *, place: Path | None = None
) -> AsyncIterator[ProcessSite]:
    """Everything connected and running; `place`: where the folder of `one` lies."""
    folder = tmp_path / "site"
    (folder / "secrets").mkdir(parents=True, mode=0o700)
    (folder / "certs").symlink_to(pki_folder)
    port, operations = free_ports(2)
    text = CONFIG.format(own=OWN, data="data", more="").replace("\nport = 0\n", f"\nport = {port}\n", 1)
    (folder / "config.toml").write_text(text.replace("operations_port = 0", f"operations_port = {operations}"))
    (folder / "agencies.csv").write_text(_LIST)
    async with sftp_office(folder) as two:
        site = ProcessSite(folder=folder, one=local_office(place or tmp_path / "one-side"), two=two)
        await site.start()
        try:
            await asyncio.gather(site.connect("one", site.one), site.connect("two", site.two))
            await site.command("agencies", "import", str(folder / "agencies.csv"), "--reason", "list of 2018")
            await until(lambda: all((each.path / ".gateway").is_dir() for each in (site.one, site.two)))
            yield site
        finally:
            await site.stop()


def drop(office: Office, name: str, content: bytes) -> None:
    """Put a file into the outbox as a careful program does it."""
    temporary = office.path / "outbox" / f"{name}.part"
    temporary.write_bytes(content)
    temporary.rename(office.path / "outbox" / name)


def infos(office: Office, area: str = "inbox") -> list[dict[str, Any]]:
    """What came, by its description for programs."""
    return [json.loads(each.read_bytes()) for each in sorted((office.path / area).glob("[!.]*/info.json"))]


def reasons(office: Office) -> list[dict[str, Any]]:
    """What was refused, and why."""
    return [json.loads(each.read_bytes()) for each in sorted((office.path / "refused").glob("[!.]*/reason.json"))]


@dataclass(kw_only=True)
class Shown:
    """What anybody who opens an office's folder sees, from the first look to the last."""

    office: Office
    broken: list[str] = field(default_factory=list)
    looks: int = 0

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look all the time."""
        task = asyncio.create_task(self._look())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _look(self) -> None:
        while True:
            await asyncio.to_thread(self._once)
            self.looks += 1
            await asyncio.sleep(0.02)

    def _once(self) -> None:
        for each in (self.office.path / "inbox").glob("[!.]*"):
            trouble = _trouble(each)
            if trouble:
                self.broken.append(f"{each.name}: {trouble}")


def _trouble(folder: Path) -> str:
    """What a delivery lacks; nothing, if its name never shows before all of it is there."""
    try:
        info = json.loads((folder / "info.json").read_bytes())
        if not (folder / "thong-tin.txt").read_text("utf-8-sig").endswith("\n"):
            return "thong-tin.txt is cut off"
        if hashlib.sha256((folder / "van-ban.edxml").read_bytes()).hexdigest() != info["sha256"]:
            return "van-ban.edxml is not the message"
        for file in info["files"]:
            if (folder / file["name"]).stat().st_size != file["size"]:
                return f"{file['name']} is not whole"
        lacking = {f"{one['id']}.03" for one in info["deliveries"]} - {
            p.name for p in (folder / "tra-loi").iterdir()
        }
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return f"lacks {lacking}" if lacking else ""

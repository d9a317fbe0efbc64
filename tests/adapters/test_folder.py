"""Folders and SFTP keep every promise of an adapter and of a source: the same suites on both."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.errors import SourceError
from gateway.model import OutcomeKind, Outgoing, SendReport
from gateway.ports import Source
from tests.adapters.conformance import AdapterConformance, Scene, Stage
from tests.adapters.folder_lab import Office, SftpOffice, local_office, sftp_office
from tests.adapters.sources import SourceConformance, SourceStage, Trouble, fetched
from tests.unit.deliver.fakes import outgoing


class _Stage:
    """An office's folder that behaves as a scene says."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.received: list[tuple[str, bytes]] = []
        self._reached = asyncio.Event()

    async def reached(self) -> None:
        await self._reached.wait()

    async def send(self, scene: Scene, item: Outgoing, content: bytes) -> SendReport:
        office, more = self._office, {}
        inbox = office.path / "inbox"
        if scene.behaviour == "fails":
            await office.send(item, content)
            shutil.rmtree(inbox)
        elif scene.behaviour == "refuses":
            more["max_bytes"] = 1
        elif scene.behaviour == "talks_nonsense":
            await office.send(item, content)
            shutil.rmtree(inbox)
            inbox.symlink_to("/tmp")
        elif scene.behaviour == "is_absent" and isinstance(office, SftpOffice):
            await office.stop()
        elif scene.behaviour == "is_absent":
            shutil.rmtree(office.path)
        self._play(scene)
        try:
            return await office.send(item, content, is_relay=scene.is_relay, scene=scene, **more)
        finally:
            if inbox.is_dir() and not inbox.is_symlink():
                self.received[:] = office.arrived()

    def _play(self, scene: Scene) -> None:
        if not isinstance(self._office, SftpOffice):
            return
        office, habits = self._office, self._office.habits
        habits.before = habits.after_rename = None
        slow = asyncio.Event()
        if scene.behaviour == "takes_slowly":
            habits.before = lambda name: asyncio.sleep(0.1) if name == "write" else None
        elif scene.behaviour in {"takes_and_drops", "takes_and_stalls"}:
            renames = 0

            async def after() -> None:
                nonlocal renames
                renames += 1
                self._reached.set()
                if scene.behaviour == "takes_and_drops":
                    office.hang_up()
                else:
                    await slow.wait()

            def before(name: str) -> None:
                # papers are renamed, too: the last rename is the folder's
                has_all = any(each.suffix != ".part" for each in office.path.glob(".gateway/*"))
                habits.after_rename = after if name == "rename" and has_all else None

            habits.before = before


class TestFolder(AdapterConformance):
    """The adapter's suite on a folder of this machine."""

    answers_per_delivery: ClassVar[bool] = False
    can_be_doubtful: ClassVar[bool] = False
    absent: ClassVar[frozenset[str]] = frozenset({"connect_failed"})

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        return _Stage(local_office(tmp_path))


class TestSftp(AdapterConformance):
    """The adapter's suite on an SFTP server."""

    answers_per_delivery: ClassVar[bool] = False
    absent: ClassVar[frozenset[str]] = frozenset({"connect_failed"})

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[Stage]:
        async with sftp_office(tmp_path) as office:
            yield _Stage(office)


@pytest.mark.parametrize("kind", ["folder", "sftp"])
async def test_limit_of_the_folders_own_settings_counts_in_both_directions(tmp_path: Path, kind: str) -> None:
    """Exactly so many bytes pass, one more is refused with the reason of its direction."""
    async with AsyncExitStack() as stack:
        office = (
            local_office(tmp_path) if kind == "folder" else await stack.enter_async_context(sftp_office(tmp_path))
        )
        most, content = 1_000, b"<edXML/>".ljust(1_000)
        told = [
            (await office.send(outgoing(), each, max_bytes=most)).outcomes for each in (content, content + b" ")
        ]
        kinds = [(one.kind, one.reason) for each in told for one in each.values()]
        assert kinds == [(OutcomeKind.DELIVERED, ""), (OutcomeKind.REFUSED, "too_large_for_peer")]
        assert [came for _, came in office.arrived()] == [content]
        for name, each in (("at.edxml", content), ("above.edxml", content + b" ")):
            (office.path / "outbox" / name).write_bytes(each)
        source = office.source(max_bytes=most)
        stack.push_async_callback(source.close)
        refs = {item.ref.partition("|")[0]: item.ref for item in await source.listed()}
        assert await fetched(source, refs["outbox/at.edxml"]) == content
        with pytest.raises(SourceError, match="body_too_large"):
            await fetched(source, refs["outbox/above.edxml"])
        assert len(office.texts("refused/above.edxml*/LY-DO.txt")) == 1


class _SourceStage:
    """An office that puts files into its outbox."""

    def __init__(self, office: Office) -> None:
        self._office, self._count = office, 0
        for name in ("outbox", "status", "inbox", "sent", "receipts", "refused", ".gateway"):
            (office.path / name).mkdir()

    async def put(self, content: bytes) -> None:
        self._count += 1
        path = self._office.path / "outbox" / f"van ban {self._count}.edxml"
        temporary = path.with_suffix(".part")
        temporary.write_bytes(content)
        temporary.rename(path)

    def client(self) -> Source:
        return self._office.source()

    async def trouble(self, trouble: Trouble | None) -> None:
        path = self._office.path
        away, marker = path.with_name("away"), path / ".gateway-folder"
        if trouble == "is_absent":
            path.rename(away)
        elif trouble == "fails":  # the share is not mounted: an empty folder
            path.rename(away)
            path.mkdir()
        elif trouble == "talks_nonsense":
            marker.write_text("another-office")
        else:
            if away.exists():
                if path.exists():
                    path.rmdir()
                away.rename(path)
            marker.write_text("")

    async def spoil(self, ref: str) -> None:
        name = ref.partition("/")[2].partition("|")[0]
        (self._office.path / "outbox" / name).unlink()

    async def told(self) -> list[bool]:
        path = self._office.path
        ours = [each.stat().st_ctime_ns for each in (path / "receipts").glob("*/answer.json")]
        refused = [each.stat().st_ctime_ns for each in (path / "refused").glob("*/reason.json")]
        for each in (path / "refused").glob("*/reason.json"):
            assert json.loads(each.read_bytes())["code"] == "edxml_invalid"
        return [is_ours for _, is_ours in sorted([(at, True) for at in ours] + [(at, False) for at in refused])]


class TestFolderSource(SourceConformance):
    """The source's suite on a folder of this machine."""

    @pytest.fixture
    def stage(self, tmp_path: Path) -> SourceStage:
        return _SourceStage(local_office(tmp_path))


class TestSftpSource(SourceConformance):
    """The source's suite on an SFTP server."""

    @pytest.fixture
    async def stage(self, tmp_path: Path) -> AsyncIterator[SourceStage]:
        async with sftp_office(tmp_path) as office:
            yield _SourceStage(office)

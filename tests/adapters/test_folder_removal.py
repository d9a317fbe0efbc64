"""What is taken out of an outbox is what was accepted: whatever is put there, or dies, in the very instant."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest

from adapters.folder import renaming
from adapters.folder.local import LocalStore
from adapters.folder.settings import FolderSettings
from adapters.folder.source import FolderSource
from adapters.folder.store import FileStore, Place
from gateway.errors import SourceError
from gateway.ports import Settlement
from tests.adapters.folder_killed import KilledError, KilledStore
from tests.adapters.folder_lab import Office, SftpOffice, local_office, sftp_office
from tests.adapters.test_folder_faults import names, taken

FIRST, SECOND = b"<edXML>cong van 1</edXML>", b"<edXML>cong van 2</edXML>"
_DONE = Settlement(done=True, message_id="m", answer=b"{}", transfer=b"{}", xades=b"<x/>")
#: Without a receipt, so that most acts are those of the removal.
BARELY = Settlement(done=True, message_id="m")
_REFUSED = Settlement(done=False, reason="recipient_unknown", detail="nobody")


class SwappingStore(LocalStore):
    """In the instant in which a file is renamed out of the outbox, another one has its name."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, 2)
        self.path, self.is_armed = path, True

    def _swap(self, old: Place) -> None:
        if old == ("outbox", "a.edxml") and self.is_armed:
            self.is_armed = False
            put(self.path, SECOND)

    async def take(self, old: Place, new: Place) -> None:
        self._swap(old)
        await super().take(old, new)

    async def move(self, old: Place, new: Place) -> bool:
        self._swap(old)
        return await super().move(old, new)


def put(path: Path, content: bytes) -> None:
    """As careful programs do it."""
    (path / "a.part").write_bytes(content)
    (path / "a.part").rename(path / "outbox" / "a.edxml")


def source_of(office: Office, store: FileStore) -> FolderSource:
    settings = FolderSettings(settle_seconds=0, patience_seconds=0)
    return FolderSource(office.endpoint(), office.surroundings, store, settings)


def lying(office: Office) -> list[bytes]:
    """What lies where the gateway moved it, in sent/ or refused/."""
    return [each.read_bytes() for area in ("sent", "refused") for each in (office.path / area).rglob("*.edxml")]


async def waiting(office: Office) -> list[bytes]:
    """What a source finds that remembers nothing."""
    source = office.source()
    try:
        return [await taken(source, item.ref) for item in await source.listed()]
    finally:
        await source.close()


def no_notes(office: Office) -> bool:
    return not office.texts(".gateway/leaving/*")


@pytest.fixture
async def office(tmp_path: Path) -> Office:
    """One that is laid out."""
    found = local_office(tmp_path)
    assert list(await found.source().listed()) == []
    return found


@pytest.mark.parametrize("settlement", [_DONE, _REFUSED], ids=["done", "refused"])
@pytest.mark.parametrize("is_fetched", [True, False], ids=["fetched", "after_a_restart"])
async def test_file_that_comes_in_the_instant_of_the_move_is_taken_up_and_not_lost(
    office: Office, settlement: Settlement, *, is_fetched: bool
) -> None:
    """It replaced what was accepted; it was not, so it goes back to where it was put."""
    put(office.path, FIRST)
    source = source_of(office, SwappingStore(office.path))
    (item,) = await source.listed()
    if is_fetched:
        await taken(source, item.ref)
    assert await source.settle(item.ref, settlement)
    assert lying(office) == []
    (other,) = await source.listed()
    assert names([other]) == ["a.edxml"]
    assert other.ref != item.ref
    assert await taken(source, other.ref) == SECOND
    assert await source.settle(other.ref, _DONE)
    assert lying(office) == [SECOND]
    assert no_notes(office)


async def test_third_file_of_the_name_keeps_it_and_the_second_is_taken_up_beside_it(office: Office) -> None:
    """Nothing is written over on the way back either."""

    class Crowded(SwappingStore):
        async def take(self, old: Place, new: Place) -> None:
            await super().take(old, new)
            put(self.path, b"<edXML>3</edXML>")

    put(office.path, FIRST)
    source = source_of(office, Crowded(office.path))
    (item,) = await source.listed()
    assert await source.settle(item.ref, _DONE)
    assert office.texts("outbox/*") == ["outbox/a (2).edxml", "outbox/a.edxml"]
    assert set(await waiting(office)) == {SECOND, b"<edXML>3</edXML>"}


async def test_link_that_comes_in_the_instant_of_the_move_is_no_accepted_file(office: Office) -> None:
    """Not even where it leads to the same bytes."""

    class Linking(SwappingStore):
        async def take(self, old: Place, new: Place) -> None:
            (self.path / "outbox" / "a.edxml").rename(self.path / "elsewhere")
            (self.path / "outbox" / "a.edxml").symlink_to(self.path / "elsewhere")
            await LocalStore.take(self, old, new)

    put(office.path, FIRST)
    source = source_of(office, Linking(office.path))
    (item,) = await source.listed()
    await taken(source, item.ref)
    assert await source.settle(item.ref, _DONE)
    assert lying(office) == []
    assert (office.path / "outbox" / "a.edxml").is_symlink()


def check_each_is_there_once(office: Office, found: list[bytes], *, swapped: bool) -> None:
    """What was accepted, or was not yet, is moved or waits; what replaced it waits."""
    if swapped:
        assert found == [SECOND]
    assert [*found, *lying(office)] == [SECOND if swapped else FIRST]
    assert no_notes(office)


async def test_killed_at_any_act_with_another_file_in_the_instant_neither_is_lost(tmp_path: Path) -> None:
    """The next look ends what was begun, and finds the second one."""
    for acts in count():
        office = local_office(tmp_path / str(acts))
        await office.source().listed()
        put(office.path, FIRST)
        swapping = SwappingStore(office.path)
        source = source_of(office, KilledStore(swapping, acts))
        died = False
        try:
            (item,) = await source.listed()
            await taken(source, item.ref)
            await source.settle(item.ref, _DONE)
        except KilledError:
            died = True
        check_each_is_there_once(office, await waiting(office), swapped=not swapping.is_armed)
        if not died:
            break
    assert acts > 8


_PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.adapters import test_folder_removal as lab
from tests.adapters.folder_killed import KilledStore
from tests.adapters.folder_lab import local_office

class Killed(KilledStore):
    def _act(self):
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._act()

async def run():
    office = local_office(Path(sys.argv[1]))
    source = lab.source_of(office, Killed(lab.SwappingStore(office.path), int(sys.argv[2])))
    (item,) = await source.listed()
    await lab.taken(source, item.ref)
    await source.settle(item.ref, lab.BARELY)

asyncio.run(run())
"""


async def test_process_killed_between_any_two_steps_leaves_each_file_once(tmp_path: Path) -> None:
    """SIGKILL to a process that takes it away, at every act; the next look ends what it began."""
    swapped = []
    for acts in count():
        office = local_office(tmp_path / str(acts))
        await office.source().listed()
        put(office.path, FIRST)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROGRAM, str(tmp_path / str(acts)), str(acts)
        )
        code = await process.wait()
        assert code in {0, -signal.SIGKILL}
        found = await waiting(office)
        swapped.append(SECOND in found)
        check_each_is_there_once(office, found, swapped=swapped[-1])
        if code == 0:
            break
    assert swapped == sorted(swapped)
    assert len(set(swapped)) == 2


async def test_file_of_ours_whose_note_is_gone_is_told_and_never_thrown_away(office: Office) -> None:
    """Somebody has tidied up: the operator reads which file it is."""
    leaving = office.path / ".gateway" / "leaving"
    leaving.mkdir()
    (leaving / "0123.0").write_bytes(FIRST)
    with pytest.raises(SourceError, match=r"0123\.0"):
        await office.source().listed()
    assert (leaving / "0123.0").read_bytes() == FIRST
    (leaving / "0123.json").write_text("{}")
    with pytest.raises(SourceError, match="damaged"):
        await office.source().listed()


# --- the other end of the move


@pytest.mark.parametrize("knows", ["renameat2", "links", "neither"])
async def test_file_that_comes_to_the_target_in_the_instant_of_the_move_is_not_written_over(
    office: Office, monkeypatch: pytest.MonkeyPatch, knows: str
) -> None:
    """Where the file system can do it by any means; a folder's rename never replaces another one."""
    real: dict[str, Callable[..., None]] = {
        "renameat2": renaming.rename_exclusively,
        "link": os.link,
        "rename": os.rename,
    }
    (office.path / "mine").write_bytes(FIRST)

    def first_another(name: str) -> Callable[..., None]:
        def act(*args: object, **more: object) -> None:
            (office.path / "sent" / "a.edxml").write_bytes(SECOND)
            real[name](*args, **more)

        return act

    def unknown(*_: object, **__: object) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    if knows == "renameat2":
        monkeypatch.setattr(renaming, "rename_exclusively", first_another("renameat2"))
    else:
        monkeypatch.setattr(renaming, "rename_exclusively", unknown)
        monkeypatch.setattr(
            "adapters.folder.renaming.os.link", first_another("link") if knows == "links" else unknown
        )
    store = LocalStore(office.path, 2)
    if knows != "neither":
        assert not await store.move(("mine",), ("sent", "a.edxml"))
        assert (office.path / "sent" / "a.edxml").read_bytes() == SECOND
        assert (office.path / "mine").read_bytes() == FIRST
    assert await store.move(("mine",), ("sent", "b.edxml"))
    assert not await store.move(("sent", "b.edxml"), ("sent", "a.edxml")) or knows == "neither"
    (office.path / "inbox" / "x" / "y").mkdir(parents=True)
    (office.path / "inbox" / "z").mkdir()
    assert not await store.move(("inbox", "z"), ("inbox", "x"))
    assert await store.move(("inbox", "z"), ("inbox", "w"))


# --- the same over SFTP


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[SftpOffice]:
    async with sftp_office(tmp_path) as found:
        assert await waiting(found) == []
        yield found


def swap_at(office: SftpOffice, request: str, then: Path, content: bytes, *, like: Path | None = None) -> None:
    """Another file has the name when the server is asked to rename, once; `like`: with the times of this one."""
    new = office.path.parent / "new.part"
    new.write_bytes(content)
    if like is not None:
        found = like.stat()
        os.utime(new, ns=(found.st_atime_ns, found.st_mtime_ns))

    def before(name: str) -> None:
        if name == request and new.exists():
            new.rename(then)

    office.habits.before = before


@pytest.mark.parametrize("extensions", [True, False], ids=["openssh", "plain"])
async def test_file_that_comes_in_the_instant_of_the_servers_rename_is_taken_up(
    served: SftpOffice, *, extensions: bool
) -> None:
    """Even one of the same size and second, which only its bytes tell apart."""
    served.habits.extensions = extensions
    put(served.path, FIRST)
    path = served.path / "outbox" / "a.edxml"
    source = served.source()
    (item,) = await source.listed()
    await taken(source, item.ref)
    names_at = "posix_rename" if extensions else "rename"

    def armed_after_the_note(name: str) -> None:
        if name == names_at and served.texts(".gateway/leaving/*.json"):
            swap_at(served, names_at, path, SECOND, like=path)
            assert served.habits.before is not None
            served.habits.before(name)

    served.habits.before = armed_after_the_note
    assert await source.settle(item.ref, _DONE)
    served.habits.before = None
    assert lying(served) == []
    (other,) = await source.listed()
    assert other.ref != item.ref
    assert await taken(source, other.ref) == SECOND
    assert await source.settle(other.ref, _DONE)
    assert lying(served) == [SECOND]
    assert no_notes(served)
    await source.close()


async def test_file_that_comes_to_the_servers_target_is_not_written_over(served: SftpOffice) -> None:
    """The plain rename fails, and what was sent gets another name."""
    put(served.path, FIRST)
    source = served.source()
    (item,) = await source.listed()
    await taken(source, item.ref)

    def before(name: str) -> None:
        if name == "rename" and served.texts(".gateway/leaving/*.0"):
            (served.path / "sent" / "a.edxml").write_bytes(SECOND)
            served.habits.before = None

    served.habits.before = before
    assert await source.settle(item.ref, _DONE)
    assert sorted(lying(served)) == [FIRST, SECOND]
    assert (served.path / "sent" / "a.edxml").read_bytes() == SECOND
    await source.close()


async def test_server_that_dies_in_the_middle_is_gone_on_with_at_the_next_look(served: SftpOffice) -> None:
    """Taken, and not yet put down: neither lost nor sent again."""
    put(served.path, FIRST)
    source = served.source()
    (item,) = await source.listed()
    await taken(source, item.ref)

    def before(name: str) -> None:
        if name == "rename" and served.texts(".gateway/leaving/*.0"):
            served.hang_up()

    served.habits.before = before
    with pytest.raises(SourceError):
        await source.settle(item.ref, _DONE)
    assert served.texts("outbox/*") == []
    served.habits.before = None
    assert list(await source.listed()) == []
    assert lying(served) == [FIRST]
    assert no_notes(served)
    await source.close()

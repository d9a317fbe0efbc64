"""The body store: spool, keep, read, damage, crash leftovers."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway import failpoints
from gateway.aside_process import NUMBER
from gateway.clock import SystemClock, instant
from gateway.errors import BodyDamagedError, RefusedError, StorageClosedError, StorageError
from gateway.fsio import fsync_dir
from gateway.storage import body_process, body_sync
from gateway.storage.bodies import MEMORY_BYTES, Bodies, SpooledBody
from gateway.storage.body_format import HEADER, HEADER_BYTES
from gateway.storage.body_keys import BodyKeys, DataKey
from gateway.storage.body_process import ANSWER
from gateway.storage.body_sync import BodySync

SMALL = b"<edXML/>"
LARGE = random.Random(1).randbytes(3 * MEMORY_BYTES + 17)


async def spooled(bodies: Bodies, data: bytes, piece: int = 70_000) -> SpooledBody:
    async with bodies.open_spool() as spool:
        for start in range(0, len(data), piece):
            await spool.write(data[start : start + piece])
        return await spool.finish()


async def kept(bodies: Bodies, data: bytes) -> str:
    body = await spooled(bodies, data)
    await bodies.keep(body)
    return body.sha256


def spool_files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "spool").iterdir())


def keeper_of(folder: Path) -> int:
    """The process that keeps small bodies there."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"gateway.storage.body_process" in words and str(folder).encode() in words:
                return int(path.parent.name)
    raise AssertionError("there is no keeper")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> Iterator[None]:
    """One act of the durable writes fails inside the block."""

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(body_sync, name, fail)
        yield


@pytest.mark.parametrize("data", [b"", SMALL, LARGE, b"x" * MEMORY_BYTES], ids=["empty", "small", "large", "edge"])
async def test_kept_body_is_read_as_it_was_written(
    bodies: Bodies, tmp_path: Path, data: bytes, *, encrypted: bool
) -> None:
    """Bytes, digest and size survive; the spool is left empty; the file is private and in its place."""
    body = await spooled(bodies, data)
    assert (body.sha256, body.size) == (sha256(data).hexdigest(), len(data))
    await bodies.keep(body)
    reader = await bodies.open(body.sha256)
    assert b"".join([chunk async for chunk in reader]) == data
    assert await reader.read() == data
    assert reader.size == len(data)
    path = tmp_path / "bodies" / body.sha256[:2] / body.sha256
    assert reader.file.path == path
    assert (path.read_bytes() == HEADER + data) is not encrypted
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert await bodies.verify(body.sha256)
    assert list(bodies.iterate()) == [body.sha256]
    assert spool_files(tmp_path) == []


async def test_small_body_stays_in_memory_and_a_larger_one_has_a_file(bodies: Bodies, tmp_path: Path) -> None:
    """Up to MEMORY_BYTES nothing touches the disk before `keep`; either kind can be read at once."""
    small, large = await spooled(bodies, b"x" * MEMORY_BYTES), await spooled(bodies, LARGE)
    assert small.content == b"x" * MEMORY_BYTES
    assert large.content is None
    assert spool_files(tmp_path) == [large.path.name]
    for body, data in ((small, b"x" * MEMORY_BYTES), (large, LARGE)):
        with body.open() as stream:
            assert stream.read() == data
        await bodies.discard(body)
        await bodies.discard(body)
    assert spool_files(tmp_path) == []


async def test_unfinished_spool_is_discarded_with_its_context(bodies: Bodies, tmp_path: Path) -> None:
    """An upload that breaks off leaves neither file nor descriptor."""
    before = descriptors()

    async def upload() -> None:
        async with bodies.open_spool() as spool:
            await spool.write(LARGE)
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await upload()
    async with bodies.open_spool() as spool:
        await spool.discard()
        await spool.discard()
    assert spool_files(tmp_path) == []
    assert descriptors() == before


async def test_spool_cancelled_inside_a_write_is_discarded_whole(bodies: Bodies, tmp_path: Path) -> None:
    """Discarding waits for the thread that a cancelled caller left writing."""

    async def upload() -> None:
        async with bodies.open_spool() as spool:
            await spool.write(LARGE)
            await spool.write(LARGE)

    task = asyncio.create_task(upload())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert spool_files(tmp_path) == []


async def test_same_digest_kept_by_many_at_once_is_kept_once(bodies: Bodies, tmp_path: Path) -> None:
    """Keeping is idempotent, also at the same time."""
    all_of_them = [await spooled(bodies, SMALL) for _ in range(20)]
    await asyncio.gather(*(bodies.keep(body) for body in all_of_them))
    assert list(bodies.iterate()) == [all_of_them[0].sha256]
    assert await bodies.verify(all_of_them[0].sha256)
    assert spool_files(tmp_path) == []


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
async def test_who_reads_a_body_is_not_disturbed_when_it_comes_again(tmp_path: Path, content: bytes) -> None:
    """Each file has a key of its own, which a reader, or a parser, got before the same bytes were kept anew."""
    bodies = Bodies(tmp_path, BodyKeys([DataKey.make()]))
    try:
        digest = await kept(bodies, content)
        reader, sound = await bodies.open(digest), await bodies.open_sound(digest)
        inode = bodies.path_of(digest).stat().st_ino
        assert await kept(bodies, content) == digest
        assert bodies.path_of(digest).stat().st_ino != inode  # a file and a sync of its own
        assert await reader.read() == content
        assert b"".join(sound.file.pieces()) == content
        assert not list((tmp_path / "quarantine").iterdir())
        assert spool_files(tmp_path) == []
    finally:
        await bodies.close()


async def test_many_bodies_kept_at_once_are_all_there(bodies: Bodies) -> None:
    """Concurrent keeps do not mix bodies up, and leave no descriptor open."""
    await kept(bodies, b"the process of the keeper runs from here on")
    before = descriptors()
    digests = await asyncio.gather(*(kept(bodies, f"body {number}".encode()) for number in range(200)))
    assert sorted(digests) == [name for name in bodies.iterate() if name in digests]
    assert len(set(digests)) == 200
    assert all(await asyncio.gather(*map(bodies.verify, digests)))
    assert descriptors() == before


async def test_body_of_wrong_length_is_set_aside_and_replaced(bodies: Bodies, tmp_path: Path) -> None:
    """A cut-off body found under a digest is kept for examination and does not stay in the way."""
    digest = await kept(bodies, SMALL)
    with bodies.path_of(digest).open("r+b") as file:
        file.truncate(HEADER_BYTES + 2)
    all_of_them = [await spooled(bodies, SMALL) for _ in range(8)]
    await asyncio.gather(*(bodies.keep(body) for body in all_of_them))
    assert await bodies.verify(digest)
    aside = list((tmp_path / "quarantine").iterdir())
    assert HEADER_BYTES + 2 in {path.stat().st_size for path in aside}


async def test_damaged_body_is_found_and_set_aside(bodies: Bodies, tmp_path: Path) -> None:
    """One wrong bit fails verification; quarantine moves the file and deletes nothing."""
    digest = await kept(bodies, SMALL)
    path = bodies.path_of(digest)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert not await bodies.verify(digest)
    aside = await bodies.quarantine(digest)
    assert aside.parent == tmp_path / "quarantine"
    assert aside.read_bytes().endswith(b"?")
    with pytest.raises(StorageError, match="no such body"):
        await bodies.open(digest)


@pytest.mark.parametrize("head", [b"", b"GWBODY", b"GWBODY\x02\x00\x00\x10" + bytes(6), bytes(16)])
async def test_foreign_header_is_damage(bodies: Bodies, head: bytes) -> None:
    """A file that is not ours, cut off in its header or of an unknown version is never read as a body."""
    digest = await kept(bodies, SMALL)
    bodies.path_of(digest).write_bytes(head)
    with pytest.raises(BodyDamagedError):
        await bodies.open(digest)
    assert not await bodies.verify(digest)


async def test_missing_body_is_an_error_not_a_verdict(bodies: Bodies) -> None:
    """Absence is told apart from damage."""
    for act in (bodies.open, bodies.verify, bodies.quarantine):
        with pytest.raises(StorageError, match="no such body"):
            await act("0" * 64)


@pytest.mark.parametrize("name", ["", "ab", "../" + "a" * 61, "A" * 64, "g" * 64])
async def test_name_that_is_no_digest_is_refused(bodies: Bodies, name: str) -> None:
    """Nothing outside the store can be reached by a name."""
    with pytest.raises(ValueError, match="hexadecimal"):
        bodies.path_of(name)


async def test_leftovers_of_a_crash_are_swept_and_live_uploads_stay(bodies: Bodies, tmp_path: Path) -> None:
    """Old spool files nobody holds go; a young one and one in use stay."""
    for name, age in (("old.part", 90_000), ("young.part", 10)):
        path = tmp_path / "spool" / name
        path.write_bytes(b"half")
        written = SystemClock().now().timestamp() - age
        os.utime(path, (written, written))
    async with bodies.open_spool() as spool:
        await spool.write(LARGE)
        os.utime(spool.path, (0, 0))
        assert await bodies.sweep(SystemClock().now() - timedelta(days=1)) == 1
        assert spool_files(tmp_path) == sorted(["young.part", spool.path.name])
    assert await bodies.sweep(instant(0)) == 0


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
async def test_keep_cancelled_on_the_way_is_finished(bodies: Bodies, tmp_path: Path, data: bytes) -> None:
    """A caller that goes away leaves a kept body or none, and no file in the spool."""
    body = await spooled(bodies, data)
    task = asyncio.create_task(bodies.keep(body))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await bodies.discard(body)
    assert task.cancelled()
    await bodies.keep(await spooled(bodies, data))
    assert await bodies.verify(body.sha256)
    await bodies.close()  # which waits for the first one
    assert spool_files(tmp_path) == []


async def test_body_outside_the_spool_cannot_be_kept(bodies: Bodies) -> None:
    """A file of the spool is kept once; what was discarded is gone. A body in memory may be kept again."""
    body = await spooled(bodies, LARGE)
    await bodies.keep(body)
    with pytest.raises(StorageError, match="not in the spool"):
        await bodies.keep(body)
    small = await spooled(bodies, SMALL)
    await bodies.keep(small)
    await bodies.keep(small)


@pytest.mark.parametrize(
    ("act", "code", "error"),
    [
        ("sync_data", errno.EIO, StorageError),
        ("sync_data", errno.ENOSPC, RefusedError),
        ("link_file", errno.EDQUOT, RefusedError),
    ],
)
async def test_failed_keep_is_that_bodys_own(
    bodies: Bodies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, code: int, error: type
) -> None:
    """A body whose sync failed is gone from the spool, so that nobody syncs the same pages again."""
    before = descriptors()
    body = await spooled(bodies, LARGE)
    with failing(monkeypatch, act, code), pytest.raises(error):
        await bodies.keep(body)
    assert spool_files(tmp_path) == []
    assert descriptors() == before
    assert await bodies.verify(await kept(bodies, LARGE))


async def test_failed_keep_of_a_small_body_is_its_own(bodies: Bodies, tmp_path: Path) -> None:
    """What the process of the keeper meets comes back in the callers' words, and the next body is kept."""
    (tmp_path / "spool").rename(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="could not be kept: No such file"):
        await kept(bodies, SMALL)
    (tmp_path / "elsewhere").rename(tmp_path / "spool")
    assert await bodies.verify(await kept(bodies, SMALL))


async def test_killed_keeper_fails_what_it_had_and_is_replaced(bodies: Bodies, tmp_path: Path) -> None:
    """Bodies that a dead process may not have synced are not promised; the next one has a new process."""
    await kept(bodies, b"so that it runs")
    under_way = [asyncio.create_task(kept(bodies, f"body {number}".encode())) for number in range(50)]
    await asyncio.sleep(0)
    os.kill(keeper_of(tmp_path), signal.SIGKILL)
    outcomes = await asyncio.gather(*under_way, return_exceptions=True)
    assert all(isinstance(one, str | StorageError) for one in outcomes)
    for digest in (one for one in outcomes if isinstance(one, str)):
        assert await bodies.verify(digest)
    assert await bodies.verify(await kept(bodies, SMALL))


def is_broken(bodies: Bodies) -> bool:
    """It changes by itself."""
    return bodies.broken is not None


async def test_failed_directory_sync_stops_keeping_until_the_directory_can_be_written(
    bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is promised in between, of whatever size; reading goes on, and all does once a new name is synced."""
    digest = await kept(bodies, LARGE[1:])
    first, second = await spooled(bodies, LARGE), await spooled(bodies, SMALL)
    with failing(monkeypatch, "fsync_dir", errno.EIO):
        with pytest.raises(StorageError, match="could not be synced"):
            await bodies.keep(first)
        assert is_broken(bodies)
        with pytest.raises(StorageError, match="synced"):
            await bodies.keep(second)
        assert await bodies.verify(digest)
    async with asyncio.timeout(60):
        while is_broken(bodies):  # noqa: ASYNC110 - a state without a signal of its own
            await asyncio.sleep(0.05)
    await bodies.keep(second)
    assert await bodies.verify(await kept(bodies, LARGE))


async def test_body_synced_after_a_failed_sync_of_its_directory_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may have dropped both names with the first sync, and says yes to the second."""
    (tmp_path / "bodies" / "ab").mkdir(parents=True)
    sync = BodySync(tmp_path / "bodies", tmp_path)
    target = tmp_path / "bodies" / "ab" / ("ab" * 32)
    real = fsync_dir

    def other_fails_first(folder: Path) -> None:
        sync._failures[folder] += 1
        real(folder)

    monkeypatch.setattr(body_sync, "fsync_dir", other_fails_first)
    with pytest.raises(body_sync.DirectorySyncError, match="meanwhile"):
        sync.write_and_keep(tmp_path / "source", target, (b"body",))


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["small", "large"])
async def test_body_with_a_flipped_bit_is_handed_to_nobody(bodies: Bodies, data: bytes) -> None:
    """Also when it was sound a moment ago; the same bytes heal it, and the damaged ones stay for a person."""
    digest = await kept(bodies, data)
    path = bodies.path_of(digest)
    assert b"".join([piece async for piece in await bodies.open_sound(digest)]) == data
    flipped = bytearray(path.read_bytes())
    flipped[-1] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(BodyDamagedError, match=r"has the digest|is not what was written"):
        await bodies.open_sound(digest)
    assert await kept(bodies, data) == digest
    assert await (await bodies.open_sound(digest)).read() == data
    assert flipped in [each.read_bytes() for each in (path.parents[2] / "quarantine").iterdir()]
    path.unlink()
    with pytest.raises(BodyDamagedError, match="not there"):
        await bodies.open_sound(digest)


async def test_failed_directory_sync_of_the_keeper_is_told_apart(
    bodies: Bodies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process says that nothing may be kept any more, and its words come through."""
    await bodies.close()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = NUMBER.pack(7) + sha256(SMALL).digest() + HEADER + SMALL
    with ours, failing(monkeypatch, "fsync_dir", errno.EIO), monkeypatch.context() as patched:
        patched.setattr(signal, "signal", lambda *_: None)
        patched.setattr(failpoints, "die_with", lambda _: None)
        server = threading.Thread(target=body_process.main, args=(theirs.detach(), tmp_path))
        server.start()
        ours.send(request)
        answer = await asyncio.to_thread(ours.recv, 4096)
        ours.shutdown(socket.SHUT_WR)
        await asyncio.to_thread(server.join)
    assert NUMBER.unpack_from(answer) == (7,)
    assert ANSWER.unpack_from(answer, NUMBER.size) == (errno.EIO, True)
    assert "could not be synced" in answer[NUMBER.size + ANSWER.size :].decode()


async def test_spool_on_a_full_disk_is_refused_and_never_finished(
    bodies: Bodies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-written piece cannot be completed into a body with a digest of something else."""

    def full(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with bodies.open_spool() as spool:
        with monkeypatch.context() as patched:
            patched.setattr("gateway.storage.spool.write_all", full)
            with pytest.raises(RefusedError) as caught:
                await spool.write(LARGE)
        assert caught.value.code == "disk_nearly_full"
        await spool.write(SMALL)
        with pytest.raises(StorageError, match="earlier write"):
            await spool.finish()
    assert spool_files(tmp_path) == []


async def test_restarted_store_finds_what_was_kept(tmp_path: Path) -> None:
    """Closing finishes the keeps under way; a new run reads them and takes the same digest again."""
    first = Bodies(tmp_path)
    body = await spooled(first, SMALL)
    keeping = asyncio.create_task(first.keep(body))
    await asyncio.sleep(0)
    await first.close()
    await keeping
    with pytest.raises(StorageClosedError):
        await first.open(body.sha256)
    second = Bodies(tmp_path)
    assert await second.verify(body.sha256)
    assert await kept(second, SMALL) == body.sha256
    assert second.free_bytes() > 0
    await second.close()


async def test_small_body_just_kept_is_at_hand_and_a_quarantined_one_is_not(bodies: Bodies) -> None:
    """Sending on at once needs no disk; a body set aside as damaged is never sent from memory."""
    async with bodies.open_spool() as spool:
        await spool.write(b"small")
        kept = await spool.finish()
    await bodies.keep(kept)
    assert bodies.recent(kept.sha256) == b"small"
    await bodies.quarantine(kept.sha256)
    assert bodies.recent(kept.sha256) is None

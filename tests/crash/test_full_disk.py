"""A small disk of its own: full and empty again, read-only and back, and one that the kernel gives up."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.crash.fault_probe import Probe
from tests.crash.kill_check import check
from tests.crash.kill_process import Companion, Gateway
from tests.crash.kill_site import CLIENTS, RECEIVER, Site, Template, make_template
from tests.crash.kill_sweep import settle
from tests.system_tools import require_tool

pytestmark = pytest.mark.slow

_READY, _NOT_READY = 200, 503
_MEGABYTE = 1024 * 1024
_DISK_MEGABYTES = 64
#: Kept free of new documents, for what was accepted before.
_RESERVE_MEGABYTES = 24


def may_not(why: str) -> None:
    """A named skip at home, a failure where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def run(*command: str) -> None:
    """It must succeed."""
    subprocess.run(command, check=True, capture_output=True)


def mend(image: Path) -> None:
    """As an operator does; its exit code says only that something was mended."""
    command = (require_tool("e2fsck", "e2fsprogs"), "-fy", str(image))
    subprocess.run(command, check=False, capture_output=True)


@contextmanager
def mounted(folder: Path, *how: str) -> Iterator[None]:
    """A file system over the data folder, with what is in it."""
    require_tool("mount", "mount")
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.mkdir()
    done = subprocess.run(("mount", *how, str(folder)), check=False, capture_output=True, text=True)
    if done.returncode:
        may_not(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        folder.chmod(0o700)
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        run("sync", "--file-system", str(folder))  # it was on a disk before, and is no work of the gateway's
        yield
    finally:
        run("umount", "--lazy", str(folder))


@contextmanager
def small_disk(site: Site) -> Iterator[Path]:
    """In memory."""
    data = site.settings.storage.folder
    with mounted(data, "-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m", "tmpfs"):
        yield data


@asynccontextmanager
async def at_work(site: Site) -> AsyncIterator[tuple[Gateway, Probe, list[Companion]]]:
    """A gateway with clients and a receiver; whoever uses it ends it."""
    companions = [await Companion.start(site, name) for name in (RECEIVER, CLIENTS)]
    gateway = await Gateway.start(site)
    try:
        assert await gateway.ready()
        async with Probe(site) as probe:
            assert await probe.recovered() is not None
            yield gateway, probe, companions
    finally:
        await gateway.kill()
        for each in companions:
            await each.stop()


async def until(found: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(seconds):
        while not await found():  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0.05)


async def fill(file: Path, free: int) -> None:
    """Take all but so many bytes."""
    with file.open("ab", buffering=0) as out:
        try:
            while (left := os.statvfs(file.parent).f_bavail * os.statvfs(file.parent).f_frsize - free) > 0:
                out.write(bytes(min(left, _MEGABYTE)))
        except OSError:
            return


async def refused(probe: Probe) -> bool:
    """Whether a document is refused for want of space."""
    await probe.look()
    return probe.counts["503 disk_nearly_full"] > 0


@pytest.fixture
async def template(tmp_path: Path) -> Template:
    """One PKI and directory."""
    return await make_template(tmp_path)


async def test_full_disk_is_refused_early_and_well_again_without_a_restart(template: Template) -> None:
    """First the reserve is kept for what was accepted, then nothing is left at all; nothing is lost."""
    site = template.copy(pause=0.1)
    text = site.config.read_text()
    site.config.write_text(text.replace('min_free_bytes = "1MiB"', f'min_free_bytes = "{_RESERVE_MEGABYTES}MiB"'))
    with small_disk(site) as data:
        async with at_work(site) as (gateway, probe, companions):
            filler = data / "foreign.file"
            await fill(filler, _RESERVE_MEGABYTES * _MEGABYTE - _MEGABYTE)
            await until(lambda: refused(probe))
            assert probe.counts["503 storage_unavailable"] == 0
            assert await probe.status_of("/readyz") == _NOT_READY
            assert await probe.metric("gateway_disk_free_bytes") < _RESERVE_MEGABYTES * _MEGABYTE
            await fill(filler, 0)
            for _ in range(20):
                await probe.look()
            assert await probe.status_of("/metrics") == _READY
            filler.unlink()
            assert await probe.recovered() is not None
            assert probe.wrong == []
            assert gateway.exit_code is None
            gateway.terminate()
            assert await gateway.gone() == 0
            assert await settle(site, await Gateway.start(site), companions) == []
        verdict = await check(site, final=True)
        assert verdict.violations == []


async def test_read_only_disk_at_the_start_is_told_and_the_next_start_works(template: Template) -> None:
    """The kernel lets no disk become read-only under a gateway that writes, but a machine may come up with one."""
    site = template.copy()
    with small_disk(site) as data:
        run("mount", "-o", "remount,ro", str(data))
        gateway = await Gateway.start(site)
        assert await gateway.gone() == 3
        said = gateway.log.read_text().splitlines()[-1]
        assert said.startswith("gateway: ")
        assert "Read-only" in said
        run("mount", "-o", "remount,rw", str(data))
        gateway = await Gateway.start(site)
        assert await gateway.ready()
        gateway.terminate()
        assert await gateway.gone() == 0


async def test_disk_that_the_kernel_makes_read_only_is_read_on_and_nothing_is_lost(
    template: Template, tmp_path: Path
) -> None:
    """What ext4 does when its journal fails, under a gateway at work: open files can no longer be written."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(_DISK_MEGABYTES * _MEGABYTE)
    run(require_tool("mkfs.ext4", "e2fsprogs"), "-q", str(image))
    site = template.copy(pause=0.1)
    data = site.settings.storage.folder
    with mounted(data, "-t", "ext4", "-o", "loop", str(image)):
        async with at_work(site) as (gateway, probe, companions):
            run("mount", "-o", "remount,abort", str(data))
            for _ in range(20):
                await probe.look()
            assert probe.counts["503 storage_unavailable"] > 0
            assert probe.wrong == []
            assert await probe.status_of("/readyz") == _NOT_READY
            assert gateway.exit_code is None
            await gateway.kill()
            run("umount", str(data))
            # another one: a namespace made meanwhile may still hold the broken mount, and would share it
            mended = await asyncio.to_thread(shutil.copy, image, tmp_path / "mended")
            mend(Path(mended))
            run("mount", "-o", "loop", str(mended), str(data))
            again = await Gateway.start(site)
            assert await again.ready(), again.log.read_text()[-2000:]
            assert await probe.recovered() is not None
            again.terminate()
            assert await again.gone() == 0
            assert await settle(site, await Gateway.start(site), companions) == []
        verdict = await check(site, final=True)
        assert verdict.violations == []

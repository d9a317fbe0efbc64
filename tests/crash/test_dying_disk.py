"""A disk that is given up while files are kept: what was promised is there afterwards (decision 21)."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from gateway.fsio import fsync_dir, sync_data, write_all
from gateway.storage.lock import FolderLock
from tests.crash.test_full_disk import mend, mounted, run
from tests.system_tools import require_tool

pytestmark = pytest.mark.slow

#: Without the question one round in two to eight finds a file that is empty.
_ROUNDS = 4
_THREADS = 8
_FILE_BYTES = 60_000
_SECONDS_OF_WORK = 0.15


def keep_until_it_fails(
    folder: Path, lock: FolderLock, number: int, promised: list[str], stop: threading.Event
) -> None:
    """A file, its name, its bytes; then the question that follows each commit."""
    turn = 0
    while not stop.is_set():
        name = f"{number}-{turn}"
        turn += 1
        try:
            with (folder / name).open("xb", buffering=0) as file:
                fsync_dir(folder)
                write_all(file.fileno(), bytes(_FILE_BYTES))
                sync_data(file.fileno())
            lock.refuse_if_given_up()
        except OSError:
            return
        promised.append(name)


@pytest.mark.parametrize("attempt", range(_ROUNDS))
def test_file_that_was_promised_outlives_the_end_of_its_journal(tmp_path: Path, attempt: int) -> None:
    """ext4 says yes to a sync that it no longer does; nobody is told so."""
    image, data = tmp_path / "image", tmp_path / "data"
    with image.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    run(require_tool("mkfs.ext4", "e2fsprogs"), "-q", str(image))
    data.mkdir()
    promised: list[str] = []
    with mounted(data, "-t", "ext4", "-o", "loop", str(image)):
        lock = FolderLock.acquire(data, f"attempt {attempt}")
        stop = threading.Event()
        threads = [
            threading.Thread(target=keep_until_it_fails, args=(data, lock, number, promised, stop))
            for number in range(_THREADS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(_SECONDS_OF_WORK)
        run("mount", "-o", "remount,abort", str(data))
        time.sleep(0.05)
        stop.set()
        for thread in threads:
            thread.join()
        lock.release()
        run("umount", str(data))
        mended = Path(shutil.copy(image, tmp_path / "mended"))
        mend(mended)
        run("mount", "-o", "loop", str(mended), str(data))
        sizes = {path.name: path.stat().st_size for path in data.iterdir() if path.is_file()}
    assert promised
    assert {name: sizes.get(name) for name in promised if sizes.get(name) != _FILE_BYTES} == {}

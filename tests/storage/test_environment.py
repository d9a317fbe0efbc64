"""What the machine must bring: a sound SQLite, a local disk, the folder to ourselves."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest

from gateway.errors import EnvironmentRefusedError, RefusedError, StorageError
from gateway.storage.driver import (
    choose_driver,
    is_engine_failure,
    refusal_of,
    translate,
    wal_reset_affected,
)
from gateway.storage.lock import FolderLock, filesystem_of, refuse_network_filesystem


def module(name: str, *version: int) -> ModuleType:
    made = ModuleType(name)
    made.sqlite_version_info = version  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
    ],
)
def test_range_of_the_wal_reset_bug(version: tuple[int, int, int], affected: bool) -> None:  # noqa: FBT001
    """3.7.0 to 3.51.2 are affected, save the two branches that were mended."""
    assert wal_reset_affected(version) is affected


def test_first_sound_driver_is_chosen() -> None:
    """The standard library's module serves when the other one is affected."""
    chosen = choose_driver(modules=[module("pysqlite3", 3, 51, 1), module("sqlite3", 3, 52, 0)])
    assert (chosen.name, chosen.version, chosen.alarm) == ("sqlite3", (3, 52, 0), "")


def test_only_affected_drivers_are_refused() -> None:
    """The gateway does not start on a SQLite that may corrupt its ledger."""
    with pytest.raises(EnvironmentRefusedError, match=r"3\.51\.1"):
        choose_driver(modules=[module("pysqlite3", 3, 51, 1), module("sqlite3", 3, 40, 1)])


def test_override_takes_the_newest_with_an_alarm() -> None:
    """The operator may insist, and is reminded."""
    chosen = choose_driver(
        allow_affected_sqlite=True, modules=[module("sqlite3", 3, 40, 1), module("pysqlite3", 3, 51, 1)]
    )
    assert chosen.name == "pysqlite3"
    assert "install pysqlite3" in chosen.alarm


def test_errors_of_both_modules_are_translated() -> None:
    """Callers see StorageError with its cause, and their own exceptions untouched."""
    for error in (sqlite3.OperationalError("x"), choose_driver().module.IntegrityError("x")):
        translated = translate(error)
        assert isinstance(translated, StorageError)
        assert translated.__cause__ is error
    own = LookupError("x")
    assert translate(own) is own


def test_extended_result_codes_of_the_machine_are_known() -> None:
    """SQLITE_IOERR_FSYNC is the machine's; a constraint is not; other exceptions have no code."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = 1034
    assert is_engine_failure(error)
    error.sqlite_errorcode = 2067
    assert not is_engine_failure(error)
    assert not is_engine_failure(LookupError())


def test_full_disk_is_a_temporary_refusal() -> None:
    """A peer is told to come back; any other file error is a StorageError."""
    refused = refusal_of(OSError(errno.ENOSPC, "No space left"), "writing")
    assert isinstance(refused, RefusedError)
    assert refused.code == "disk_nearly_full"
    assert isinstance(refusal_of(OSError(errno.EIO, "I/O error"), "writing"), StorageError)


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /data nfs4 rw 0 0
/dev/vdb /data/local xfs rw 0 0
//server/share /mnt/with\\040space cifs rw 0 0
sshfs /mnt/remote fuse.sshfs rw 0 0
tmpfs /mnt/hidden tmpfs rw 0 0
server:/x /mnt/hidden nfs rw 0 0
short line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/gateway", "ext4"),
        ("/data/gateway", "nfs4"),
        ("/data/local/gateway", "xfs"),
        ("/database", "ext4"),
        ("/mnt/with space/x", "cifs"),
        ("/mnt/hidden", "nfs"),
    ],
)
def test_longest_mount_point_decides(path: str, kind: str) -> None:
    """The file system is that of the deepest mount, and of the last one there."""
    assert filesystem_of(Path(path), MOUNTS) == kind


@pytest.mark.parametrize("path", ["/data/gateway", "/mnt/with space/x", "/mnt/remote/x"])
def test_network_file_system_is_refused(path: str) -> None:
    """WAL mode needs shared memory and locks that such file systems do not give."""
    with pytest.raises(EnvironmentRefusedError, match="local disk"):
        refuse_network_filesystem(Path(path), MOUNTS)


def test_unknown_mounts_are_accepted() -> None:
    """Where the system has no mount list nothing is assumed."""
    assert refuse_network_filesystem(Path("/data"), "") == ""


def test_lock_is_exclusive_and_names_its_holder(tmp_path: Path) -> None:
    """The second comer is refused at once, also in the same process; release lets the next one in."""
    lock = FolderLock.acquire(tmp_path, "boot-1")
    with pytest.raises(EnvironmentRefusedError, match="boot boot-1 process"):
        FolderLock.acquire(tmp_path, "boot-2")
    lock.release()
    lock.release()
    FolderLock.acquire(tmp_path, "boot-3").release()
    assert (tmp_path / "gateway.lock").read_text().startswith("boot boot-3 ")

"""The recorder sees every act, and the disks made from its log lose what they may, and nothing else."""

from __future__ import annotations

import errno
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.disk import Disk, Weather, contents, whole
from tests.crash.faulty import EVERYWHERE, Control, Fault, Kind, build_faults
from tests.crash.recording import Recorder, Recording
from tests.system_tools import require_tool

#: One of every act.
_ACTS = """
import os
def put(name, *pieces):
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
    for piece in pieces:
        os.write(descriptor, piece)
    return descriptor
os.mkdir("sub"); os.mkdir("gone"); os.rmdir("gone")
one = put("one", b"one" * 1000, b"more")
os.pwrite(one, b"into it", 5)
os.writev(one, [b"several", b"", b"pieces"])
os.pwritev(one, [b"at", b"places"], 9000)
os.ftruncate(one, 8000)
os.fdatasync(one)
os.link("one", "sub/linked"); os.unlink("one")
put("two", b"two"); os.rename("two", "sub/three")
put("four", b"old"); put(".four", b"new"); os.replace(".four", "four")
with open("five", "w") as file: file.write("long")
with open("five", "w") as file: file.write("x")
with open("five", "a") as file: file.write("appended")
os.mkdir("child", dir_fd=os.open("sub", os.O_RDONLY))
"""


def run_recorded(
    tmp_path: Path, library: Path, program: str, *, failing: Fault | None = None
) -> tuple[Path, Recording]:
    """What a program does in a folder of its own, where some call may fail, and the folder."""
    folder = tmp_path / "done"
    folder.mkdir()
    behind = {}
    if failing is not None:
        control = Control(tmp_path / "control")
        control.arm(failing)
        behind = control.environment(build_faults(require_tool("cc", "gcc")), folder)
        control.close()
    recorder = Recorder(library=library, folder=folder, log=tmp_path / "log", behind=behind)
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=recorder.environment(), check=True)
    return folder, Recording(folder, recorder.log)


def left(recording: Recording, target: Path, seed: int) -> dict[str, bytes | None]:
    """What a power cut after the last act leaves."""
    draw = random.Random(seed)
    folder = target / str(seed)
    folder.mkdir()
    Disk(Weather.drawn(draw, len(recording)), draw).write_to(folder, recording.folder)
    return contents(folder)


def test_every_act_of_a_program_is_recorded_in_full(tmp_path: Path, library: Path) -> None:
    """All acts replayed give the very folder."""
    folder, recording = run_recorded(tmp_path, library, _ACTS)
    (tmp_path / "whole").mkdir()
    whole(recording).write_to(tmp_path / "whole", recording.folder)
    assert contents(tmp_path / "whole") == contents(folder)


def test_what_is_not_synced_may_be_lost_in_any_way(tmp_path: Path, library: Path) -> None:
    """A name, all data or some sectors: some seed loses each, and some seed nothing."""
    program = 'import os; d = os.open("a", os.O_WRONLY | os.O_CREAT, 0o600); os.write(d, b"x" * 8192)'
    _, recording = run_recorded(tmp_path, library, program)
    found = [left(recording, tmp_path, seed).get("a") for seed in range(60)]
    kept = {each.count(b"x") for each in found if each is not None}
    assert None in found
    assert {0, 4096, 8192} <= kept


def test_what_is_synced_is_never_lost_and_a_file_s_sync_does_not_save_its_name(
    tmp_path: Path, library: Path
) -> None:
    """Data comes by the file's sync, the name by its directory's."""
    program = """
import os
for name in "ab":
    d = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(d, b"x" * 8192)
    os.fsync(d)
    if name == "a":
        os.fsync(os.open(".", os.O_RDONLY))
"""
    _, recording = run_recorded(tmp_path, library, program)
    found = [left(recording, tmp_path, seed) for seed in range(40)]
    assert {each["a"] for each in found} == {b"x" * 8192}
    assert {each.get("b") for each in found} == {None, b"x" * 8192}


def test_a_replaced_file_is_the_old_or_the_new_one(tmp_path: Path, library: Path) -> None:
    """`atomic_replace` keeps its word on such disks."""
    program = """
from pathlib import Path
from gateway.fsio import atomic_replace, write_durably
write_durably(Path("a"), b"old" * 4000)
atomic_replace(Path("a"), b"new" * 5000)
atomic_replace(Path("a"), b"newest" * 3000)
"""
    _, recording = run_recorded(tmp_path, library, program)
    begun = next(end for begin, end in recording.folder.syncs)
    for seed in range(60):
        draw = random.Random(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        disk = Disk(Weather.drawn(draw, draw.randint(begun + 1, len(recording))), draw)
        disk.write_to(folder, recording.folder)
        assert (folder / "a").read_bytes() in {b"old" * 4000, b"new" * 5000, b"newest" * 3000}


@pytest.mark.parametrize("is_written_again", [True, False])
def test_a_second_sync_after_a_failed_one_saves_only_what_was_written_again(
    tmp_path: Path, library: Path, *, is_written_again: bool
) -> None:
    """What the first was about may be gone, though the second said yes."""
    program = f"""
import os
d = os.open("file", os.O_RDWR | os.O_CREAT, 0o600)
os.fsync(os.open(".", os.O_RDONLY))
os.write(d, b"x" * 4096)
try:
    os.fdatasync(d)
except OSError:
    if {is_written_again}:
        os.pwrite(d, b"x" * 4096, 0)
os.fdatasync(d)
"""
    failing = Fault(kinds=(Kind.SYNC,), places=EVERYWHERE, error=errno.EIO, skip=1)
    _, recording = run_recorded(tmp_path, library, program, failing=failing)
    assert recording.counts["F"] == 1
    found = {left(recording, tmp_path, seed)["file"] for seed in range(40)}
    assert (found == {b"x" * 4096}) is is_written_again

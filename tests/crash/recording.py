"""The log of `recorder.c`: building the recorder, running processes under it, reading what it wrote.

Reading turns inodes into files, so that an inode given out again is another file, and pairs the begin of each sync
with its end. The order of acts is the log's; an act's number is its place in it.
"""

from __future__ import annotations

import os
import struct
import subprocess
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_SOURCE = Path(__file__).with_name("recorder.c")
_ROOT = _SOURCE.parents[2]
_HEAD = struct.Struct("<IIQQII")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorder:
    """Where acts are recorded, and whose."""

    library: Path
    #: Everything below it is recorded.
    folder: Path
    log: Path
    #: A library that comes behind it, and what that needs: what it lets fail is recorded as failed.
    behind: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """For a process that is to be recorded, with all that it starts."""
        return {
            **os.environ,
            **self.behind,
            "LD_PRELOAD": f"{self.library} {self.behind.get('LD_PRELOAD', '')}".strip(),
            "POWERCUT_ROOT": str(self.folder.resolve()),
            "POWERCUT_LOG": str(self.log),
        }

    def length(self) -> int:
        """Bytes of the log now: whatever was done before this call is in them."""
        return self.log.stat().st_size


def build_recorder(compiler: str) -> Path:
    """The recorder as a shared library."""
    return build_library(compiler, _SOURCE)


def build_library(compiler: str, source: Path) -> Path:
    """A library to be preloaded; made anew when its source is newer."""
    library = _ROOT / "build" / "powercut" / f"{source.stem}.so"
    written = max(source.stat().st_mtime, source.with_name("hooks.h").stat().st_mtime)
    if not library.exists() or library.stat().st_mtime < written:
        library.parent.mkdir(parents=True, exist_ok=True)
        made = library.with_name(f"{source.stem}.{os.getpid()}.so")  # several processes may do this at once
        # some distributions fortify by default, which turns the functions that are replaced here into macros
        options = ["-std=gnu11", "-O2", "-U_FORTIFY_SOURCE", "-Wall", "-Wextra", "-shared", "-fPIC"]
        subprocess.run([compiler, *options, "-o", str(made), str(source), "-ldl", "-pthread"], check=True)
        made.replace(library)
    return library


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes into a file."""

    offset: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file's new length."""

    size: int


@dataclass(eq=False, slots=True)
class File:
    """One file, whatever its names were."""

    #: Its first name.
    name: str
    acts: list[tuple[int, Write | Truncate]] = field(default_factory=list)
    #: Begin and end of each sync that succeeded.
    syncs: list[tuple[int, int]] = field(default_factory=list)
    #: The same of those that failed.
    failed: list[tuple[int, int]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Folder:
    """One directory; its acts are names that come (with what they name) and go (None)."""

    name: str
    acts: list[tuple[int, dict[str, File | Folder | None]]] = field(default_factory=list)
    syncs: list[tuple[int, int]] = field(default_factory=list)
    failed: list[tuple[int, int]] = field(default_factory=list)


class Recording:
    """The log, read."""

    def __init__(self, folder: Path, log: Path) -> None:
        """`folder` is what was recorded; it counts as durable itself, what lies in it does not."""
        self.folder = Folder("")
        self._prefix = str(folder.resolve())
        self._folders: dict[str, Folder] = {"": self.folder}
        self._names: dict[str, File | Folder] = {}
        self._inodes: dict[int, File] = {}
        self._begun: dict[int, tuple[int, File | Folder]] = {}
        #: Where in the log each act ends.
        self._ends: list[int] = []
        #: Acts by kind.
        self.counts: dict[str, int] = {}
        self.bytes_written = 0
        with log.open("rb") as file:
            self._read(memoryview(file.read()))

    def __len__(self) -> int:
        return len(self._ends)

    def acts_within(self, length: int) -> int:
        """How many acts lie within the first bytes of the log."""
        return bisect_right(self._ends, length)

    def length_before(self, act: int) -> int:
        """Bytes of the log before an act was done."""
        return self._ends[act - 1] if act else 0

    def files(self) -> Iterator[tuple[str, File]]:
        """Every file that has a name when all is done, by name."""
        return ((name, each) for name, each in sorted(self._names.items()) if isinstance(each, File))

    def _read(self, log: memoryview) -> None:
        at = 0
        while at < len(log):
            size, kind, inode, number, first, second = _HEAD.unpack_from(log, at)
            path = bytes(log[at + _HEAD.size : at + _HEAD.size + first]).decode().removeprefix(self._prefix)
            rest = log[at + _HEAD.size + first : at + size]
            assert size == _HEAD.size + first + second
            letter = chr(kind)
            self.counts[letter] = self.counts.get(letter, 0) + 1
            self._take(letter, inode, number, path.lstrip("/"), rest)
            at += size
            self._ends.append(at)

    def _take(self, kind: str, inode: int, number: int, path: str, rest: memoryview) -> None:
        now = len(self._ends)
        match kind:
            case "O":
                self._open(now, inode, path, is_emptied=bool(number))
            case "W":
                self._inodes[inode].acts.append((now, Write(number, rest)))
                self.bytes_written += len(rest)
            case "T":
                self._inodes[inode].acts.append((now, Truncate(number)))
            case "L" | "R":
                target = bytes(rest).decode().removeprefix(self._prefix).lstrip("/")
                self._rename(now, path, target, keep=kind == "L")
            case "U":
                if self._names.pop(path, None) is not None:  # else a socket, which is not recorded
                    self._name(now, {path: None})
            case "M":
                self._folders[path] = made = Folder(path)
                self._name(now, {path: made})
            case "S":
                synced = self._folders.get(path) or self._inodes[inode]
                self._begun[number] = (now, synced)
            case "E":
                begun, synced = self._begun.pop(number)
                synced.syncs.append((begun, now))
            case "F":
                begun, synced = self._begun.pop(number)
                synced.failed.append((begun, now))
            case _:
                raise ValueError(f"the log holds an act {kind!r}")

    def _open(self, now: int, inode: int, path: str, *, is_emptied: bool) -> None:
        found = self._names.get(path)
        if found is None or self._inodes.get(inode) is not found:
            self._inodes[inode] = made = File(path)
            self._name(now, {path: made})
        elif is_emptied:
            self._inodes[inode].acts.append((now, Truncate(0)))

    def _rename(self, now: int, path: str, target: str, *, keep: bool) -> None:
        named = self._names[path]
        if keep:
            self._name(now, {target: named})
        elif Path(path).parent == Path(target).parent:
            del self._names[path]
            self._name(now, {path: None, target: named})
        else:  # one act in each directory, so that a crash may leave both names or none
            del self._names[path]
            self._name(now, {path: None})
            self._name(now, {target: named})

    def _name(self, now: int, names: dict[str, File | Folder | None]) -> None:
        """What one act did to the names of one directory."""
        above = str(Path(next(iter(names))).parent)
        folder = self._folders["" if above == "." else above]
        folder.acts.append((now, {Path(name).name: named for name, named in names.items()}))
        self._names.update({name: named for name, named in names.items() if named is not None})

"""What a disk may hold after the power failed, from what was done and what was synced: harsher than real disks are.

- A file holds all that a finished sync covers. Of what came later each sector may have reached the disk or not, in
  any order, so that a write may be torn and a later one there without an earlier. Its length is any that it had
  since; where a length came without its bytes there is nothing, or what somebody else had left there.
- A directory has all names that a finished sync of that directory covers. Of later ones there is a prefix;
  or, as on file systems without a journal, any, each name for itself. To sync a file does not save its name.
- A file or directory without a name is gone. Memory-mapped `-shm` files hold rubbish.

What a begun sync covers may have reached the disk, like anything not synced. It does NOT tear a sector: SQLite
relies on that, and so do file systems.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash.recording import File, Folder, Recording, Truncate, Write

#: Whether the syncs of something count; for proofs that a missing one is noticed.
Honoured = Callable[[File | Folder], bool]

_SHARES = (0.0, 0.1, 0.5, 0.9, 1.0)
_RUBBISH_BYTES = 32 * 1024


def everything(_synced: File | Folder) -> bool:
    """Every sync counts."""
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Weather:
    """How a disk loses things in one replay."""

    #: The first act that was not done any more.
    cut: int
    #: Smallest piece that is written whole.
    sector: int
    #: How likely something unsynced is there.
    share: float
    #: Whether a length without its bytes shows what others left, not zeros.
    has_rubbish: bool
    #: Whether each name is lost for itself, not in the order of the directory.
    loses_names_singly: bool

    @classmethod
    def drawn(cls, draw: random.Random, cut: int) -> Weather:
        """Any."""
        return cls(
            cut=cut,
            sector=draw.choice((512, 4096)),
            share=draw.choice(_SHARES),
            has_rubbish=draw.random() < 1 / 2,
            loses_names_singly=draw.random() < 1 / 2,
        )


@dataclass(kw_only=True, slots=True)
class Loss:
    """What did not reach the disk in one replay, of what was there to reach it."""

    sectors: int = 0
    unsynced_sectors: int = 0
    names: int = 0
    unsynced_names: int = 0


class Disk:
    """One replay."""

    def __init__(self, weather: Weather, draw: random.Random, honoured: Honoured = everything) -> None:
        self._weather = weather
        self._draw = draw
        self._honoured = honoured
        #: By file, since one that has two names has one content.
        self._contents: dict[File, bytes] = {}
        self.loss = Loss()

    def write_to(self, target: Path, folder: Folder) -> None:
        """Make what is left of a directory."""
        for name, named in self.names_of(folder).items():
            path = target / name
            if isinstance(named, Folder):
                path.mkdir(mode=0o700)
                self.write_to(path, named)
            elif name.endswith("-shm"):
                path.write_bytes(self._draw.randbytes(self._draw.randrange(_RUBBISH_BYTES)))
            else:
                path.write_bytes(self.content_of(named))

    def names_of(self, folder: Folder) -> dict[str, File | Folder]:
        """What a directory names."""
        durable = self._durable(folder)
        late = [act for number, act in folder.acts if durable <= number < self._weather.cut]
        names: dict[str, File | Folder | None] = {}
        for number, act in folder.acts:
            if number < durable:
                names.update(act)
        singly = self._weather.loses_names_singly
        kept = self._any_of(late) if singly else late[: self._prefix(len(late))]
        for act in kept:
            names.update(act)
        self.loss.unsynced_names += len(late)
        self.loss.names += len(late) - len(kept)
        return {name: named for name, named in names.items() if named is not None}

    def content_of(self, file: File) -> bytes:
        """What a file holds."""
        if file not in self._contents:
            self._contents[file] = self._content(file)
        return self._contents[file]

    def _content(self, file: File) -> bytes:
        durable = self._durable(file)
        content = bytearray()
        late: list[Write | Truncate] = []
        for number, act in file.acts:
            if number >= self._weather.cut:
                break
            if number < durable:
                _apply(content, act)
            else:
                late.append(act)
        if late:
            self._apply_some(content, late)
        return bytes(content)

    def _apply_some(self, content: bytearray, late: list[Write | Truncate]) -> None:
        """What came after the last sync: sectors that were lucky, and one of the lengths."""
        lengths = [len(content)]
        for act in late:
            lengths.append(act.size if isinstance(act, Truncate) else max(lengths[-1], act.offset + len(act.data)))
        synced = len(content)
        longest = max(lengths)
        filling = self._draw.randbytes if self._weather.has_rubbish else bytes
        content += filling(longest - synced)
        for act in late:
            if isinstance(act, Write):
                self._scatter(content, act)
            elif self._draw.random() < self._weather.share:  # what a truncation frees reads as zeros afterwards
                content[act.size :] = bytes(len(content) - act.size)
        length = lengths[-1] if self._draw.random() < self._weather.share else self._draw.choice(lengths)
        del content[length:]

    def _scatter(self, content: bytearray, write: Write) -> None:
        sector = self._weather.sector
        at, end = write.offset, write.offset + len(write.data)
        while at < end:
            until = min(end, (at // sector + 1) * sector)
            self.loss.unsynced_sectors += 1
            if self._draw.random() < self._weather.share:
                content[at:until] = write.data[at - write.offset : until - write.offset]
            else:
                self.loss.sectors += 1
            at = until

    def _durable(self, synced: File | Folder) -> int:
        """Acts before this one are on the disk."""
        if not self._honoured(synced):
            return 0
        return max((begun for begun, ended in synced.syncs if ended < self._weather.cut), default=0)

    def _prefix(self, length: int) -> int:
        share = self._weather.share
        return round(length * share) if share in {0.0, 1.0} else self._draw.randint(0, length)

    def _any_of(self, late: list[dict[str, File | Folder | None]]) -> list[dict[str, File | Folder | None]]:
        """Of each name the acts up to some one; a rename counts for all its names."""
        lost: set[str] = set()
        kept = []
        for act in late:
            if lost.isdisjoint(act) and self._draw.random() < self._weather.share:
                kept.append(act)
            else:
                lost.update(act)
        return kept


def whole(recording: Recording) -> Disk:
    """The disk when everything was done and nothing lost."""
    weather = Weather(cut=len(recording), sector=4096, share=1.0, has_rubbish=False, loses_names_singly=False)
    return Disk(weather, random.Random(0))


def contents(folder: Path) -> dict[str, bytes | None]:
    """What lies in a real folder: every file's bytes, and None for directories."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def _apply(content: bytearray, act: Write | Truncate) -> None:
    if isinstance(act, Truncate):
        if act.size <= len(content):
            del content[act.size :]
        else:
            content += bytes(act.size - len(content))
        return
    end = act.offset + len(act.data)
    if end > len(content):
        content += bytes(end - len(content))
    content[act.offset : end] = act.data

"""What a disk may hold after the power failed, from what was done and what was synced: harsher than real disks are.

- A file holds all that a finished sync covers. Of what came later each sector may have reached the disk or not, in
  any order, so that a write may be torn and a later one there without an earlier. Its length is any that it had
  since; where a length came without its bytes there is nothing, or what somebody else had left there.
- A directory has all names that a finished sync of that directory covers. Of later ones there is a prefix;
  or, as on file systems without a journal, any, each name for itself. To sync a file does not save its name.
- What a failed sync was about may be gone for ever, whatever a later sync says: the kernel may take it for written.
- A file or directory without a name is gone. Memory-mapped `-shm` files hold rubbish.

What a begun sync covers may have reached the disk, like anything not synced. It does NOT tear a sector: SQLite
relies on that, and so do file systems.
"""

from __future__ import annotations

import itertools
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.crash.recording import File, Folder, Recording, Truncate, Write

T = TypeVar("T")

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
        names: dict[str, File | Folder | None] = {}
        for is_durable, group in self._by_fate(folder, folder.acts):
            kept = group
            if not is_durable:
                singly = self._weather.loses_names_singly
                kept = self._any_of(group) if singly else group[: self._prefix(len(group))]
                self.loss.unsynced_names += len(group)
                self.loss.names += len(group) - len(kept)
            for act in kept:
                names.update(act)
        return {name: named for name, named in names.items() if named is not None}

    def content_of(self, file: File) -> bytes:
        """What a file holds."""
        if file not in self._contents:
            self._contents[file] = self._content(file)
        return self._contents[file]

    def _content(self, file: File) -> bytes:
        content = bytearray()
        for is_durable, group in self._by_fate(file, file.acts):
            if not is_durable:
                self._apply_some(content, group)
                continue
            for act in group:
                _apply(content, act)
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

    def _by_fate(self, synced: File | Folder, acts: list[tuple[int, T]]) -> Iterator[tuple[bool, list[T]]]:
        """The acts before the cut, in order, those together that are surely on the disk, or may be."""
        fates = self._fates(synced)

        def is_durable(act: tuple[int, T]) -> bool:
            at = bisect_right(fates, act[0], key=lambda fate: fate[0])
            return at < len(fates) and fates[at][1]

        done = (act for act in acts if act[0] < self._weather.cut)
        for found, group in itertools.groupby(done, key=is_durable):
            yield found, [act for _, act in group]

    def _fates(self, synced: File | Folder) -> list[tuple[int, bool]]:
        """(bound, whether it is durable) for the acts before each bound: the first sync about an act decides."""
        if not self._honoured(synced):
            return []
        ends = [(ended, begun, True) for begun, ended in synced.syncs]
        ends += [(ended, begun, False) for begun, ended in synced.failed]
        fates: list[tuple[int, bool]] = []
        for ended, begun, is_durable in sorted(ends):
            if ended < self._weather.cut and (not fates or begun > fates[-1][0]):
                fates.append((begun, is_durable))
        return fates

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

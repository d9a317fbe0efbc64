"""A disk that fails when told to: the other end of `faults.c`.

`Control` is a file that the gateway's processes and the test share in memory. What is set there holds at once.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from tests.crash.recording import build_library

_SOURCE = Path(__file__).with_name("faults.c")
#: kinds, places, error, skip, left, failed, offset of the clock; then what was seen.
_HEAD = struct.Struct("=IIIiiIq")
_WORD = struct.Struct("=I")
_LEFT = struct.Struct("=i")
_OFFSET = struct.Struct("=q")
_FAILED_AT, _OFFSET_AT = 20, 24


class Kind(IntEnum):
    """What is called."""

    WRITE = 0
    SYNC = 1
    CREATE = 2
    NAME = 3
    TRUNCATE = 4
    MKDIR = 5
    MAP = 6
    READ = 7


class Place(IntEnum):
    """On which files below the data folder; the directories of bodies are `BODY`, the folder itself is `OTHER`."""

    SPOOL = 0
    BODY = 1
    WAL = 2
    SHM = 3
    DATABASE = 4
    OTHER = 5


#: What a full or read-only disk refuses.
CHANGING = tuple(kind for kind in Kind if kind not in {Kind.READ, Kind.MAP})
EVERYWHERE = tuple(Place)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Which calls fail, and how."""

    kinds: tuple[Kind, ...]
    places: tuple[Place, ...]
    error: int
    #: Such calls that go well before.
    skip: int = 0
    #: Until told otherwise; else one call only.
    lasting: bool = False
    #: While the gateway starts: None: no; else whether on a folder that is there already.
    starting: bool | None = None

    def __str__(self) -> str:
        kinds = "all changes" if self.kinds == CHANGING else "+".join(kind.name.lower() for kind in self.kinds)
        places = "everywhere" if self.places == EVERYWHERE else "+".join(each.name.lower() for each in self.places)
        what = f"{kinds} {places} {errno.errorcode[self.error]}"
        when = {None: "", True: ", at the start", False: ", at the first start"}[self.starting]
        return f"{what} from call {self.skip + 1}{' on' if self.lasting else ' once'}{when}"


class Control:
    """The shared memory."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_HEAD.size + _WORD.size * len(Kind) * len(Place)))
        self._path = path
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._memory = mmap.mmap(descriptor, 0)
        os.close(descriptor)

    def environment(self, library: Path, folder: Path) -> dict[str, str]:
        """For a gateway whose data folder this is."""
        return {"LD_PRELOAD": str(library), "FAULTS_ROOT": str(folder.resolve()), "FAULTS_CONTROL": str(self._path)}

    def arm(self, fault: Fault) -> None:
        """From now on."""
        self._memory[4:_OFFSET_AT] = b"".join(
            (
                _WORD.pack(sum(1 << place for place in fault.places)),
                _WORD.pack(fault.error),
                _LEFT.pack(fault.skip),
                _LEFT.pack(-1 if fault.lasting else 1),
                _WORD.pack(0),
            )
        )
        self._memory[0:4] = _WORD.pack(sum(1 << kind for kind in fault.kinds))

    def disarm(self) -> None:
        """The disk is well again."""
        self._memory[0:4] = _WORD.pack(0)

    @property
    def failed(self) -> int:
        """Calls that failed since the last arming."""
        return int(_WORD.unpack_from(self._memory, _FAILED_AT)[0])

    def set_clock(self, seconds: float) -> None:
        """How far the wall clock is ahead of the true time; below zero: behind."""
        self._memory[_OFFSET_AT : _OFFSET_AT + 8] = _OFFSET.pack(round(seconds * 1e9))

    def close(self) -> None:
        """Let the memory go."""
        self._memory.close()


def build_faults(compiler: str) -> Path:
    """`faults.c` as a shared library."""
    return build_library(compiler, _SOURCE)

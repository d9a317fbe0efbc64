"""Where a message's bytes come from: a file by its path, or whatever opens itself, such as an encrypted body."""

from __future__ import annotations

import io
from typing import Protocol


class Stored(Protocol):
    """Bytes that can be opened more than once."""

    def open(self) -> io.BufferedReader:
        """A stream from their start, with `seek`."""
        ...


def opened(source: str | Stored) -> io.BufferedReader | io.FileIO:
    """The stream of a path or of what opens itself."""
    return io.FileIO(source, "rb") if isinstance(source, str) else source.open()

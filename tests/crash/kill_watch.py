"""Notices when the machine had no time for us, so that times measured then are not laid at the gateway's door.

A thread sleeps for a moment, again and again; where a moment takes much longer, every process may have stood still
(a busy or stopped machine). What such a gap touches is not timed; everything else about it is examined as ever.
"""

from __future__ import annotations

import threading
import time

_MOMENT_SECONDS = 0.02
#: A moment that takes so much longer is a gap.
_GAP_SECONDS = 0.15


class Watch:
    """Runs until `close`."""

    def __init__(self) -> None:
        self._gaps: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def was_undisturbed(self, since: float, until: float) -> bool:
        """Whether no gap touches that time (wall clock)."""
        return not any(begin < until and since < end for begin, end in self._gaps)

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        before = time.time()
        while not self._ended.wait(_MOMENT_SECONDS):
            now = time.time()
            if now - before > _MOMENT_SECONDS + _GAP_SECONDS:
                self._gaps.append((before, now))
            before = now

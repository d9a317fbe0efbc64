"""What a hostile file would do to its parser's process."""

from __future__ import annotations

import os
import signal


def die(*_: object) -> None:
    """The kernel's answer to too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)

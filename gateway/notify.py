"""Tells systemd how the server is (sd_notify protocol), and takes the socket that it hands over (sd_listen_fds).

Without systemd's variables every call does nothing.

A message that cannot be sent is dropped: the service manager is informed, never waited for.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

#: systemd hands descriptors over from this number on.
_FIRST_HANDED = 3


def ready() -> None:
    """Started, or reloaded."""
    _send("READY=1")


def reloading() -> None:
    """A reload began; `ready` ends it."""
    _send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping() -> None:
    """No longer taking anything new."""
    _send("STOPPING=1")


def listening_descriptor() -> int | None:
    """The socket that systemd listens on for this process; None where there is none."""
    mine = os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1"
    return _FIRST_HANDED if mine else None


def _send(text: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(text.encode(), address)

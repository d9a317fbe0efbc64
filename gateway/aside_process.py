"""The other end of `gateway.aside`: answers requests until the socket closes.

A request and its answer are one packet each of at most `MOST_BYTES`; both begin with the request's number. Imports
little, since each such process has a copy of whatever it imports.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

#: What every request and answer begins with.
NUMBER = struct.Struct(">Q")
MOST_BYTES = 256 * 1024


def requests(descriptor: int, work: Callable[[memoryview], bytes]) -> None:
    """Answer every request with what `work` makes of it, until the other end closes.

    Several threads may each run this on a descriptor of their own to the same socket.
    """
    buffer = memoryview(bytearray(MOST_BYTES))
    # the server's death is an end too, though the kernel calls it a reset where answers lie unread
    with socket.socket(fileno=descriptor) as ours, suppress(ConnectionResetError):
        while size := ours.recv_into(buffer):
            answer = bytes(buffer[: NUMBER.size]) + work(buffer[NUMBER.size : size])
            with suppress(OSError):  # nobody may be there any more; then the next read ends this
                ours.send(answer)


def copies(descriptor: int, count: int) -> list[int]:
    """Descriptors of the same socket, for threads."""
    return [descriptor, *(os.dup(descriptor) for _ in range(count - 1))]

"""The helpers' end of a socket: what the server's death means to them."""

from __future__ import annotations

import select
import socket
from concurrent.futures import ThreadPoolExecutor

from gateway.aside_process import NUMBER, requests


def test_server_that_dies_with_an_answer_unread_is_an_end_and_no_error() -> None:
    """A killed server leaves its helpers quietly, though the kernel tells them of a reset."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.send(NUMBER.pack(1) + b"work")
    with ThreadPoolExecutor(1) as thread:
        helper = thread.submit(requests, theirs.detach(), lambda _: b"done")
        select.select([ours], [], [], 5)
        ours.close()
        helper.result(5)

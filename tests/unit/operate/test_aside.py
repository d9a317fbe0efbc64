"""Both ends of the socket to a helper: what the server's death means to the one, silence to the other."""

from __future__ import annotations

import asyncio
import select
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.aside import Aside, Child, Service
from gateway.aside_process import NUMBER, requests
from gateway.errors import SealError


def test_server_that_dies_with_an_answer_unread_is_an_end_and_no_error() -> None:
    """A killed server leaves its helpers quietly, though the kernel tells them of a reset."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.send(NUMBER.pack(1) + b"work")
    with ThreadPoolExecutor(1) as thread:
        helper = thread.submit(requests, theirs.detach(), lambda _: b"done")
        select.select([ours], [], [], 5)
        ours.close()
        helper.result(5)


async def test_process_that_does_not_answer_is_given_up_and_asked_anew(tmp_path: Path) -> None:
    """Its requests fail, the ones after them go to whoever takes the next connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()  # a connection is made though nobody accepts it
        aside = Aside(Service(path=tmp_path / "s"), read=bytes, died=lambda: SealError("dead"), patience=1.0)
        for future in [aside.ask(b"1"), aside.ask(b"2")]:
            with pytest.raises(SealError, match="dead"):
                await asyncio.wait_for(future, 60)
        listener.accept()[0].close()
        again = aside.ask(b"3")
        with ThreadPoolExecutor(1) as thread:
            helper = thread.submit(requests, listener.accept()[0].detach(), lambda request: bytes(request) * 2)
            assert await asyncio.wait_for(again, 60) == b"33"
            await aside.close()
            await asyncio.to_thread(helper.result, 30)


async def test_process_that_is_slow_to_start_is_waited_for_once() -> None:
    """Its first answer may come later than others; when it hangs afterwards, it is given up as soon as ever."""
    slow = (
        "import socket, sys, time; ours = socket.socket(fileno=int(sys.argv[1])); time.sleep(2); "
        "ours.send(ours.recv(99)); time.sleep(600)"
    )
    command = [sys.executable, "-I", "-c", slow, "{socket}"]
    aside = Aside(Child(command=command), read=bytes, died=lambda: SealError("dead"), patience=1.0, starting=600.0)
    assert await asyncio.wait_for(aside.ask(b"1"), 60) == b"1"
    with pytest.raises(SealError, match="dead"):
        await asyncio.wait_for(aside.ask(b"2"), 60)
    await aside.close()


async def test_process_that_hangs_over_what_nobody_wants_does_not_hold_up_the_stop() -> None:
    """The asker was cancelled, as duties are at a stop; a driver may ignore SIGTERM and the socket's end."""
    hung = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    aside = Aside(
        Child(command=[sys.executable, "-I", "-c", hung]),
        read=bytes,
        died=lambda: SealError("dead"),
        patience=1.0,
    )
    aside.ask(b"1").cancel()
    process = aside._process
    assert process is not None
    try:
        await asyncio.wait_for(aside.close(), 30)
        assert process.returncode == -9
    finally:
        process.kill()

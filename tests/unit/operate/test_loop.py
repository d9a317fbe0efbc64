"""The event loop: a descriptor has one owner, whatever becomes of the connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.loop import run
from tests.adapters.certificates import issue, server_context
from tests.unit.operate.resets import connector, resetting

_SECONDS = 60


def _connected(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port))
    opened.settimeout(0)
    return opened


def test_socket_of_a_connection_that_was_reset_owns_nothing_and_its_number_is_closed_once() -> None:
    """Else it would close, when it is collected, what somebody else has opened meanwhile."""

    async def main() -> None:
        made: list[socket.socket] = []
        with resetting() as port:
            async with aiohttp.ClientSession(connector=connector(made.append)) as session:
                with pytest.raises(aiohttp.ClientConnectorError) as caught:
                    await session.get(f"https://127.0.0.1:{port}/")
        assert isinstance(caught.value.os_error, ConnectionError)
        assert [one.fileno() for one in made] == [-1]

    run(main())


async def test_clients_of_a_receiver_that_resets_do_others_no_harm() -> None:
    """Hundreds of them in a process of their own: nobody else loses a connection, and it does not abort."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.operate.resets", stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_SECONDS):
        told, _ = await process.communicate()
    assert (process.returncode, told.decode().strip()) == (0, "reset 640, harmed 0")


def test_given_socket_serves_although_its_object_owns_nothing_any_more(tmp_path: Path) -> None:
    """The transport alone owns it: TLS in both directions."""
    issued = issue("receiver")
    trusted = ssl.create_default_context(cadata=issued.certificate.public_bytes(Encoding.PEM).decode())

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5))
        writer.close()

    async def main() -> tuple[int, bytes]:
        context = server_context(issued, tmp_path)
        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
            given = _connected(server.sockets[0].getsockname()[1])
            reader, writer = await asyncio.open_connection(sock=given, ssl=trusted, server_hostname="localhost")
            owned = given.fileno()
            writer.write(b"hello")
            told = await reader.read()
            writer.close()
            await writer.wait_closed()
        return owned, told

    assert run(main()) == (-1, b"hello")


@pytest.mark.parametrize("handshake", [False, True], ids=["connected", "cancelled in the handshake"])
def test_given_socket_is_closed_with_its_connection(handshake: bool) -> None:  # noqa: FBT001  # parametrized
    """Nothing stays open because its object owns it no more: the peer sees the end."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tls, name = (ssl.create_default_context(), "localhost") if handshake else (None, None)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            given = _connected(listening.getsockname()[1])
            peer, _ = listening.accept()
        peer.settimeout(0)
        with peer:
            try:
                async with asyncio.timeout(0.05 if handshake else _SECONDS):
                    transport, _ = await loop.create_connection(
                        asyncio.Protocol, sock=given, ssl=tls, server_hostname=name
                    )
                transport.close()
            except TimeoutError:
                assert handshake
            assert given.fileno() == -1
            async with asyncio.timeout(_SECONDS):
                while await loop.sock_recv(peer, 10_000):
                    pass

    run(main())


def test_connection_to_a_host_is_opened_by_the_loop_itself() -> None:
    """Without a socket nothing is different."""

    async def main() -> bytes:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            told = await reader.read()
            writer.close()
            await writer.wait_closed()
        return told

    assert run(main()) == b"hello"

"""A name server that knows one answer: `python -m tests.network.names ADDRESS`, on UDP port 53 of that address.

Every name of the zone `test` has the address that it listens on; it has no IPv6 address, and no other name exists.
"""

from __future__ import annotations

import socket
import sys

_HEADER = 12
_A = 1
_NO_ERROR, _NO_SUCH_NAME = 0, 3


def answer(question: bytes, address: str) -> bytes:
    """The reply [RFC 1035 4.1] to one question."""
    labels, at = [], _HEADER
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].lower())
        at += 1 + length
    end = at + 5
    kind = int.from_bytes(question[at + 1 : at + 3])
    is_ours = labels[-1:] == [b"test"]
    records = b""
    if is_ours and kind == _A:
        # the name of the question, type A, class IN, a life of one second, four bytes
        records = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04" + socket.inet_aton(address)
    flags = 0x8580 | (_NO_ERROR if is_ours else _NO_SUCH_NAME)
    counts = (1, 1 if records else 0, 0, 0)
    head = question[:2] + flags.to_bytes(2) + b"".join(count.to_bytes(2) for count in counts)
    return head + question[_HEADER:end] + records


def main(address: str) -> None:
    """Until it is ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            question, peer = server.recvfrom(512)
            server.sendto(answer(question, address), peer)


if __name__ == "__main__":
    main(sys.argv[1])

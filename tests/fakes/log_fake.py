"""The transparency log's public part of the fake gateway: a log of one leaf."""

from __future__ import annotations

from gateway.transparency.tiles import TilePath


class FakeLog:
    """What `gateway.api.service.Gateway` tells of its log."""

    async def log_checkpoint(self) -> bytes | None:
        return b"fake.example/log\n1\n"

    async def log_institution(self) -> tuple[bytes, bytes] | None:
        return b"fake.example/log\n1\n", b"\x30\x00"

    async def log_tile(self, path: TilePath) -> bytes | None:
        return bytes(32 * path.width) if path.level == 0 and path.index == 0 else None

"""What a fake reads of a spooled body."""

from __future__ import annotations

from gateway.storage.bodies import SpooledBody


def bytes_of(body: SpooledBody) -> bytes:
    """All of it."""
    with body.open() as stream:
        return stream.read()

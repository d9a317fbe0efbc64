"""Carries a report between processes: pickle takes ten times as long for dataclasses with slots.

report = unpack_report(await pool.run(packed, inspect, path, offset, limits, …, timeout=60))
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gateway.edxml.envelope import ParseReport

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ParseReport)


def packed(task: Callable[..., ParseReport], /, *args: object) -> bytes:
    """Runs `task(*args)`, in a worker, and packs its report."""
    return _encoder.encode(task(*args))


def unpack_report(data: bytes) -> ParseReport:
    """The report that `packed` made."""
    return _decoder.decode(data)

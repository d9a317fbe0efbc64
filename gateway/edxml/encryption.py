"""Notices attachments that are encrypted for their recipients, by their first bytes as they pass by.

What a file is called or declared as does not count: its bytes say that it is an envelope of CMS, and for whom
(`gateway.enveloped.reading`). Nothing is kept of any other file.
"""

from __future__ import annotations

import io
from typing import Final

from gateway.edxml.envelope import Encryption
from gateway.enveloped.reading import ENOUGH, MOST_HEAD, is_envelope, read_head
from gateway.errors import EnvelopedError

#: The first byte of every envelope.
_SEQUENCE: Final = 0x30


class Front:
    """Takes the bytes of one file in pieces."""

    __slots__ = ("_data", "_is_envelope", "encryption")

    def __init__(self) -> None:
        self._data: bytes | None = b""
        self._is_envelope = False
        #: How it is encrypted, None where it is not; known when it has ended.
        self.encryption: Encryption | None = None

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if self._data is None or not data:
            return
        if not self._data and data[0] != _SEQUENCE:
            self._data = None
            return
        self._data += data[: MOST_HEAD - len(self._data)]
        if not self._is_envelope and len(self._data) >= ENOUGH:
            self._is_envelope = is_envelope(self._data)
            self._data = self._data if self._is_envelope else None

    def finish(self) -> None:
        """The file has ended."""
        data, self._data = self._data, None
        if data and is_envelope(data):
            self.encryption = _encryption(data)


def _encryption(front: bytes) -> Encryption:
    try:
        found = read_head(io.BytesIO(front))
    except EnvelopedError as error:
        return Encryption(problem=str(error))
    return Encryption(
        cipher=found.cipher,
        authenticated=found.authenticated,
        keys=found.keys,
        others=sum(not each.key for each in found.recipients),
    )

"""The sealing key as the server knows it: its certificates, and a process that signs (`gateway.signing_process`).

`start` has something signed, so that a key that is unreadable, unfit or another certificate's stops the server
before it takes a document. Later trouble is a SealError for the receipt concerned. It does NOT read the key.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.aside import Aside
from gateway.errors import KeyFileError, SealError
from gateway.seal.keys import Certificates
from gateway.seal.profile import fingerprint
from gateway.signing_process import SIGNED

_TRIAL = b"the gateway starts"


class SigningKey:
    """A sealing key in a process of its own."""

    def __init__(self, *, key_file: Path, certificate_file: Path) -> None:
        """Read the certificates; raises KeyFileError."""
        self.certificates = Certificates.load(certificate_file)
        wanted = fingerprint(self.certificates.certificate).hex()
        files = (str(key_file.resolve()), str(certificate_file.resolve()))
        self._aside = Aside(
            [sys.executable, "-I", "-m", "gateway.signing_process", "{socket}", *files, wanted],
            read=_read,
            died=lambda: SealError("The process that signs has died."),
            environment={},
        )

    async def start(self) -> None:
        """Start the process and try the key; raises KeyFileError with what to do about it."""
        try:
            await self.sign(_TRIAL)
        except SealError as error:
            raise KeyFileError(str(error)) from error

    def sign(self, data: bytes) -> asyncio.Future[bytes]:
        """The signature value as XML signatures carry it; fails with SealError."""
        return self._aside.ask(data)

    async def close(self) -> None:
        """End the process when it has answered."""
        await self._aside.close()


def _read(answer: bytes) -> bytes:
    if answer[:1] != SIGNED:
        raise SealError(answer[1:].decode())
    return answer[1:]

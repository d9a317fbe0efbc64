"""The process that holds the sealing key: python -m gateway.signing_process SOCKET KEY CERTIFICATES FINGERPRINT.

A request is what to sign; the answer is a byte (1: signed), then the signature value or words. It is apart from the
server so that who runs code in the server can have receipts signed but cannot have the key, and because a signature
holds the interpreter's lock for a quarter of a millisecond, a sixth of what a document costs the event loop.

Only the key of the certificate with that fingerprint signs: the server puts this certificate into the receipts, and
files may have been exchanged since it started. A key that is unfit is looked at again at the next request. It ends
when the other end closes.
"""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from gateway.aside_process import requests
from gateway.errors import KeyFileError
from gateway.seal.keys import PemSigner
from gateway.seal.profile import fingerprint

SIGNED, NOT_SIGNED = b"\x01", b"\x00"


def main(descriptor: int, key_file: Path, certificate_file: Path, wanted: str) -> None:
    """Serve until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # A crash must not leave the key in a core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signers: list[PemSigner] = []

    def sign(request: memoryview) -> bytes:
        try:
            if not signers:
                signers.append(_load(key_file, certificate_file, wanted))
            return SIGNED + signers[0].sign(bytes(request))
        except KeyFileError as error:
            return NOT_SIGNED + str(error).encode()

    requests(descriptor, sign)


def _load(key_file: Path, certificate_file: Path, wanted: str) -> PemSigner:
    signer = PemSigner.load(key_file, certificate_file)
    if fingerprint(signer.certificate).hex() != wanted:
        raise KeyFileError(f"{certificate_file} was exchanged while the gateway runs; run: gateway reload")
    return signer


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])

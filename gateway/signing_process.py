"""The process that holds the sealing key and the log's: a child of the server, or a service of another user.

A request is the id of a key (32 bytes: the fingerprint of the seal certificate, or SHA-256 of the log's public key)
and what to sign; the answer is a byte (1: signed, 2: not now, 0: not at all), then the signature value or words, of
which the first of a 2 is a code (`gateway.errors.TokenError`). What is too long for a packet is signed by its
SHA-256, which the seal's key takes under another id (`id_for_digests`). It is apart so that who runs code in the
server can have receipts signed but cannot have the key, and because a signature holds the interpreter's lock for a
quarter of a millisecond, a sixth of what a document costs the event loop. As a service (`listen`) it runs as a user
of its own, so that the server's user cannot even read the file.

Only the key of the certificate that is asked for signs: the server puts that one into the receipts, and files may
have been exchanged since either of them started. The files are read when a certificate is asked for that is not
known yet, so a new key needs no restart; a key that is unfit is looked at again at the next request. What is staged
beside them, and what they replaced, is looked at too (`gateway.seal.signer.variants`). A child ends when the other
end closes, a service when it is told to.

The log's key signs checkpoints and nothing else, and while the process lives no two that contradict each other at
sight: of one log none is smaller than the last, and none of the same size has another root.
"""

from __future__ import annotations

import resource
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol

from gateway.aside_process import requests
from gateway.config.values import TokenPlace
from gateway.errors import KeyFileError, ProofError, TokenError
from gateway.seal.keys import Certificates, read_key_file
from gateway.seal.profile import fingerprint
from gateway.seal.signer import KeyPlace, Signer, load_for, variants
from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.keys import LogSigner, read_key, verifier_of

if TYPE_CHECKING:
    from gateway.seal.pkcs11 import Token

SIGNED, NOT_SIGNED, NOT_NOW = b"\x01", b"\x00", b"\x02"
_ID_BYTES = 32
#: The server holds one connection, two while it takes another key.
_CONNECTIONS = 8


class Signs(Protocol):
    """A key that was loaded."""

    def sign(self, data: bytes) -> bytes:
        """The signature value; KeyFileError for what this key does not sign."""
        ...


class LogKey:
    """The log's key, and what it signed last."""

    def __init__(self, file: Path) -> None:
        try:
            key = read_key(read_key_file(file))
        except ProofError as error:
            raise KeyFileError(f"{file}: {error}", path=str(file)) from error
        self._key = key
        self.id = verifier_of(key, "").digest
        self._last: dict[str, Checkpoint] = {}
        self._signing = Lock()

    def sign(self, data: bytes) -> bytes:
        """The signature of a checkpoint."""
        try:
            asked = Checkpoint.parse(data)
        except ProofError as error:
            raise KeyFileError(f"the log's key signs checkpoints only: {error}") from error
        with self._signing:
            last = self._last.get(asked.origin)
            if last is not None and (asked.size < last.size or (asked.size == last.size and asked != last)):
                raise KeyFileError(f"a checkpoint of {last.size} leaves was signed, this one contradicts it")
            self._last[asked.origin] = asked
        return LogSigner(asked.origin, self._key).sign(data)


class DigestKey:
    """The seal's key for what is too long for a packet."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def sign(self, data: bytes) -> bytes:
        """The signature of what has this SHA-256."""
        try:
            return self._signer.sign_digest(data)
        except ValueError as error:
            raise KeyFileError("a SHA-256 has 32 bytes") from error


def id_for_digests(certificate: bytes) -> bytes:
    """The id by which the key of a certificate, given by its fingerprint, signs a digest."""
    return sha256(b"digest " + certificate).digest()


class KeyHolder:
    """Signs with the keys of some files, or of a token, and with those that lay there before."""

    def __init__(self, place: KeyPlace, log_key_file: Path | None = None) -> None:
        self._place, self._log_key_file = place, log_key_file
        self._signers: dict[bytes, Signs] = {}
        self._loading = Lock()
        self._token = _token_of(place)

    def answer(self, request: memoryview) -> bytes:
        """What is sent back."""
        try:
            signer = self._signer(bytes(request[:_ID_BYTES]))
            return SIGNED + signer.sign(bytes(request[_ID_BYTES:]))
        except TokenError as error:
            return NOT_NOW + f"{error.code} {error}".encode()
        except KeyFileError as error:
            return NOT_SIGNED + str(error).encode()

    def trial(self) -> bytes:
        """A request that tries the key."""
        return fingerprint(Certificates.load(self._place.certificate).certificate) + b"a trial"

    def _log_key(self, wanted: bytes) -> LogKey | None:
        """The log's key, if that is what is asked for."""
        if self._log_key_file is None or not self._log_key_file.exists():
            return None
        found = LogKey(self._log_key_file)
        return found if found.id == wanted else None

    def _signer(self, wanted: bytes) -> Signs:
        with self._loading:
            known = self._signers.get(wanted)
            if known is None:
                known = self._signers[wanted] = self._log_key(wanted) or self._loaded(wanted)
            return known

    def _loaded(self, wanted: bytes) -> Signs:
        for path in variants(self._place.certificate):
            own = fingerprint(Certificates.load(path).certificate)
            if wanted in {own, id_for_digests(own)}:
                signer = load_for(self._place, path, self._token)
                return signer if wanted == own else DigestKey(signer)
        raise KeyFileError(
            f"{self._place.certificate} is another certificate than the server's; run: gateway reload"
        )


def _token_of(place: KeyPlace) -> Token | None:
    if place.token is None:
        return None
    from gateway.seal.pkcs11 import Token  # nobody else needs it

    return Token(place.token, place.secret)


def keep_memory_private() -> None:
    """A crash must not leave the key in a core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def listen(listener: socket.socket, holder: KeyHolder) -> None:
    """Serve whoever may connect (the socket's mode decides), until the process is ended."""
    keep_memory_private()
    threads: list[Thread] = []
    while True:
        connection, _ = listener.accept()
        threads = [each for each in threads if each.is_alive()]
        if len(threads) >= _CONNECTIONS:
            connection.close()
            continue
        threads.append(Thread(target=_serve, args=(connection.detach(), holder), daemon=True))
        threads[-1].start()


def _serve(descriptor: int, holder: KeyHolder) -> None:
    with suppress(OSError):  # one connection's trouble is not another's
        requests(descriptor, holder.answer)


def arguments(place: KeyPlace, log_key_file: Path | None) -> list[str]:
    """What `main` reads."""
    return [str(each or "") for each in (place.certificate, place.key, place.token, place.secret, log_key_file)]


def main(descriptor: int, words: Sequence[str]) -> None:
    """As a child: serve until the other end closes."""
    certificate, key, token, secret, log_key = words
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    keep_memory_private()
    place = KeyPlace(
        certificate=Path(certificate),
        key=Path(key),
        token=TokenPlace.parse(token) if token else None,
        secret=Path(secret) if secret else None,
    )
    requests(descriptor, KeyHolder(place, Path(log_key) if log_key else None).answer)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

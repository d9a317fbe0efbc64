"""Keys that encrypt data keys, on a PKCS#11 token: asked at a start and at a rotation, never for a body.

The token's driver runs in a child (`gateway.storage.body_token_process`), which is given up after `patience`, so
that a driver that hangs cannot hold up who asks. Nothing is asked before something is needed.

**A PIN that was refused is not tried again by itself**, however often the server is started: its file is remembered
beside the log's mark, for tokens that do not remember themselves. A person tries it: `gateway keys bodies try
--pin-again`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Final

import msgspec

from gateway.aside import Child
from gateway.aside_process import MOST_BYTES, NUMBER
from gateway.config.settings import Settings
from gateway.config.values import TokenPlace
from gateway.errors import KeyFileError, StorageError, TokenError
from gateway.fsio import atomic_replace
from gateway.seal.signer import driver_environment
from gateway.storage.body_keys import KeyFile, Wrapper
from gateway.storage.body_token_process import COMMAND, Answer, Ask

#: Above what a slow token takes for one key; a start waits no longer for a driver that hangs.
_PATIENCE_SECONDS: Final = 30.0
_ENDING_SECONDS: Final = 5.0
_TRIAL: Final = b"whether the token serves"


class TokenKeys:
    """A `Wrapper` of the keys of one label on a token."""

    def __init__(
        self,
        place: TokenPlace,
        secret: Path | None,
        mark: Path,
        *,
        again: bool = False,
        writes: bool = False,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        """`mark`: where a PIN that was refused is remembered; `again`: a person says that it is to be tried.

        `writes`: keys are made or removed.
        """
        if not place.key:
            raise KeyFileError(f"{place}: name the key in [storage] body_token: pkcs11:token=…;object=LABEL?…")
        if secret is None:
            raise KeyFileError(f"{place}: name the file with the token's PIN in [storage] body_secret")
        self.place, self._secret, self._mark = place, secret, mark
        self._again, self._writes, self._patience = again, writes, patience
        self._socket: socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Every key of the label, newest first."""
        return self._asked(Ask(do="list")).ids

    @property
    def newest(self) -> str:
        """The key that encrypts; KeyFileError where there is none yet."""
        ids = self.ids
        if not ids:
            raise KeyFileError(
                f"the token {self.place.token} holds no key of label {self.place.key} yet: gateway keys bodies init"
            )
        return ids[0]

    def make(self) -> str:
        """One more key, the newest; it cannot leave the token."""
        return self._asked(Ask(do="make")).ids[0]

    def remove(self, key_id: str) -> None:
        """One key less, for good."""
        self._asked(Ask(do="remove", key=key_id))

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """Nonce, ciphertext, tag."""
        return self._asked(Ask(do="wrap", key=self.newest, data=secret, bound=bound)).data

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """The secret again."""
        return self._asked(Ask(do="unwrap", key=key_id, data=wrapped, bound=bound)).data

    def trial(self) -> str:
        """Id of the newest key, which has encrypted and decrypted something."""
        self.wrap(_TRIAL, _TRIAL)
        return self.newest

    def close(self) -> None:
        """End the process; one that hangs is killed."""
        ours, self._socket = self._socket, None
        if ours is not None:
            ours.close()
        process, self._process = self._process, None
        if process is not None:
            try:
                process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _asked(self, ask: Ask) -> Answer:
        answer = self._exchanged(ask)
        if answer.code:
            if answer.code == "pin_refused":
                with suppress(StorageError):  # the token remembers too, as a rule
                    atomic_replace(self._mark, self._pin_file(), 0o644)
            raise TokenError(answer.code, answer.fault)
        if answer.fault:
            raise KeyFileError(answer.fault)
        if self._again:
            self._mark.unlink(missing_ok=True)
        return answer

    def _exchanged(self, ask: Ask) -> Answer:
        try:
            if self._socket is None:
                self._require_untried()
                self._start()
            assert self._socket is not None
            self._socket.send(NUMBER.pack(0) + msgspec.msgpack.encode(ask))
            packet = self._socket.recv(MOST_BYTES)
        except TimeoutError as error:
            self._give_up()
            told = f"the driver {self.place.module} did not answer within {self._patience:g} s"
            raise TokenError("token_silent", f"{told}: look at the token, its line and its driver") from error
        except OSError as error:
            packet, cause = b"", error.strerror or str(error)
        else:
            cause = "its process died"
        if not packet:
            self._give_up()
            raise TokenError("token_failed", f"the driver {self.place.module} cannot be asked: {cause}")
        return msgspec.msgpack.decode(packet[NUMBER.size :], type=Answer)

    def _start(self) -> None:
        flags = [name for name, is_set in (("again", self._again), ("writes", self._writes)) if is_set]
        module = "gateway.storage.body_token_process"
        command = [sys.executable, "-I", "-m", module, "{socket}", str(self.place), str(self._secret), *flags]
        self._socket, self._process = Child(command=command, environment=driver_environment()).start()
        self._socket.settimeout(self._patience)

    def _give_up(self) -> None:
        if self._process is not None:
            self._process.kill()
        self.close()

    def _require_untried(self) -> None:
        with suppress(OSError):
            if not self._again and self._mark.read_bytes() == self._pin_file():
                raise TokenError(
                    "pin_refused",
                    f"the PIN in {self._secret} was refused by {self.place.token} and is not tried again; with the "
                    f"right one in its file: {COMMAND}",
                )

    def _pin_file(self) -> bytes:
        """Which PIN it is, without a word of it."""
        assert self._secret is not None
        with suppress(OSError):
            found = self._secret.stat()
            return f"{found.st_ino} {found.st_mtime_ns}\n".encode()
        return b"none\n"


class Keyring:
    """A `Wrapper` of a token and a key file, since data keys may be under either while they are moved."""

    def __init__(self, file: KeyFile | None, token: TokenKeys | None, *, into_file: bool = False) -> None:
        """The token's newest key encrypts where there is a token, unless `into_file`."""
        self.file, self.token = file, token
        chosen = file if into_file or token is None else token
        assert chosen is not None, "a place has one of them"
        self._chosen: Wrapper = chosen

    @property
    def newest(self) -> str:
        """Id of the key that encrypts."""
        return self._chosen.newest

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        """Under the newest key."""
        return self._chosen.wrap(secret, bound)

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """By whichever has the key; the token is not asked for what the file opens."""
        if self.token is None or (self.file is not None and key_id in self.file.ids):
            assert self.file is not None, "a place has one of them"
            return self.file.unwrap(key_id, wrapped, bound)
        return self.token.unwrap(key_id, wrapped, bound)


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyKeyPlace:
    """Where the key is that data keys are encrypted under."""

    file: Path
    #: Holds it instead; the file is read beside it as long as it is there.
    token: TokenPlace | None = None
    #: File of its PIN.
    secret: Path | None = None
    #: Where a refused PIN is remembered.
    mark: Path = Path("body-pin.refused")

    @property
    def is_there(self) -> bool:
        """Whether a key was set up, as far as can be told without asking a token."""
        return self.token is not None or self.file.exists()

    @contextmanager
    def opened(self, *, into_file: bool = False) -> Iterator[Keyring]:
        """The keys, as long as they are needed; KeyFileError."""
        is_file_needed = self.token is None or into_file or self.file.exists()
        file = KeyFile.load(self.file) if is_file_needed else None
        with self.token_opened() as token:
            yield Keyring(file, token, into_file=into_file)

    @contextmanager
    def token_opened(self, *, again: bool = False, writes: bool = False) -> Iterator[TokenKeys | None]:
        """The token alone; None where there is none."""
        if self.token is None:
            yield None
            return
        keys = TokenKeys(self.token, self.secret, self.mark, again=again, writes=writes)
        try:
            yield keys
        finally:
            keys.close()

    def __str__(self) -> str:
        return str(self.token or self.file)


def body_key_place(settings: Settings) -> BodyKeyPlace:
    """As the settings say."""
    storage = settings.storage
    mark = settings.log.mark.with_name("body-pin.refused")  # in no backup, and the service may write there
    return BodyKeyPlace(file=storage.body_key, token=storage.body_token, secret=storage.body_secret, mark=mark)

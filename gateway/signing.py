"""The sealing key as the server knows it: its certificates, and a process that signs (`gateway.signing_process`).

`take` has something signed, so that a key that is unreadable, unfit or another certificate's stops the server
before it takes a document, or leaves the key in force that was. Only a token that does not serve just now (it is
not there, its PIN was refused) lets the server start: it delivers, lets agencies fetch, and refuses documents until
the token signs. Later trouble is a SealError for the receipt concerned, and known as `trouble` until something was
signed again; nothing leaves unsigned. The same process holds the key of the transparency log, which
`sign_checkpoint` asks for. Neither key is read here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography import x509

from gateway.aside import Aside, Child, Service
from gateway.aside_process import MOST_BYTES, NUMBER
from gateway.clock import SystemClock, in_vietnam, rfc3339
from gateway.condition import Condition, Health
from gateway.config.settings import LogSettings, SealSettings
from gateway.config.values import TokenPlace
from gateway.errors import KeyFileError, ProofError, SealError, SignerUnavailableError, TokenError
from gateway.seal.keys import Certificates
from gateway.seal.profile import fingerprint
from gateway.seal.signer import KeyPlace, driver_environment
from gateway.seal.writer import Draft, SealedEntry, Sealer, draft_export
from gateway.signing_process import NOT_NOW, SIGNED, arguments, id_for_digests
from gateway.transparency.keys import read_vkeys
from gateway.transparency.note import VerifierKey

_TRIAL = b"the gateway starts"
_TRIAL_SECONDS = 5
#: Bytes that go into one packet; of more, as of an export's seal over very many entries, the digest is sent.
_LONGEST = MOST_BYTES - 1024
#: Without an answer, until documents are refused; above what a restart of the service takes.
_PATIENCE_SECONDS = 10.0
#: Beside that, for the start of the process with the gateway's own, as when a whole machine starts.
_STARTING_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealing:
    """A receipt on its way."""

    draft: Draft
    signing: asyncio.Future[bytes]

    async def receipt(self) -> bytes:
        """The receipt; raises SealError."""
        return self.draft.signed(await self.signing)

    def cancel(self) -> None:
        """Nobody wants it any more."""
        self.signing.cancel()


class SealingKey:
    """The key in force."""

    def __init__(self) -> None:
        self._force: KeyProcess | None = None

    @property
    def log_key(self) -> VerifierKey | None:
        """The log's public key, under the log's name; None where no log was set up."""
        return self._force.log_key if self._force is not None else None

    @property
    def certificate(self) -> x509.Certificate | None:
        """The certificate that is put into receipts now."""
        return self._force.certificates.certificate if self._force is not None else None

    @property
    def trouble(self) -> Trouble | None:
        """Why nothing was signed when it was tried last; None while all is well."""
        return self._force.trouble if self._force is not None else None

    @property
    def condition(self) -> Condition:
        """How the key is."""
        if (trouble := self.trouble) is None:
            return Condition.fine("signs")
        told = f"not signing since {rfc3339(trouble.since)}: {trouble.code}: {trouble.text}"
        told_vi = f"không ký được từ {in_vietnam(trouble.since)}: {trouble.text}"
        return Condition(Health.FAILING, told, told_vi, trouble.code)

    async def take(self, files: SealSettings, log: LogSettings | None = None) -> None:
        """Put the keys of these files in force; raises KeyFileError with what to do, and what was in force stays.

        The log's own key is not tried: a server that cannot sign checkpoints takes documents all the same. A token
        that does not serve now is taken only where nothing is in force yet.
        """
        fresh = await _tried(files, log, is_first=self._force is None)
        old, self._force = self._force, fresh
        if old is not None:
            await old.close()

    def begin(self, *, document_sha256: bytes, document_type: str, transfer: bytes, signed_at: datetime) -> Sealing:
        """Draft a receipt and have it signed meanwhile."""
        force = self._force
        if force is None:
            raise SealError("The sealing key is not in force.")
        draft = force.sealer.draft(
            document_sha256=document_sha256,
            document_type=document_type,
            transfer=transfer,
            signed_at=signed_at,
        )
        return Sealing(draft=draft, signing=force.sign(draft.signed_info))

    async def seal_export(self, entries: Sequence[SealedEntry], signed_at: datetime) -> bytes:
        """The seal over the entries of a bundle; raises SealError."""
        force = self._force
        if force is None:
            raise SealError("The sealing key is not in force.")
        draft = draft_export(force.certificates, entries, signed_at)
        return draft.signed(await force.sign(draft.signed_info))

    async def sign_checkpoint(self, text: bytes, key: VerifierKey) -> bytes:
        """The signature of a checkpoint by the log's key, verified; SealError when there is none."""
        force = self._force
        if force is None:
            raise SealError("The sealing key is not in force.")
        signature = await force.ask(key.digest + text)
        try:
            key.check(text, signature)
        except ProofError as error:
            raise SealError(f"The process that signs has another key: {error}") from error
        return signature

    async def trial(self) -> None:
        """Have something signed, so that `trouble` is of now; raises nothing."""
        if self._force is not None:
            with suppress(SealError):
                await self._force.sign(_TRIAL)

    async def close(self) -> None:
        """End the process when it has answered."""
        force, self._force = self._force, None
        if force is not None:
            await force.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A key that does not sign."""

    #: As of `TokenError`; `key_silent` where no process answers, `key_failed` for anything else.
    code: str
    #: One sentence, with what to do.
    text: str
    since: datetime


class KeySettings(Protocol):
    """Where a key is, and who holds it."""

    @property
    def certificate(self) -> Path:
        """Certificate and chain."""
        ...

    @property
    def key(self) -> Path:
        """PEM or PKCS#12."""
        ...

    @property
    def token(self) -> TokenPlace | None:
        """The token that holds it instead."""
        ...

    @property
    def secret(self) -> Path | None:
        """The file of its password or PIN."""
        ...

    @property
    def socket(self) -> Path | None:
        """Of the service that holds it; None: a child does."""
        ...


class KeyProcess:
    """One certificate and the process that signs for it."""

    def __init__(
        self, files: KeySettings, log: LogSettings | None = None, *, patience: float = _PATIENCE_SECONDS
    ) -> None:
        self.log_key = None if log is None else _log_key(log)
        self.certificates = Certificates.load(files.certificate)
        self.sealer = Sealer(self.certificates)
        self._wanted = fingerprint(self.certificates.certificate)
        words = arguments(place_of(files), None if log is None else log.key)
        command = [sys.executable, "-I", "-m", "gateway.signing_process", "{socket}", *words]
        child = Child(command=command, environment=driver_environment())
        other = child if files.socket is None else Service(path=files.socket)
        where = "" if files.socket is None else f" behind {files.socket}"
        self._aside = Aside(
            other,
            read=_read,
            died=lambda: SignerUnavailableError(
                "key_silent", f"The process{where} that signs has died or does not answer."
            ),
            patience=patience,
            starting=_STARTING_SECONDS,
        )
        self.trouble: Trouble | None = None

    def sign(self, data: bytes) -> asyncio.Future[bytes]:
        """The signature value as XML signatures carry it; fails with SealError."""
        if len(data) > _LONGEST:
            signing = self._aside.ask(id_for_digests(self._wanted) + sha256(data).digest())
        else:
            signing = self._aside.ask(self._wanted + data)
        signing.add_done_callback(self._note)
        return signing

    def _note(self, signing: asyncio.Future[bytes]) -> None:
        if signing.cancelled():
            return
        error = signing.exception()
        if error is None:
            self.trouble = None
            return
        code = error.code if isinstance(error, SignerUnavailableError) else "key_failed"
        since = SystemClock().now() if self.trouble is None else self.trouble.since
        self.trouble = Trouble(code=code, text=str(error), since=since)

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        """The id of a key, and what it is to sign."""
        return self._aside.ask(request)

    async def close(self) -> None:
        """End the process when it has answered."""
        await self._aside.close()


def try_service(service: Path, certificate_file: Path) -> None:
    """Have something signed by a process at a socket; raises KeyFileError with what is wrong. Blocks."""
    wanted = fingerprint(Certificates.load(certificate_file).certificate)
    try:
        connection, _ = Service(path=service).start()
        with connection:
            connection.settimeout(_TRIAL_SECONDS)
            connection.send(NUMBER.pack(0) + wanted + _TRIAL)
            answer = connection.recv(MOST_BYTES)
    except OSError as error:
        raise KeyFileError(f"{service}: {error.strerror or error}", path=str(service)) from error
    try:
        _read(answer[NUMBER.size :])
    except SignerUnavailableError as error:
        raise TokenError(error.code, str(error)) from error
    except SealError as error:
        raise KeyFileError(str(error)) from error


def _log_key(log: LogSettings) -> VerifierKey | None:
    try:
        keys = read_vkeys(log.vkey.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyFileError(f"cannot read {log.vkey}: {error.strerror}", path=str(log.vkey)) from error
    except ProofError as error:
        raise KeyFileError(f"{log.vkey}: {error}", path=str(log.vkey)) from error
    return keys[0]


async def _tried(files: SealSettings, log: LogSettings | None, *, is_first: bool) -> KeyProcess:
    process = KeyProcess(files, log)
    try:
        await process.sign(_TRIAL)
    except SealError as error:
        if is_first and isinstance(error, SignerUnavailableError) and error.code != "key_silent":
            return process
        await process.close()
        raise KeyFileError(str(error)) from error
    except asyncio.CancelledError:  # nobody would end the process
        await process.close()
        raise
    return process


def place_of(files: KeySettings) -> KeyPlace:
    """Where the settings say that the key is."""
    return KeyPlace(certificate=files.certificate, key=files.key, token=files.token, secret=files.secret)


def _read(answer: bytes) -> bytes:
    if answer[:1] == NOT_NOW:
        code, _, text = answer[1:].decode().partition(" ")
        raise SignerUnavailableError(code, text)
    if answer[:1] != SIGNED:
        raise SealError(answer[1:].decode())
    return answer[1:]

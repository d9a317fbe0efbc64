"""Enrolment: one-time codes, bearer tokens, and the CA that certifies agencies' own keys.

`EnrolmentCa` talks to the process that alone holds the CA's key (`gateway.enrolment_process`); this process
never opens the key file. One request runs at a time. A process that died, or answers no longer, is replaced
on the next request; a request is tried twice at most, so a certificate may be issued that nobody received,
which is harmless: only a fingerprint that the directory knows authenticates anybody.

Codes and tokens leave this module once, in clear, to be shown to a person; what is stored is their SHA-256.
They carry more than 130 random bits, so a plain hash cannot be searched. It does NOT store anything and does
not decide whether a code is used or out of date.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.enrolment_process import MAX_LINE
from gateway.errors import EnrolmentError, RefusedError
from gateway.seal.profile import fingerprint

TOKEN_PREFIX: Final = "gw_"  # noqa: S105 - what log redaction looks for, not a secret
#: Crockford's base 32: no I, L, O, U.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_CODE_LENGTH: Final = 28
_GROUP: Final = 4
_ANSWER_SECONDS: Final = 20.0
_CLOSE_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedCertificate:
    """A client certificate fresh from the CA."""

    #: The certificate alone.
    pem: str
    #: The certificate followed by the CA's.
    chain_pem: str
    #: SHA-256 of the DER, lower-case hex: what authenticates the system.
    fingerprint: str
    #: Serial number, lower-case hex.
    serial: str
    not_before: datetime
    not_after: datetime


class EnrolmentCa:
    """The enrolment CA, in a process of its own."""

    def __init__(self, *, key_file: Path, certificate_file: Path) -> None:
        self._key_file = key_file
        self._certificate_file = certificate_file
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._requests = 0

    async def start(self) -> None:
        """Start the process; raises EnrolmentError when the key or certificate is unfit."""
        async with self._turn:
            await self._started()

    async def certify(self, csr_pem: bytes, *, organ_id: str, agency_id: str, days: int) -> IssuedCertificate:
        """Certify the key of a signing request; raises RefusedError, or EnrolmentError when the CA is out."""
        self._requests += 1
        request = {
            "id": self._requests,
            "operation": "certify",
            "csr": csr_pem.decode("utf-8", "replace"),
            "organ_id": organ_id,
            "agency_id": agency_id,
            "days": days,
        }
        line = json.dumps(request).encode() + b"\n"
        if len(line) >= MAX_LINE:
            raise RefusedError("signing_request_invalid", "the signing request is too large")
        async with self._turn:
            reply = await self._ask_twice(line, request["id"])
        if "refused" in reply:
            raise RefusedError(str(reply["refused"]), str(reply["detail"]))
        return self._issued(str(reply["certificate"]))

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end()

    async def _ask_twice(self, line: bytes, request_id: object) -> dict[str, Any]:
        try:
            return await self._ask(line, request_id)
        except (EOFError, ConnectionError, TimeoutError, ValueError):
            # The process died or is out of step; a new one knows nothing of the first request.
            await self._end()
        try:
            return await self._ask(line, request_id)
        except (EOFError, ConnectionError, TimeoutError, ValueError) as error:
            await self._end()
            raise EnrolmentError from error

    async def _ask(self, line: bytes, request_id: object) -> dict[str, Any]:
        process = await self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(line)
            await process.stdin.drain()
            reply = await _answer(process)
        except asyncio.CancelledError:
            # An answer nobody waits for would be taken for the next request's.
            process.kill()
            await self._end()
            raise
        if reply.get("id") != request_id:
            raise ValueError("the answer is another request's")
        return reply

    async def _started(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._end()
        arguments = (str(self._key_file), str(self._certificate_file))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "gateway.enrolment_process", *arguments,
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=MAX_LINE, env={},
        )  # fmt: skip
        self._process = process
        try:
            reply = await _answer(process)
        except (EOFError, TimeoutError, ValueError) as error:
            await self._end()
            raise EnrolmentError from error
        if "failed" in reply:
            await self._end()
            raise EnrolmentError(str(reply["failed"]))
        return process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        with suppress(ConnectionError):
            await process.stdin.wait_closed()
        try:
            await asyncio.wait_for(process.wait(), _CLOSE_SECONDS)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _issued(self, pem: str) -> IssuedCertificate:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        authority = x509.load_pem_x509_certificates(self._certificate_file.read_bytes())[0]
        return IssuedCertificate(
            pem=pem,
            chain_pem=pem + authority.public_bytes(Encoding.PEM).decode("ascii"),
            fingerprint=fingerprint(certificate).hex(),
            serial=f"{certificate.serial_number:x}",
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
        )


def new_code() -> tuple[str, str]:
    """A one-time code to show once, and the hash to store: 27 random characters and a check character."""
    data = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH - 1))
    code = data + _check_character(data)
    shown = "-".join(code[start : start + _GROUP] for start in range(0, _CODE_LENGTH, _GROUP))
    return shown, hash_code(shown)


def hash_code(code: str) -> str:
    """The stored form of a code as somebody typed it; raises RefusedError when it cannot be one."""
    plain = code.strip().upper().translate(_MISREAD)
    if len(plain) != _CODE_LENGTH or not set(plain) <= set(_ALPHABET):
        raise RefusedError("enrolment_code_invalid", f"a code has {_CODE_LENGTH} letters and digits")
    if _check_character(plain[:-1]) != plain[-1]:
        raise RefusedError("enrolment_code_invalid", "a character was mistyped")
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def new_token() -> tuple[str, str]:
    """A bearer token to show once, and the hash to store."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return token, hash_token(token)


def hash_token(token: str) -> str:
    """The stored form of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _check_character(data: str) -> str:
    """Luhn's algorithm in base 32: every single mistyped character and most swapped neighbours are seen."""
    total = 0
    for position, character in enumerate(reversed(data)):
        value = _ALPHABET.index(character) * (2 - position % 2)
        total += value // 32 + value % 32
    return _ALPHABET[-total % 32]


async def _answer(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), _ANSWER_SECONDS)
    if not line:
        raise EOFError
    reply = json.loads(line)
    if not isinstance(reply, dict):
        raise ValueError("the answer is no object")  # noqa: TRY004 - handled with every other nonsense
    return reply

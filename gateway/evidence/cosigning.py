"""Asks witnesses for their cosignatures (C2SP tlog-witness), and remembers how each fares.

A witness that is down, slow, or answers what nobody can use is left alone for a while, longer with each failure in
a row; the others are asked all the same. A cosignature is believed only after its signature and its time were
looked at.

Two answers are no trouble of the network: a witness that knows more leaves than were ever signed here, and one that
has seen what this log does not continue. Then somebody was shown another history under this log's name, or that
witness is wrong: WitnessContradictsError. Which of them cannot be told from here, so it stops nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import aiohttp

from gateway.bounded import read_at_most
from gateway.clock import Clock
from gateway.config.values import WitnessAddress
from gateway.errors import CosignatureError, ProofError, WitnessContradictsError
from gateway.standing import Standing
from gateway.transparency.checkpoint import decimal
from gateway.transparency.note import SignedNote, time_of
from gateway.transparency.witnessing import AddCheckpoint, Status, read_cosignature

#: How long a witness that failed is left alone; doubles with each failure in a row.
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=5)
#: A witness's clock may be ahead of ours by so much.
_AHEAD: Final = timedelta(minutes=5)
_MAX_ANSWER_BYTES: Final = 16 * 1024
_SHOWN_BYTES: Final = 100

#: Consistency proof from one size of our tree to another.
Prove = Callable[[int, int], Awaitable[Sequence[bytes]]]


class WitnessPort(Protocol):
    """The way to a witness."""

    async def add(self, address: WitnessAddress, body: bytes) -> tuple[int, bytes]:
        """Status and body of its answer to add-checkpoint; CosignatureError without one."""
        ...


class HttpWitness:
    """By HTTPS, or plainly on this machine."""

    def __init__(self, timeout: timedelta) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())

    async def add(self, address: WitnessAddress, body: bytes) -> tuple[int, bytes]:
        """One POST; redirects are not followed."""
        url = f"{address.url.rstrip('/')}/add-checkpoint"
        try:
            # read anew each time, since files are exchanged; the system's CAs are hundreds, so not on the loop
            connector = aiohttp.TCPConnector(ssl=await asyncio.to_thread(_context, address))
            async with (
                aiohttp.ClientSession(timeout=self._timeout, connector=connector) as session,
                session.post(url, data=body, allow_redirects=False) as answer,
            ):
                return answer.status, await read_at_most(answer.content, _MAX_ANSWER_BYTES)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise CosignatureError(f"no answer: {str(error)[:200] or type(error).__name__}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosigned:
    """A cosignature that was looked at."""

    #: When, by the witness's clock.
    at: datetime
    #: As it stands below the note, with its newline.
    line: str


@dataclass(kw_only=True, slots=True)
class WitnessStanding(Standing):
    """How a witness fares."""

    #: Leaves that it cosigned last, as far as is known; it says so itself where that is wrong.
    size: int = 0


async def cosigned(
    port: WitnessPort, address: WitnessAddress, note: bytes, size: int, *, old: int, prove: Prove, clock: Clock
) -> Cosigned:
    """The witness's line for a checkpoint of `size` leaves, asked as one that cosigned `old` before.

    Raises WitnessContradictsError, else CosignatureError.
    """
    known = min(old, size)
    for _ in range(2):
        body = bytes(AddCheckpoint(known, tuple(await prove(known, size)), note))
        status, answer = await port.add(address, body)
        if status == Status.COSIGNED:
            return _looked_at(answer, note, address, clock.now())
        if status == Status.NOT_CONTINUED:
            raise WitnessContradictsError("other_history", known, size)
        if status != Status.OTHER_SIZE:
            told = answer[:_SHOWN_BYTES].decode("utf-8", "replace").strip()
            raise CosignatureError(f"it answers {status} {told}".strip())
        known = _size_in(answer)
        if known > size:
            raise WitnessContradictsError("ahead", known, size)
    raise CosignatureError(f"it keeps saying that it cosigned another size, {known} at last")


def _looked_at(answer: bytes, note: bytes, address: WitnessAddress, now: datetime) -> Cosigned:
    try:
        signature = read_cosignature(answer, SignedNote.parse(note).text, address.key)
        at = datetime.fromtimestamp(time_of(signature.signature), UTC)
    except (ProofError, ValueError, OverflowError, OSError) as error:
        raise CosignatureError(f"no cosignature that holds: {error}") from error
    if at > now + _AHEAD:
        raise CosignatureError(f"its clock is {(at - now).total_seconds():.0f} s ahead of ours")
    return Cosigned(at=at, line=signature.line())


def _size_in(answer: bytes) -> int:
    try:
        return decimal(answer.decode("ascii").removesuffix("\n"))
    except (ProofError, UnicodeDecodeError) as error:
        raise CosignatureError("it says 409 without a size") from error


def _context(address: WitnessAddress) -> ssl.SSLContext | bool:
    if not address.url.startswith("https:"):
        return False
    context = ssl.create_default_context(cafile=address.anchors)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

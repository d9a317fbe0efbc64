"""Copies in another dialect for peers that cannot read the original: made once, kept, linked by an event.

The adapter's `send` is wrapped here, so that retries and fan-out know nothing of it: where the endpoint's
capability `dialect` differs from the message's own, the rendition's bytes, size and digest are what goes out,
and the attempt says so. The original stays the evidence; what a receiver got is proved by the event.
"""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryFile
from typing import BinaryIO, Protocol

import msgspec

from gateway.clock import Clock
from gateway.deliver import report_all, too_large
from gateway.edxml.envelope import Attachment, Dialect, Envelope
from gateway.edxml.extract import extract_attachment
from gateway.edxml.limits import ParseLimits
from gateway.edxml.profiles import PROFILE_A, PROFILE_B
from gateway.edxml.rendition import write_rendition
from gateway.errors import BodyDamagedError, GatewayError
from gateway.ledger.rendered import Rendered, RenderedOperation
from gateway.model import DispatchId, Endpoint, Outcome, OutcomeKind, Outgoing, SendReport, Sha256Hex
from gateway.parsing.pool import PARSED_PER_SECOND, ParserPool
from gateway.ports import Adapter, Body
from gateway.storage.bodies import Bodies
from gateway.storage.body_file import BodyFile, ScratchFile
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.storage.spool import in_our_words

_SECONDS = 120.0
_PROFILES = {Dialect.A: PROFILE_A, Dialect.B: PROFILE_B}


class BodySource(Protocol):
    """Where adapters' bodies come from."""

    async def open(self, sha256: Sha256Hex, dispatch_id: DispatchId) -> Body:
        """The body with this digest."""
        ...


class Renditions:
    """Makes and finds renditions."""

    def __init__(self, *, readers: Readers, pump: Pump, bodies: Bodies, pool: ParserPool, clock: Clock) -> None:
        self._readers, self._pump, self._bodies = readers, pump, bodies
        self._pool, self._clock = pool, clock
        self._record = RenderedOperation()

    async def of(self, outgoing: Outgoing, dialect: Dialect, limits: ParseLimits) -> tuple[Sha256Hex, int] | None:
        """(digest, size) of the message in a dialect; None where the original is in it already."""
        row = await self._readers.fetch_one("rendition_find", (str(dialect), outgoing.message_id))
        if row is None or row[0] == dialect:
            return None
        if row[1] is not None:
            return Sha256Hex(row[1]), row[2]
        original = await self._bodies.open_sound(outgoing.sha256)
        with self._bodies.scratch() as target:
            with in_our_words():
                await self._pool.run(
                    render,
                    original.file,
                    row[3],
                    target,
                    str(dialect),
                    limits,
                    timeout=_SECONDS + outgoing.size / PARSED_PER_SECOND,
                    size=outgoing.size,
                    owner=outgoing.sender_code,
                )
            made = await self._bodies.spool_file(target)
        rendered = Rendered(
            message_id=outgoing.message_id,
            dialect=str(dialect),
            sha256=made.sha256,
            size=made.size,
            now=self._clock.now(),
        )
        async with self._bodies.claims.claimed(made.sha256):
            await self._bodies.keep(made)
            await self._pump.submit(self._record, rendered)
        return Sha256Hex(made.sha256), made.size


class RenderingAdapter:
    """An adapter that sends each peer the dialect it reads."""

    def __init__(self, inner: Adapter, renditions: Renditions, bodies: BodySource, limits: ParseLimits) -> None:
        self._inner, self._renditions, self._bodies, self._limits = inner, renditions, bodies, limits

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Transmit the original, or its rendition where the peer needs one."""
        wanted = endpoint.capabilities.dialect
        if wanted is None:
            return await self._inner.send(endpoint, outgoing, body)
        try:
            made = await self._renditions.of(outgoing, Dialect(wanted), self._limits)
            if made is None:
                return await self._inner.send(endpoint, outgoing, body)
            sha256, size = made
            if size > endpoint.capabilities.max_bytes:
                return report_all(outgoing, too_large(size, endpoint), answered=True)
            other = await self._bodies.open(sha256, outgoing.dispatch_id)
        except BodyDamagedError:
            raise  # the lines were set aside
        except GatewayError as error:
            failed = Outcome(kind=OutcomeKind.DEFERRED, reason="rendition_failed", detail=str(error))
            return SendReport(outcomes={item.id: failed for item in outgoing.deliveries})
        report = await self._inner.send(endpoint, replace(outgoing, sha256=sha256, size=size), other)
        return replace(report, peer={**report.peer, "rendition": sha256})

    async def close(self) -> None:
        """Give back connections."""
        await self._inner.close()


def render(body: BodyFile, envelope: str, target: ScratchFile, dialect: str, limits: ParseLimits) -> None:
    """Write a message anew; runs in a parser process, since it reads foreign bytes."""
    original = msgspec.json.decode(envelope, type=Envelope)

    def extract(attachment: Attachment) -> BinaryIO:
        # the builder closes it; on disk, so that a large attachment needs no memory
        out: BinaryIO = TemporaryFile(dir=target.path.parent)  # noqa: SIM115
        extract_attachment(body, number=attachment.number, out=out, limits=limits)
        out.seek(0)
        return out

    with target.create() as out:
        write_rendition(out, original, extract, _PROFILES[Dialect(dialect)], scratch=target.path.parent)

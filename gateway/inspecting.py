"""Asks the parser pool about a spooled message, and turns what can go wrong there into refusals."""

from __future__ import annotations

from datetime import timedelta

import structlog

from gateway.clock import Clock
from gateway.config.settings import LimitSettings
from gateway.edxml.envelope import ParseReport
from gateway.edxml.limits import ParseLimits
from gateway.edxml.packed import packed, unpack_report
from gateway.errors import PoolError, RefusedError
from gateway.parsing.pool import PARSED_PER_SECOND, ParserPool
from gateway.storage.bodies import SpooledBody
from gateway.storage.spool import in_our_words
from gateway.validate import inspect

_log = structlog.get_logger(__name__)


def parse_limits(limits: LimitSettings) -> ParseLimits:
    """The parser's limits from the settings."""
    return ParseLimits(
        max_header_bytes=limits.max_header,
        max_attachment_bytes=limits.max_attachment,
        max_total_attachment_bytes=limits.max_attachments_total,
        max_zip_ratio=limits.max_zip_ratio,
        max_recipients=limits.max_recipients,
        max_attachments=limits.max_attachments,
    )


class Inspector:
    """Validates one file at a time in the pool."""

    def __init__(self, *, pool: ParserPool, limits: ParseLimits, clock: Clock, timeout: timedelta) -> None:
        self._pool, self._limits, self._clock = pool, limits, clock
        self._seconds = timeout.total_seconds()

    async def inspect(self, body: SpooledBody, mode: str = "full", owner: str = "") -> ParseReport:
        """The report; a parser that died, hung or ran out of memory is `parser_failed`.

        A large file takes its turn among those of its owner, the agency that sends it.
        """
        try:
            now = self._clock.now()
            with in_our_words():
                answer = await self._pool.run(
                    packed,
                    inspect,
                    body.file if body.content is None else body.content,
                    self._limits,
                    mode,
                    now,
                    timeout=self._seconds + body.size / PARSED_PER_SECOND,
                    size=body.size,
                    owner=owner,
                )
        except PoolError as error:
            _log.warning("parser.failed", sha256=body.sha256, size=body.size, **error.facts)
            if error.facts.get("kind") in {"closed", "broken", "busy"}:
                raise RefusedError("server_busy", retry_after=5) from error
            raise RefusedError("parser_failed") from error
        return unpack_report(answer)

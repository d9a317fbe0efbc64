"""Files that clerks bring: scans of papers, and what they send. Bytes are kept first, then the row.

What a scan is, its first bytes say, not its name. A file is given to clerks of its own office alone. An office has
so much room for its drafts and for what it brings within a day (`limits.desk_files`), counted here alone: a clerk's
account must not be enough to fill the disk.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from datetime import timedelta
from typing import Final

from gateway.config.settings import LimitSettings
from gateway.desk.clerk import Clerk
from gateway.errors import RefusedError
from gateway.facade import LocalGateway
from gateway.ids import uuid7
from gateway.ledger.desk import DeskFile, DeskReads
from gateway.ledger.drafts_kept import KeepFile, KeepFileOperation
from gateway.model import AgencyId
from gateway.storage.bodies import BodyReader, SpooledBody
from gateway.storage.pump import Pump

#: The largest scan or file that the desk takes; larger ones come by the API, in pieces.
MOST_BYTES: Final = 100 * 1024**2
_KINDS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_HEAD: Final = 8
_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_LONGEST: Final = 150
_DAY: Final = timedelta(days=1)


class Papers:
    """Keeps files and gives them back."""

    def __init__(self, gateway: LocalGateway, reads: DeskReads, pump: Pump, limits: LimitSettings) -> None:
        self._gateway, self._reads, self._pump = gateway, reads, pump
        self._most = limits.desk_files
        #: Two at once shall not both fit into what is left.
        self._turns: defaultdict[AgencyId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._keep = KeepFileOperation()

    async def add(
        self, clerk: Clerk, office: AgencyId, name: str, body: SpooledBody, *, is_scan: bool = True
    ) -> DeskFile:
        """Keep a finished body of the spool as a file of an own office."""
        clerk.for_office(office)
        with body.open() as stream:
            head = stream.read(_HEAD)
        kind = next((kind for start, kind in _KINDS if head.startswith(start)), "")
        if not body.size or body.size > MOST_BYTES or (is_scan and not kind):
            await self._gateway.bodies.discard(body)
            raise RefusedError("desk_file_unfit", name[:_LONGEST])
        file = DeskFile(
            id=uuid7(),
            office_id=office,
            sha256=body.sha256,
            size=body.size,
            name=safe_name(name),
            content_type=kind or "application/octet-stream",
        )
        now = self._gateway.clock.now()
        async with self._turns[office]:
            held = await self._reads.files_held(office, now - _DAY) + body.size
            if held > self._most:
                await self._gateway.bodies.discard(body)
                raise RefusedError("desk_full", f"{held} > {self._most} bytes")
            async with self._gateway.bodies.claims.claimed(body.sha256):
                await self._gateway.bodies.keep(body)
                await self._pump.submit(self._keep, KeepFile(file=file, actor=clerk.actor, now=now))
        return file

    async def open(self, clerk: Clerk, file_id: str) -> tuple[DeskFile, BodyReader]:
        """A file with its bytes, which have their digest."""
        file = await self._reads.file(clerk.reach, file_id)
        if file is None:
            raise RefusedError("not_found")
        return file, await self._gateway.bodies.open_sound(file.sha256)


def safe_name(name: str) -> str:
    """No path, no control character, not too long; its ending stays."""
    plain = _UNFIT.sub("-", name.replace("\\", "/").rpartition("/")[2]).strip(" .-") or "tep"
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:_LONGEST]}{dot}{ending[:10]}" if dot else plain[:_LONGEST]

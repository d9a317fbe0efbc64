"""Frees the bytes of files that clerks kept at the desk and that no draft and no line has any more.

It comes from a draft that was dropped or sent, from one that it was taken out of, or from a scan whose line was
refused. Its bytes go first, then its row: a crash between leaves a row that the next run finds again. Bytes that
anything else needs stay. Copies in the backup folder go with the copies they belong to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from gateway.clock import micros
from gateway.foundation import Foundation
from gateway.ledger.drafts_kept import ForgetFileOperation
from gateway.ledger.purged import needers_of

#: A scan is there before its line, for as long as its form is at work.
_SETTLED: Final = timedelta(hours=1)

_log = structlog.get_logger(__name__)


async def free_loose(base: Foundation) -> int:
    """Free some hundred of them; how many are gone."""
    before = micros(base.clock.now() - _SETTLED)
    rows = await base.readers.fetch("desk_file_list_loose", (before,))
    forget, freed = ForgetFileOperation(), 0
    for key, sha256 in rows:
        with base.bodies.claims.alone(sha256) as is_alone:
            if not is_alone:
                continue
            needers = (await needers_of(base.readers, [sha256])).get(sha256, [])
            if needers == [f"desk file {key}"]:
                await base.bodies.erase(sha256)
            await base.pump.submit(forget, key)
            freed += 1
    if freed:
        _log.info("desk.files_freed", files=freed)
    return freed

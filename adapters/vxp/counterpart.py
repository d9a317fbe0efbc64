"""The axis's own books about one system id, and what else a member may ask of it.

`sent` asks for the days by `fromDate` and `toDate`; whether an axis heeds them is not known, so the caller compares
times by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from adapters.vxp.calls import Acting
from adapters.vxp.reader import VxpReader
from adapters.vxp.reply import SentLine, read_count, read_sent
from adapters.vxp.wire import Look
from gateway.model import Endpoint
from gateway.ports import SentRecord, Surroundings

#: The longest list of what we sent that is read.
SENT_BYTES_MAX: Final = 64 * 1024 * 1024

_TYPES: Final = ("edoc", "status")


class VxpCounterpart(VxpReader):
    """Reads the books of a member's channel."""

    def __init__(self, endpoint: Endpoint, surroundings: Surroundings) -> None:
        self._acting = Acting(endpoint, surroundings, connections=2)
        self._calls = self._acting
        self._most = SENT_BYTES_MAX

    async def sent(self, first: date, last: date) -> Sequence[SentRecord]:
        """One record for each recipient."""
        days = {"fromDate": f"{first:%Y/%m/%d}", "toDate": f"{last:%Y/%m/%d}"}
        found: dict[tuple[str, str], SentRecord] = {}
        for message_type in _TYPES:
            parameters = {"servicetype": "eDoc", "messagetype": message_type} | days
            for line in read_sent(await self._calls.look(Look.LIST_SENT, parameters, most=self._most)):
                found.setdefault((line.ref, line.recipient_code), _record(line))
        return tuple(found.values())

    async def counted(self) -> tuple[int, int]:
        """Documents and statuses that wait."""
        asked = ((Look.COUNT_DOCUMENTS, "edoc"), (Look.COUNT_STATUSES, "status"))
        documents, statuses = [
            read_count(await self._calls.look(operation, {"servicetype": "eDoc", "messagetype": message_type}))
            for operation, message_type in asked
        ]
        return documents, statuses


def _record(line: SentLine) -> SentRecord:
    return SentRecord(
        ref=line.ref,
        kind=line.kind,
        recipient_code=line.recipient_code,
        notation=line.notation,
        sent_at=line.sent_at,
        failed=line.send_status not in {"", "done"},
        words=line.words,
    )

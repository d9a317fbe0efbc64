"""The axis's own books about one system id, and what else a member may ask of it.

`sent` keeps what is of the days asked for, and of the day before and behind, since clocks differ. `register` and
`deregister` change the axis's catalogue for a code of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import msgspec

from adapters.vxp.calls import Acting
from adapters.vxp.reader import VxpReader
from adapters.vxp.reply import accept_settled, read_count
from adapters.vxp.sent import Span, walk_sent
from adapters.vxp.sent_reply import SentLine
from adapters.vxp.settings import manners_of
from adapters.vxp.wire import Act, Look
from gateway.clock import VIETNAM
from gateway.model import Endpoint
from gateway.ports import Registration, SentRecord, Surroundings

_TYPES: Final = ("edoc", "status")
_LIST_BYTES_MAX: Final = 64 * 1024 * 1024
_DAY: Final = timedelta(days=1)


class VxpCounterpart(VxpReader):
    """Reads the books of a member's channel."""

    def __init__(self, endpoint: Endpoint, surroundings: Surroundings) -> None:
        self._acting = Acting(endpoint, surroundings, connections=2)
        self._calls = self._acting
        self._most = _LIST_BYTES_MAX
        self._page = manners_of(endpoint).sent_page

    async def sent(self, first: date, last: date) -> Sequence[SentRecord]:
        """One record for each recipient."""
        found: dict[tuple[str, str], SentRecord] = {}
        earliest, latest = (datetime.combine(day, time(), VIETNAM) for day in (first - _DAY, last + 2 * _DAY))

        def see(line: SentLine) -> None:
            record = _record(line, self._calls.clock_offset or timedelta())
            if record.sent_at is None or earliest <= record.sent_at < latest:
                found.setdefault((line.unread or line.ref, line.recipient_code), record)

        for message_type in _TYPES:
            span = Span(message_type=message_type, first=first - _DAY, last=last + _DAY, page=self._page)
            await walk_sent(self._calls, span, see)
        return tuple(found.values())

    async def counted(self) -> tuple[int, int]:
        """Documents and statuses that wait."""
        asked = ((Look.COUNT_DOCUMENTS, "edoc"), (Look.COUNT_STATUSES, "status"))
        documents, statuses = [
            read_count(await self._calls.look(operation, {"servicetype": "eDoc", "messagetype": message_type}))
            for operation, message_type in asked
        ]
        return documents, statuses

    async def register(self, registration: Registration) -> str:
        """Make a code of ours known there; the axis's words."""
        body = msgspec.json.encode(self.told(registration))
        return accept_settled(await self._acting.act(Act.REGISTER_AGENCY, {}, body))

    async def deregister(self, code: str) -> str:
        """Take a code of ours away; the axis's words."""
        return accept_settled(await self._acting.act(Act.DELETE_AGENCY, {"AgencyCode": code}))

    def told(self, registration: Registration) -> dict[str, str]:
        """The body of `registerAgency`."""
        return {
            "id": registration.ref,
            "pcode": registration.parent_code,
            "code": registration.code,
            "name": registration.name,
            "mail": registration.email,
            "mobile": registration.phone,
            "fax": registration.fax,
        }


def _record(line: SentLine, offset: timedelta) -> SentRecord:
    return SentRecord(
        ref=line.ref,
        kind=line.kind,
        recipient_code=line.recipient_code,
        notation=line.notation,
        sent_at=None if line.sent_at is None else line.sent_at - offset,
        failed=line.send_status not in {"", "done"},
        words=line.words,
        unreadable=line.unread,
    )

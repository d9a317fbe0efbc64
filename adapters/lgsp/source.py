"""What waits at a facade: listed by days, fetched, settled.

`syncReceivedEdocList` knows no cursor: it lists what came between two days, settled or not, and only the status
of an entry tells whether it still waits. Each look reads the last days (`overlap_days` before today, and today,
in Vietnam's time), and the days before them until they were read once with nothing left in them that waits.
After a start the days begin `lookback_days` ago. So an entry is never passed over because a look failed,
because it stayed unsettled for days, or because our clock was wrong for a while; only one older than
`lookback_days` is.

`settle` calls `updateStatus`: an entry that is durably ours gets `done_status`, one refused for good
`fail_status`. Whether a facade wants words or two digits there is not settled, so both are settings.

`getEdoc` wraps a document in JSON, out of which it is taken while it arrives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Final, Literal

from adapters.lgsp.reply import read_attached, read_list, require_done
from adapters.lgsp.session import REPLY_BYTES_MAX, Session
from adapters.lgsp.settings import facade_of
from adapters.lgsp.unwrapping import Unwrapper
from adapters.upload import read_answer
from adapters.webhook_channel import Contexts
from adapters.webhook_names import Names
from gateway.clock import VIETNAM
from gateway.model import Endpoint
from gateway.ports import Listed, Settlement, Surroundings

#: The longest list, and the longest answer whose document is an attachment.
REPLY_MEMORY_MAX: Final = 64 * 1024 * 1024

_CONNECTIONS = 2
_PIECE = 256 * 1024
_DAY = timedelta(days=1)
_KINDS: tuple[tuple[str, Literal["document", "status"]], ...] = (("edoc", "document"), ("status", "status"))
#: Statuses of entries that wait for nobody, besides those that we set ourselves.
_SETTLED = frozenset({"done", "fail"})


class LgspSource:
    """One system id's list."""

    def __init__(
        self, endpoint: Endpoint, surroundings: Surroundings, *, reply_memory_max: int = REPLY_MEMORY_MAX
    ) -> None:
        self._facade = facade_of(endpoint, surroundings.folder)
        self._surroundings, self._most = surroundings, reply_memory_max
        self._contexts, self._names = Contexts(), Names()
        self._session: Session | None = None
        own = {self._facade.done_status.lower(), self._facade.fail_status.lower()}
        self._settled = _SETTLED | (own - {""})
        #: Everything before this day was read with nothing left that waits; None: nothing was read yet.
        self._read_until: date | None = None

    async def listed(self) -> tuple[Listed, ...]:
        """Documents and statuses that wait."""
        today = self._surroundings.clock.now().astimezone(VIETNAM).date()
        recent = today - self._facade.overlap_days * _DAY
        if self._read_until is not None and recent < self._read_until:
            self._read_until = None  # our clock was ahead: what came meanwhile may not have been listed
        first = max(today - self._facade.lookback_days * _DAY, self._read_until or date.min)
        found: dict[str, Listed] = {}
        if first < recent:
            older = await self._list(first, recent - _DAY)
            found |= older
            if not older:
                self._read_until = recent
        found |= await self._list(recent, today)
        return tuple(found.values())

    async def fetch(self, ref: str, write: Callable[[bytes], Awaitable[None]]) -> None:
        """The document's bytes; where the facade attaches it instead, all of that has to be in memory."""
        session, query, unwrapper = await self._open(), {"docId": ref}, Unwrapper(write)
        async with session.stream("getEdoc", query) as response:
            if response.status == 200:  # noqa: PLR2004
                async for piece in response.content.iter_chunked(_PIECE):
                    await unwrapper.feed(piece)
                rest = await unwrapper.end()
            else:
                rest = await read_answer(response, REPLY_BYTES_MAX)
        require_done(response.status, rest)
        if not unwrapper.has_document:
            answer = await session.call("GET", "getEdoc", query=query, most=self._most)
            await write(read_attached(answer.status, answer.content))

    async def settle(self, ref: str, settlement: Settlement) -> bool:
        """Tell the facade; False where it is not to be told of refusals."""
        status = self._facade.done_status if settlement.done else self._facade.fail_status
        if not status:
            return False
        session = await self._open()
        answer = await session.call("POST", "updateStatus", content={"docId": ref, "status": status})
        require_done(answer.status, answer.content)
        return True

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _list(self, first: date, last: date) -> dict[str, Listed]:
        session = await self._open()
        found: dict[str, Listed] = {}
        for message_type, kind in _KINDS:
            query = {"messageType": message_type, "fromDate": f"{first:%Y/%m/%d}", "toDate": f"{last:%Y/%m/%d}"}
            answer = await session.call("GET", "syncReceivedEdocList", query=query, most=self._most)
            for entry in read_list(answer.status, answer.content, kind, self._settled):
                found.setdefault(entry.ref, entry)
        return found

    async def _open(self) -> Session:
        if self._session is not None and not self._session.is_current():
            await self.close()
        if self._session is None:
            self._session = Session(
                self._facade,
                self._surroundings,
                contexts=self._contexts,
                names=self._names,
                connections=_CONNECTIONS,
            )
        return self._session

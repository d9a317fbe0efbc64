"""The offices behind the axis: they take what is addressed to them and report, as their script says.

What each owes was written down when the document was taken (`exchange`), so a killed simulator goes on where it
was. `run_once` does what is due and says when the next is; the loop around it sleeps until then or until something
new comes. A status goes through the same `Exchange.take` as one of a real system.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from datetime import date

from gateway.clock import Clock, instant, micros
from gateway.simulate.axis.agencies import Agencies
from gateway.simulate.axis.exchange import Exchange
from gateway.simulate.axis.settings import PLAYED
from gateway.simulate.axis.signing import FailedError
from gateway.simulate.axis.store import Store
from gateway.simulate.writing import Named, Reference, Report, status_xml

_DATE = re.compile(r"(\d{4})[/-](\d{2})[/-](\d{2})")
_LONGEST = 3600.0


class Answerer:
    """Plays them all."""

    def __init__(self, *, store: Store, agencies: Agencies, exchange: Exchange, clock: Clock) -> None:
        self._store = store
        self._agencies = agencies
        self._exchange = exchange
        self._clock = clock
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something new may be due."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._woken.clear()
            await self.run_once()
            due = self._store.rows("errand_next_due")[0][0]
            wait = _LONGEST if due is None else (due - micros(self._clock.now())) / 1_000_000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, wait)):
                    await self._woken.wait()

    async def run_once(self) -> int:
        """All that is due now; how many."""
        done = 0
        while errands := self._store.rows("errand_list_due", micros(self._clock.now())):
            for number, entry_id, reporter, code, words in errands:
                await self._report(number, entry_id, reporter, code, words)
                done += 1
        return done

    async def _report(self, errand: int, entry_id: int, reporter: str, code: str, words: str) -> None:
        rows = self._store.rows("sent_read_about", entry_id)
        sender, notation, document_id, _, sent_at = rows[0]
        host = self._agencies.host_of(reporter).system_id or PLAYED
        self._store.settle(entry_id, host, "done", "")
        about = reference(sender, notation, document_id, sent_at)
        name = Named(code=reporter, name=self._agencies.name_of(reporter))
        report = Report(reporter=name, about=about, code=code, description=words)
        try:
            await self._exchange.take(host, "status", status_xml(report, self._clock.now()), errand=errand)
        except FailedError:  # the document's sender is gone from the catalogue: nobody to tell
            self._store.run("errand_delete", errand)


def reference(sender: str, notation: str, document_id: str, sent_at: int) -> Reference:
    """How a status names a message that the axis remembers."""
    number, _, rest = notation.partition("/")
    return Reference(
        organ_id=sender,
        number=number,
        notation=rest,
        issued_on=_day(document_id, sent_at),
        document_id=document_id,
    )


def _day(document_id: str, sent_at: int) -> date:
    match = _DATE.search(document_id)
    try:
        return date(*(int(part) for part in match.groups())) if match else instant(sent_at).date()
    except ValueError:
        return instant(sent_at).date()

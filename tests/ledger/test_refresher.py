"""What CAs are asked while nobody answers, and when that is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.clock import SystemClock
from gateway.config.revocation import RevocationSettings
from gateway.evidence.fetching import HttpAnswers
from gateway.examining import examiners
from gateway.ledger.checks import Wait, WaitForAnswers
from gateway.maintenance.answers import Answers
from gateway.maintenance.refresher import Own, Refresher
from gateway.observe import Metrics
from gateway.reach import Reach
from gateway.seal.revocation import RevocationStore
from gateway.signatures.lookups import lookup_of
from gateway.signatures.model import Lookup
from tests.ca_process import Ca, running_ca
from tests.ledger.lab import Lab, message


class LaterClock(SystemClock):
    """So much later than it is."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@dataclass(kw_only=True, slots=True)
class Asking:
    """A duty whose CA can be ended."""

    refresher: Refresher
    clock: LaterClock
    ca: Ca

    async def told(self, *, after: timedelta = timedelta(), wanted: Lookup | None = None) -> str:
        """How it is after a run."""
        self.clock.ahead += after
        if wanted is not None:
            self.refresher.want([wanted])
        await self.refresher.run_once()
        return self.refresher.condition.health


@pytest_asyncio.fixture
async def asking(lab: Lab, tmp_path: Path) -> AsyncIterator[Asking]:
    async with running_ca(tmp_path / "ca") as ca:
        pool, clock = examiners(), LaterClock()
        answers = Answers(
            lab.readers,
            lab.pump,
            HttpAnswers(Reach(development=True), timeout=timedelta(seconds=5), max_size=100_000),
            pool,
            RevocationStore(tmp_path / "revocations"),
            lists=pool,
            scratch=tmp_path / "staging",
            anchors=[],
            clock=clock,
        )
        own = Own(certificates=(), anchors=())
        settings = RevocationSettings()
        refresher = Refresher(
            answers, lab.readers, lab.pump, settings=settings, own=own, clock=clock, metrics=Metrics()
        )
        yield Asking(refresher=refresher, clock=clock, ca=ca)
        await pool.close()


def _asked(ca: Ca) -> Lookup:
    return lookup_of(ca.pki["asked"].certificate, ca.pki["ca"].certificate)


async def test_responder_that_is_out_is_forgotten_once_its_answer_came_another_way(asking: Asking) -> None:
    """An operator loaded it."""
    lookup = _asked(asking.ca)
    await asking.ca.kill()
    assert await asking.told(wanted=lookup) == "degraded"
    assert await asking.told(wanted=replace(lookup, answered=True)) == "fine"


async def test_responder_that_nobody_wants_any_more_is_forgotten(asking: Asking) -> None:
    """While a document waits it is wanted every hour."""
    lookup = _asked(asking.ca)
    await asking.ca.kill()
    assert await asking.told(wanted=lookup) == "degraded"
    for _ in range(7):
        assert await asking.told(after=timedelta(hours=1), wanted=lookup) == "degraded"
    assert await asking.told(after=timedelta(hours=13)) == "fine"


async def test_responder_is_left_alone_when_the_list_is_back(asking: Asking) -> None:
    """It was asked only for want of the list."""
    lookup = replace(_asked(asking.ca), crls=(f"{asking.ca.url}/ca.crl",), ocsps=(f"{asking.ca.url}/gone",))
    away = asking.ca.folder / "ca.crl"
    there = away.read_bytes()
    away.unlink()
    assert await asking.told(wanted=lookup) == "degraded"
    assert await asking.told(wanted=lookup) == "degraded"
    away.write_bytes(there)
    await asking.told(after=timedelta(hours=1))
    assert await asking.told(after=timedelta(hours=1)) == "fine"


async def test_waiting_documents_are_counted_after_a_look_or_once_a_minute(
    asking: Asking, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with each run; what a look changed is seen at once, what anybody else did within a minute."""
    counts = []
    fetch = lab.readers.fetch

    async def noted(name: str, *args: object) -> object:
        counts.append(name == "check_due_count_waiting")
        return await fetch(name, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(lab.readers, "fetch", noted)
    assert await asking.told() == "fine"
    await lab.record(message("a1", name="m", checks={}))
    now = asking.clock.now()
    wait = Wait(message_id="m", subjects={"crl-1": "CA"}, now=now, due_at=now + timedelta(hours=1), begun_at=now)
    await lab.pump.submit(WaitForAnswers(), wait)
    assert await asking.told() == "fine"
    assert sum(counts) == 1
    assert await asking.told(wanted=replace(_asked(asking.ca), ocsps=())) == "degraded"
    assert sum(counts) == 2
    assert await asking.told(after=timedelta(minutes=1)) == "degraded"
    assert sum(counts) == 3

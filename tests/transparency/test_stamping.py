"""Checkpoints are stamped by the first server that answers rightly; outages leave a backlog that is worked off.

The servers are processes of the development authority, killed and started again; SQLite and the pump are real.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.config.settings import StampSettings, parse
from gateway.config.values import StampServer
from gateway.errors import ConfigError, StampError
from gateway.evidence.stamping import FIRST_PAUSE, HttpTsa, Stamping
from gateway.ledger.stamps import Times, is_independent
from gateway.ledger.tree import KeepCheckpointOperation, LogReads, Signed
from gateway.maintenance.stamper import Stamper
from gateway.observe import Metrics
from gateway.pki import DevPki, make_dev_pki
from gateway.seal.report import Verdict
from gateway.seal.timestamp import verify_stamp
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.simulate.tsa.issuing import POLICY
from tests.ledger.lab import Lab, open_lab
from tests.tsa_process import running_tsa


class _Clock(SystemClock):
    """The real time, and what was added to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead.total_seconds()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    return make_dev_pki(tmp_path_factory.mktemp("stamps") / "pki", now=SystemClock().now())


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_lab(tmp_path) as opened_lab:
        yield opened_lab


async def sign(lab: Lab, *sizes: int, at: datetime | None = None) -> None:
    for size in sizes:
        signed = Signed(size=size, root=bytes(32), at=at or SystemClock().now(), note=f"note {size}".encode())
        await lab.pump.submit(KeepCheckpointOperation(), signed)


def stamper(lab: Lab, pki: DevPki, clock: _Clock, *urls: str) -> Stamper:
    settings = StampSettings(
        servers=tuple(StampServer.parse(f"{url} {POLICY}") for url in urls),
        anchors=pki.anchors(TrustPurpose.TSA),
        timeout=timedelta(seconds=5),
    )
    stamping = Stamping(settings, HttpTsa(settings.timeout), clock)
    return Stamper(lab.readers, lab.pump, stamping, settings=settings, clock=clock, metrics=Metrics())


def stamped(lab: Lab) -> dict[int, str]:
    return dict(lab.eye.execute("SELECT size, server FROM checkpoint_stamp ORDER BY size"))


async def test_each_checkpoint_gets_one_stamp_that_holds_years_later(lab: Lab, pki: DevPki) -> None:
    """Real HTTP, a real process; the stored answer is verified with nothing but note and anchors."""
    async with running_tsa(pki.folder) as tsa:
        duty = stamper(lab, pki, _Clock(), tsa.url)
        await sign(lab, 3, 8)
        await duty.run_once()
        await duty.run_once()
        assert await tsa.asked() == 2
    latest = await LogReads(lab.readers).latest()
    assert latest is not None
    (stamp,) = latest.stamps
    anchors = TrustStore.load(pki.anchors(TrustPurpose.TSA), TrustPurpose.TSA)
    later = SystemClock().now() + timedelta(days=3650)
    found = verify_stamp(stamp.token, sha256(latest.signed).digest(), anchors=anchors, at=later)
    assert found.report.verdict is Verdict.PASSED
    assert found.not_later_than == stamp.at
    assert duty.condition.words == "stamped (by a server of our own: not independent)"


async def test_second_server_stamps_while_the_first_is_dead(lab: Lab, pki: DevPki) -> None:
    """Fail-over, and the dead one is not asked again at once, but after its pause."""
    clock = _Clock()
    async with running_tsa(pki.folder) as first, running_tsa(pki.folder) as second:
        duty = stamper(lab, pki, clock, first.url, second.url)
        await first.order("down")
        await sign(lab, 1, 2, 3)
        await duty.run_once()
        assert set(stamped(lab).values()) == {second.url}
        assert await first.asked() == 1
        await first.kill()
        clock.ahead += FIRST_PAUSE
        await sign(lab, 4)
        await duty.run_once()
        assert stamped(lab)[4] == second.url
        await first.start()
        clock.ahead += FIRST_PAUSE * 2
        await sign(lab, 5)
        await duty.run_once()
        assert stamped(lab)[5] == first.url


async def test_outage_becomes_late_and_the_backlog_is_worked_off(lab: Lab, pki: DevPki) -> None:
    """Degraded is visible beyond the grace and not before; nothing stops; the restarted server mends it."""
    clock = _Clock()
    async with running_tsa(pki.folder) as tsa:
        duty = stamper(lab, pki, clock, tsa.url)
        await tsa.kill()
        await sign(lab, *range(1, 71))
        await duty.run_once()
        assert duty.condition.words.startswith("waiting: 70 without a stamp")
        assert "no answer" in duty.condition.words
        clock.ahead += timedelta(hours=4, minutes=1)
        await duty.run_once()
        assert duty.condition.words.startswith("late: 70 without a stamp")
        await tsa.start()
        await tsa.order("clock", seconds=clock.ahead.total_seconds())  # it keeps the same time as the gateway
        clock.ahead += timedelta(minutes=1)
        await duty.run_once()
        assert min(stamped(lab)) == 11, "the newest first, a portion a run"
        assert duty.condition.words.startswith("late: 10")
        await duty.run_once()
        assert len(stamped(lab)) == 70
        lab.eye.execute("UPDATE checkpoint_stamp SET at = at - 10000000000 WHERE size = 40")
        found = await Times(lab.readers, ()).proven(20)
        assert found is not None
        assert found.size == 40, "the earliest stamp that covers the leaf, not that of the first checkpoint"
        assert duty.condition.words.startswith("stamped")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("wrong_imprint", "over another digest"),
        ("wrong_nonce", "another nonce"),
        ("wrong_policy", "asked for was"),
        ("granted_with_mods", "did not grant"),
        ("expired", "was not valid when it stamped"),
        ("garbage", "no RFC 3161 answer"),
        ("page", "no RFC 3161 answer"),
        ("busy", "answers 503"),
        ("clock", "after that of the verification"),
        ("slow", "no answer"),
    ],
)
async def test_wrong_answer_is_no_stamp(lab: Lab, pki: DevPki, fault: str, told: str) -> None:
    """It is named, nothing is kept, and the right answer that follows is taken."""
    clock = _Clock()
    async with running_tsa(pki.folder) as tsa:
        duty = stamper(lab, pki, clock, tsa.url)
        await sign(lab, 1)
        await tsa.order(fault, calls=1, seconds=3600)
        await duty.run_once()
        assert stamped(lab) == {}
        assert told in duty.condition.words
        clock.ahead += FIRST_PAUSE
        await duty.run_once()
        assert list(stamped(lab)) == [1]


async def test_without_anchors_nothing_is_believed(lab: Lab, pki: DevPki, tmp_path: Path) -> None:
    """A store that is not there is told, and asks nobody."""
    settings = StampSettings(servers=(StampServer.parse("http://127.0.0.1:9/"),), anchors=tmp_path / "none")
    with pytest.raises(StampError, match="no stamp can be checked"):
        await Stamping(settings, HttpTsa(settings.timeout), _Clock()).stamp(bytes(32))


async def test_without_servers_nothing_is_done(lab: Lab, pki: DevPki) -> None:
    """No stamps were asked for: no alarm."""
    duty = stamper(lab, pki, _Clock())
    await sign(lab, 1, at=datetime(2020, 1, 1, tzinfo=UTC))
    await duty.run_once()
    assert duty.condition.words == "not set up"


def test_servers_are_read_from_the_settings(tmp_path: Path) -> None:
    """URL, policy, and whether it is our own; whatever listens on this machine is."""
    texts = ["http://tsa.ca.gov.vn/ 1.3.6.1.4.1.32473.1.1", "https://tsa.h33.vn own", "http://127.0.0.1:3161/"]
    servers = parse({"stamps": {"servers": texts}}, folder=tmp_path).stamps.servers
    assert [(each.policy, each.own) for each in servers] == [(POLICY, False), ("", True), ("", True)]
    assert [is_independent(each.url, servers) for each in servers] == [True, False, False]
    for wrong in ("http://tsa.vn", ["ftp://tsa.vn"], ["http://tsa.vn 9.9"], ["http://tsa.vn 1.2 1.3"], [3]):
        with pytest.raises(ConfigError, match=r"stamps\.servers"):
            parse({"stamps": {"servers": wrong}}, folder=tmp_path)
    with pytest.raises(ConfigError, match="no list"):
        parse({"webhook": {"allowed_networks": "10.0.0.0/8"}}, folder=tmp_path)

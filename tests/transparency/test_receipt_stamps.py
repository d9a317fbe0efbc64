"""Receipts get their stamps in order, one a minute or one each; outages, restarts and backlogs lose none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Literal

import pytest

from gateway.clock import SystemClock
from gateway.config.settings import StampSettings
from gateway.config.values import StampServer
from gateway.evidence.stamping import HttpTsa, Stamping
from gateway.ledger.receipt_stamps import ReceiptStamps
from gateway.ledger.tree import LogReads
from gateway.maintenance import receipt_stamper
from gateway.maintenance.receipt_stamper import ReceiptStamper
from gateway.observe import Metrics
from gateway.pki import DevPki, make_dev_pki
from gateway.seal.evidence_record import path_of, read_record, write_record
from gateway.seal.report import Verdict
from gateway.seal.stamp_token import reply_with, token_of
from gateway.seal.timestamp import verify_stamp
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.unsigned import signature_imprint
from gateway.simulate.tsa.issuing import POLICY
from tests.ledger.lab import Lab, message, open_lab
from tests.tsa_process import running_tsa


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    return make_dev_pki(tmp_path_factory.mktemp("receipts") / "pki", now=SystemClock().now())


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_lab(tmp_path) as opened_lab:
        yield opened_lab


def duty(lab: Lab, pki: DevPki, url: str, receipts: Literal["record", "each", "none"] = "record") -> ReceiptStamper:
    settings = StampSettings(
        servers=(StampServer.parse(f"{url} {POLICY}"),),
        anchors=pki.anchors(TrustPurpose.TSA),
        timeout=timedelta(seconds=20),
        receipts=receipts,
    )
    stamping = Stamping(settings, HttpTsa(settings.timeout), SystemClock())
    return ReceiptStamper(lab.readers, lab.pump, stamping, settings=settings, metrics=Metrics())


async def accepted(lab: Lab, *names: str) -> None:
    for name in names:
        await lab.record(message("a1", "a2", name=name))


def group_of(name: str) -> tuple[bytes, ...]:
    """As the lab's placeholders are."""
    return bytes.fromhex("cd" * 32), sha256(name.encode()).digest(), sha256(b"transfer").digest()


async def record_of(lab: Lab, name: str) -> bytes:
    """The evidence record of a message as an export makes it; b"" without a stamp."""
    seq = await LogReads(lab.readers).accepted_seq(name)
    assert seq is not None
    found = await ReceiptStamps(lab.readers).of(seq)
    if found is None:
        return b""
    return write_record(group_of(name), path_of(found.stamp.hashes, found.index), token_of(found.stamp.token))


def proves(record: bytes, pki: DevPki) -> bool:
    """By reading it anew, years later."""
    read = read_record(record)
    anchors = TrustStore.load(pki.anchors(TrustPurpose.TSA), TrustPurpose.TSA)
    later = SystemClock().now() + timedelta(days=3650)
    return (
        verify_stamp(reply_with(read.token), read.root, anchors=anchors, at=later).report.verdict is Verdict.PASSED
    )


async def test_one_stamp_covers_the_receipts_of_a_run_and_each_gets_its_record(lab: Lab, pki: DevPki) -> None:
    """Real HTTP, a real process; a second run without anything new asks for nothing."""
    async with running_tsa(pki.folder) as tsa:
        stamper = duty(lab, pki, tsa.url)
        await accepted(lab, "one", "two", "three")
        await stamper.run_once()
        await stamper.run_once()
        assert await tsa.asked() == 1
        await accepted(lab, "four")
        await stamper.run_once()
        assert await tsa.asked() == 2
    for name in ("one", "two", "three", "four"):
        record = await record_of(lab, name)
        assert sorted(read_record(record).group) == sorted(group_of(name))
        assert proves(record, pki)


async def test_outage_and_restart_leave_nothing_unstamped(
    lab: Lab, pki: DevPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is what lies behind the last row; a large backlog takes several stamps."""
    monkeypatch.setattr(receipt_stamper, "MOST", 2)
    async with running_tsa(pki.folder) as tsa:
        await tsa.order("down")
        names = [f"m{number}" for number in range(5)]
        await accepted(lab, *names)
        stamper = duty(lab, pki, tsa.url)
        await stamper.run_once()
        assert stamper._metrics.receipts_unstamped._value.get() == 1
        assert await record_of(lab, "m0") == b""
        await tsa.calm()
        stamper = duty(lab, pki, tsa.url)
        await stamper.run_once()
        assert stamper._metrics.receipts_unstamped._value.get() == 0
    assert lab.eye.execute("SELECT COUNT(*) FROM receipt_stamp").fetchone() == (3,)
    assert all([proves(await record_of(lab, name), pki) for name in names])


async def accepted_sealed(lab: Lab, name: str, seal: bytes) -> None:
    item = message("a1", name=name)
    await lab.record(replace(item, receipt=replace(item.receipt, xades=seal)))


async def test_each_receipt_may_have_a_stamp_of_its_own(
    lab: Lab, pki: DevPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over its signature value, the metric says whether more wait; `none` asks nobody."""
    async with running_tsa(pki.folder) as tsa:
        seal = (Path(__file__).parents[1] / "vectors/seal/accepted-rsa/receipt.xml").read_bytes()
        await accepted_sealed(lab, "one", seal)
        await duty(lab, pki, tsa.url, "none").run_once()
        assert await tsa.asked() == 0
        await accepted_sealed(lab, "two", seal)
        monkeypatch.setattr(receipt_stamper, "EACH", 1)
        stamper = duty(lab, pki, tsa.url, "each")
        for asked, waiting in ((1, 1), (2, 0)):
            await stamper.run_once()
            assert (await tsa.asked(), stamper._metrics.receipts_unstamped._value.get()) == (asked, waiting)
    seq = await LogReads(lab.readers).accepted_seq("one")
    found = await ReceiptStamps(lab.readers).of(seq or 0)
    assert found is not None
    assert found.stamp.hashes == (signature_imprint(seal),)

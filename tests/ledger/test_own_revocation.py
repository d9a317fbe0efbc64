"""What CAs say about our own certificates, and about those that stamped for us, is at hand for bundles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest_asyncio

from gateway.config.revocation import RevocationSettings
from gateway.evidence.fetching import HttpAnswers
from gateway.examining import examiners
from gateway.ledger.receipt_stamps import KeepReceiptStampOperation, ReceiptStamp
from gateway.maintenance.answers import Answers
from gateway.maintenance.refresher import Own, Refresher
from gateway.observe import Metrics
from gateway.reach import Reach
from gateway.seal.revocation import REVOCATIONS, RevocationStore
from gateway.seal.timestamp import ask
from gateway.simulate.tsa.issuing import Stamper, make_reply
from tests.ca_process import Ca, running_ca
from tests.ledger.lab import Lab
from tests.ledger.test_refresher import LaterClock

URL = "https://tsa.example.vn/"


@dataclass(kw_only=True, slots=True)
class Standing:
    """A duty beside a CA that publishes."""

    refresher: Refresher
    clock: LaterClock
    ca: Ca
    lab: Lab
    store: RevocationStore

    def known(self, name: str) -> list[str]:
        """Kinds of what is kept about a certificate, as an export asks for it."""
        certificate = self.ca.pki[name].certificate
        return [each.kind for each in self.store.about([certificate], self.clock.now())]

    async def run(self) -> None:
        """What one run finds is fetched by the next."""
        await self.refresher.run_once()
        await self.refresher.run_once()

    async def stamped(self) -> None:
        """A stamp comes in, with certificates of strangers in it."""
        pki = self.ca.pki
        chain = tuple(pki[name].certificate for name in ("stamp-ca", "strange", "stranger"))
        stamper = Stamper(key=pki["stamp"].key, certificate=pki["stamp"].certificate, chain=chain)
        reply = make_reply(ask(sha256(b"note").digest()).request, stamper, now=self.clock.now(), serial=1)
        kept = ReceiptStamp(
            first_seq=1,
            last_seq=1,
            form="record",
            hashes=(bytes(32),),
            server=URL,
            at=self.clock.now(),
            token=reply,
        )
        await self.lab.pump.submit(KeepReceiptStampOperation(), kept)


@pytest_asyncio.fixture
async def standing(lab: Lab, tmp_path: Path) -> AsyncIterator[Standing]:
    async with running_ca(tmp_path / "ca") as ca:
        pool, clock, store = examiners(), LaterClock(), RevocationStore(tmp_path / REVOCATIONS)
        anchors = (ca.folder / "anchors",)
        for name in ("seal", "institution"):
            (tmp_path / f"{name}.pem").write_bytes(ca.pki[name].pem)
        answers = Answers(
            lab.readers,
            lab.pump,
            HttpAnswers(Reach(development=True), timeout=timedelta(seconds=5), max_size=100_000),
            pool,
            store,
            lists=pool,
            scratch=tmp_path / "staging",
            anchors=anchors,
            clock=clock,
        )
        refresher = Refresher(
            answers,
            lab.readers,
            lab.pump,
            settings=RevocationSettings(),
            own=Own(certificates=(tmp_path / "seal.pem", tmp_path / "institution.pem"), anchors=anchors),
            clock=clock,
            metrics=Metrics(),
        )
        yield Standing(refresher=refresher, clock=clock, ca=ca, lab=lab, store=store)
        await pool.close()


async def test_lists_of_our_own_certificates_are_fetched_by_themselves(standing: Standing) -> None:
    """The seal's from its CA's list, the institution's by OCSP: nobody loaded anything."""
    assert (standing.known("seal"), standing.known("institution")) == ([], [])
    await standing.run()
    assert standing.known("seal") == ["crl"]
    assert sorted(standing.known("institution")) == ["crl", "ocsp"]
    assert standing.refresher.condition.health == "fine"


async def test_list_of_an_authority_is_fetched_within_a_minute_of_its_first_stamp(standing: Standing) -> None:
    """Its own, and its CA's; what a stranger put into the stamp is asked about nowhere."""
    await standing.run()
    assert standing.known("stamp") == []
    await standing.stamped()
    await standing.run()
    assert standing.known("stamp") == []
    standing.clock.ahead += timedelta(minutes=1)
    await standing.run()
    assert standing.known("stamp") == ["crl"]
    assert standing.known("stamp-ca") == ["crl"]
    assert standing.known("strange") == []
    assert standing.refresher.condition.health == "fine"

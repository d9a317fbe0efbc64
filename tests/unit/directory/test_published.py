"""What becomes of certificates to encrypt to when they end, and when their CAs revoke them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.config.revocation import RevocationSettings
from gateway.directory.encryption import Publish, PublishOperation, to_encrypt_to
from gateway.enveloped.certificates import RecipientCertificate, read_certificate
from gateway.errors import RefusedError
from gateway.evidence.fetching import HttpAnswers
from gateway.examining import list_readers
from gateway.maintenance.answers import Answers
from gateway.maintenance.published import Published
from gateway.maintenance.refresher import Own, Refresher
from gateway.model import Agency
from gateway.observe import Metrics
from gateway.reach import Reach
from gateway.seal.revocation import RevocationStore
from tests.ca_process import Ca, running_ca
from tests.unit.directory.store import ACTOR, FakeClock, Store
from tests.unit.enveloped.holders import holder, made

CODE = "001.01.H33"
DAY = timedelta(days=1)


@dataclass(kw_only=True)
class Watched:
    """The duty, with its refresher and a CA that publishes lists and answers."""

    store: Store
    ca: Ca
    clock: FakeClock
    metrics: Metrics
    refresher: Refresher
    duty: Published
    agency: Agency

    async def publish(self, certificate: RecipientCertificate) -> None:
        ask = Publish(
            agency_id=self.agency.id, certificate=certificate, actor=ACTOR, now=self.clock.now(), why="letter"
        )
        await self.store.pump.submit(PublishOperation(), ask)

    async def health(self, *, after: timedelta = timedelta()) -> str:
        """After a look, what that wanted fetched, and another look."""
        self.clock.at += after
        await self.duty.run_once()
        await self.refresher.run_once()
        await self.duty.run_once()
        return self.duty.condition.health

    async def given(self) -> str:
        """Digest of the one that senders get, or why they get none."""
        try:
            found = await to_encrypt_to(self.store.readers, self.agency.id, CODE, self.clock.now())
        except RefusedError as error:
            return error.code
        return found.certificate.sha256

    def gauge(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"purpose": f"encryption.{CODE}"})


@pytest.fixture
async def watched(store: Store, tmp_path: Path) -> AsyncIterator[Watched]:
    report = await store.load(f"organ_id,qd20_code,name,kind\n{CODE},,Office,commune\n")
    assert report.applied, report.problems
    async with running_ca(tmp_path / "ca") as ca:
        issuer = ca.pki["ca"].certificate.public_bytes(Encoding.PEM)
        (ca.folder / "anchors" / "ca.pem").write_bytes(issuer)
        clock, metrics, pool = FakeClock(at=datetime.now(UTC)), Metrics(), list_readers()
        settings = RevocationSettings()
        answers = Answers(
            store.readers,
            store.pump,
            HttpAnswers(Reach(development=True), timeout=timedelta(seconds=20), max_size=100_000),
            pool,
            RevocationStore(tmp_path / "revocations"),
            lists=pool,
            scratch=tmp_path / "staging",
            anchors=[ca.folder / "anchors"],
            clock=clock,
        )
        own = Own(certificates=(), anchors=())
        refresher = Refresher(
            answers, store.readers, store.pump, settings=settings, own=own, clock=clock, metrics=metrics
        )
        duty = Published(
            answers,
            store.readers,
            store.pump,
            store.directory,
            want=refresher.want,
            settings=settings,
            clock=clock,
            metrics=metrics,
        )
        agency = await store.agency(CODE, clock.now())
        yield Watched(
            store=store,
            ca=ca,
            clock=clock,
            metrics=metrics,
            refresher=refresher,
            duty=duty,
            agency=agency,
        )
        await pool.close()


def _of_the_ca(ca: Ca, name: str) -> RecipientCertificate:
    return read_certificate(ca.pki[name].certificate.public_bytes(Encoding.DER))


#: Of the first one its CA publishes a list, about the other one it is to be asked.
both_ways = pytest.mark.parametrize("name", ["office", "office-asked"], ids=["list", "ocsp"])


async def test_ending_certificate_is_told_at_60_30_and_7_days_until_the_next_one_is_there(watched: Watched) -> None:
    """The last one of an agency counts; once it has ended without a successor, that is told until somebody acts."""
    first = made(holder("rsa").private, "first", days=400).certificate
    await watched.publish(first)
    levels = []
    for left in (61, 59, 29, 6, -1):
        watched.clock.at = first.not_after - left * DAY
        levels.append((await watched.health(), watched.gauge("gateway_certificate_warning")))
    assert levels == [("fine", 0), ("degraded", 1), ("degraded", 2), ("late", 3), ("late", 3)]
    assert CODE in watched.duty.condition.words
    await watched.publish(made(holder("p256").private, "second", days=900).certificate)
    assert (await watched.health(), watched.gauge("gateway_certificate_warning")) == ("fine", 0)
    assert (watched.gauge("gateway_certificate_days_left") or 0) > 400


@both_ways
async def test_certificate_that_its_ca_revoked_is_given_to_no_sender_any_more(watched: Watched, name: str) -> None:
    """An event as that of an operator says so, and it is told while the agency has no other."""
    await watched.publish(_of_the_ca(watched.ca, name))
    assert (await watched.health(), await watched.given()) == ("fine", _of_the_ca(watched.ca, name).sha256)
    watched.ca.publish(name, age=timedelta(minutes=30))
    assert await watched.health(after=timedelta(minutes=61)) == "late"
    assert await watched.given() == "encryption_certificate_ended"
    kind, leaf = (await watched.store.events())[-1]
    assert kind == "agency.encryption_ended"
    assert all(part in leaf for part in ('"revoked"', '"gateway"', _of_the_ca(watched.ca, name).sha256))
    assert await watched.health(after=61 * DAY) == "fine"


@both_ways
async def test_answer_that_another_key_signed_revokes_nothing(watched: Watched, name: str) -> None:
    """Whoever stands between us and the CA could else take its certificate from any office."""
    await watched.publish(_of_the_ca(watched.ca, name))
    watched.ca.publish(name, signer="stranger")
    await watched.health()
    assert await watched.given() == _of_the_ca(watched.ca, name).sha256


@both_ways
async def test_ca_that_says_nothing_is_told_after_the_grace_and_stops_nothing(watched: Watched, name: str) -> None:
    """An outage of a CA must not make offices send in the clear."""
    await watched.publish(_of_the_ca(watched.ca, name))
    await watched.ca.kill()
    assert await watched.health(after=timedelta(hours=3)) == "fine"
    assert await watched.health(after=timedelta(hours=2)) == "degraded"
    assert watched.metrics.registry.get_sample_value("gateway_encryption_certificates_unconfirmed") == 1
    assert await watched.given() == _of_the_ca(watched.ca, name).sha256
    await watched.ca.start()
    assert await watched.health(after=timedelta(hours=2)) == "fine"
    await watched.ca.kill()  # what it said last holds for a day, from when it was said
    assert await watched.health(after=timedelta(hours=20)) == "fine"
    assert await watched.health(after=timedelta(hours=2)) == "degraded"
    assert await watched.given() == _of_the_ca(watched.ca, name).sha256

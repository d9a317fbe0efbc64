"""What CAs publish is fetched within limits, looked into elsewhere, and kept only if the right CA said it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import SystemClock
from gateway.errors import PoolError, RevocationError
from gateway.evidence.fetching import HttpAnswers
from gateway.examining import examiners
from gateway.ledger.revocations import RevocationReads
from gateway.maintenance.answers import Answers
from gateway.reach import Reach, networks_of
from gateway.seal.revocation import RevocationStore, unarmoured
from gateway.signatures.lookups import is_usable, lookup_of
from gateway.storage.pump import Transaction
from tests.ca_process import DAY, Ca, running_ca
from tests.ledger.lab import Lab

LOCAL = Reach(development=True)


@pytest_asyncio.fixture
async def ca(tmp_path: Path) -> AsyncIterator[Ca]:
    async with running_ca(tmp_path / "ca") as running:
        yield running


def port(reach: Reach = LOCAL, *, max_size: int = 100_000) -> HttpAnswers:
    return HttpAnswers(reach, timeout=timedelta(seconds=5), max_size=max_size)


async def test_addresses_inside_are_not_dialled_unless_a_setting_says_so(ca: Ca) -> None:
    """The address comes from somebody's certificate: written as a number, or as a name that leads inside."""
    for url in (ca.url, ca.url.replace("127.0.0.1", "localhost"), ca.url.replace("127.0.0.1", "127.1")):
        with pytest.raises(RevocationError, match=r"this machine|not a canonical"):
            await port(Reach()).fetch(f"{url}/ca.crl", b"")
    with pytest.raises(RevocationError, match="never dialled"):
        await port(LOCAL).fetch("http://169.254.169.254/latest/meta-data/", b"")
    named = Reach(allowed=networks_of(["127.0.0.0/8"]), setting="revocation.allowed_networks")
    assert await port(named).fetch(f"{ca.url}/ca.crl", b"") == (ca.folder / "ca.crl").read_bytes()


async def test_redirects_errors_and_size_end_a_fetch(ca: Ca) -> None:
    """Nobody is sent elsewhere, and nothing is read on beyond the limit."""
    for name, told in (("redirect", "answers 302"), ("nothing", "answers 404")):
        with pytest.raises(RevocationError, match=told):
            await port().fetch(f"{ca.url}/{name}", b"")
    with pytest.raises(RevocationError, match="larger than"):
        await port(max_size=100).fetch(f"{ca.url}/ca.crl", b"")
    await ca.kill()
    with pytest.raises(RevocationError, match="no answer"):
        await port().fetch(f"{ca.url}/ca.crl", b"")


@pytest_asyncio.fixture
async def answers(lab: Lab, tmp_path: Path) -> AsyncIterator[Answers]:
    pool = examiners()
    yield Answers(
        lab.readers,
        lab.pump,
        port(),
        pool,
        RevocationStore(tmp_path / "revocations"),
        lists=pool,
        scratch=tmp_path / "staging",
        anchors=[tmp_path / "ca" / "anchors"],
        clock=SystemClock(),
    )
    await pool.close()


async def test_what_the_right_ca_said_is_kept_and_nothing_else(
    ca: Ca, answers: Answers, lab: Lab, tmp_path: Path
) -> None:
    """In the ledger and as a file; a forged, an ended, or a foreign one would only stand in the way."""
    issuer = ca.pki["ca"].certificate.public_bytes(Encoding.DER)
    url = f"{ca.url}/ca.crl"
    ca.publish(signer="stranger")
    with pytest.raises(RevocationError, match="did not sign"):
        await answers.fetch(url, b"", issuer)
    (ca.folder / "ca.crl").write_bytes(ca.crl("ca", until=-timedelta(minutes=1)))
    with pytest.raises(RevocationError, match="ended"):
        await answers.fetch(url, b"", issuer)
    (ca.folder / "ca.crl").write_bytes(b"<html>captive portal</html>")
    with pytest.raises(RevocationError, match="neither"):
        await answers.fetch(url, b"", issuer)
    with pytest.raises(RevocationError, match="did not sign"):  # by a CA that has no anchor itself
        await answers.fetch(f"{ca.url}/ocsp", b"asked", b"")
    assert await RevocationReads(lab.readers).kept() == []
    ca.publish()
    kept = [await answers.fetch(url, b"", issuer), await answers.fetch(f"{ca.url}/root.crl", b"", b"")]
    lookup = lookup_of(ca.pki["asked"].certificate, ca.pki["ca"].certificate)
    kept.append(await answers.fetch(lookup.ocsps[0], lookup.request, issuer))
    assert kept[2].subject in lookup.subjects
    assert kept[0].subject in lookup.subjects
    await answers.fetch(url, b"", issuer)  # once more: kept once
    assert {each.name for each in await RevocationReads(lab.readers).kept()} == {each.name for each in kept}
    store = RevocationStore(tmp_path / "revocations")
    assert store.names() == {each.name for each in kept}
    (tmp_path / "revocations" / kept[0].name).write_bytes(b"damaged")
    store.drop(kept[1].name)
    (tmp_path / "revocations" / kept[1].name.replace("crl-", "crl-0")).write_bytes(b"not ours")
    await answers.put_in_place()
    assert store.names() == {each.name for each in kept}
    assert all(store.holds(each.name) for each in kept)


async def test_replaced_answers_are_forgotten_unless_a_verdict_rests_on_them(
    ca: Ca, answers: Answers, lab: Lab
) -> None:
    """A list an hour would fill the disk."""
    issuer, url = ca.pki["ca"].certificate.public_bytes(Encoding.DER), f"{ca.url}/ca.crl"
    first = await answers.fetch(url, b"", issuer)
    await lab.pump.submit(MarkUsed(), first.sha256)
    for days in (2, 3):
        (ca.folder / "ca.crl").write_bytes(ca.crl("ca", until=days * DAY))
        last = await answers.fetch(url, b"", issuer)
    await answers.forget([], datetime.now(UTC) - DAY)
    assert len(await RevocationReads(lab.readers).kept()) == 3
    await answers.forget([], datetime.now(UTC) + DAY)
    kept = {each.sha256 for each in await RevocationReads(lab.readers).kept()}
    assert first.sha256 in kept
    assert last.sha256 in kept


async def test_process_that_dies_over_a_list_is_a_failed_fetch(
    ca: Ca, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the address is left alone for a while, like one that is down."""
    monkeypatch.setattr("gateway.maintenance.answers._SECONDS", 0.0)
    with pytest.raises(PoolError):
        await answers.fetch(f"{ca.url}/ca.crl", b"", b"")


def test_addresses_in_certificates_are_http_or_none(tmp_path: Path) -> None:
    """LDAP, files, and what carries credentials are left out."""
    assert is_usable("http://crl.example.vn/ca.crl")
    for url in (
        "ldap://x/y",
        "file:///etc/passwd",
        "http://user@host/",
        "http:///x",
        "http://h:port/",
        "http://a b/",
    ):
        assert not is_usable(url), url
    assert unarmoured(b"-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n") == b"0\x00"


class MarkUsed:
    """As a verdict does."""

    name = "mark_used"

    async def apply(self, tx: Transaction, payloads: Sequence[str]) -> Sequence[None]:
        await tx.execute_many("revocation_answer_mark_used", [(each,) for each in payloads])
        return [None] * len(payloads)

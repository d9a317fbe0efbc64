"""The challenge before the first document, new keys with an overlap, and 410, through the running server."""

from __future__ import annotations

import hashlib
import hmac
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.admin.channels import RekeyChannel, VerifyChannel
from gateway.admin.directory import ConfigureEndpoint
from gateway.commands.acting import ask
from gateway.errors import RefusedError
from gateway.foundation import open_foundation
from gateway.ledger.proofs import proof_of
from tests.journeys.installation import PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.receiver import Came, Receiver, Reply
from tests.journeys.test_journey import reaches

_SECRET = b"secret-of-pushed-0123456789abcdef"
_WHY = "kiểm thử"


class Office:
    """A receiver that answers challenges, with whatever secrets it has, while `proves` says so."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.proves = True
        self.secret = _SECRET
        self.gone = False
        receiver.answer = self._answer

    def _answer(self, came: Came) -> Reply:
        if came.headers["Gateway-Kind"] != "verification":
            return Reply(status=410) if self.gone else Reply()
        if not self.proves:
            return Reply()
        challenge = came.headers["Gateway-Dispatch-Id"]
        proof = hmac.new(self.secret, f"verification.{challenge}".encode(), hashlib.sha256).hexdigest()
        return Reply(json={"challenge": challenge, "proof": f"v1={proof}"})

    def kinds(self) -> list[str]:
        """What came, in its order."""
        return [came.headers["Gateway-Kind"] for came in self.receiver.came]


@pytest.fixture
async def site(tmp_path: Path, pki_folder: Path, receiver: Receiver) -> AsyncIterator[Installation]:
    """An installation that asks every receiver."""
    folder = tmp_path / "site"
    folder.mkdir()
    more = '[webhook]\nverify = "always"\n'
    made = await prepare(folder, pki_folder, push_url=receiver.url("/pushed"), more=more)
    async with made.running():
        yield made


async def _proof(site: Installation) -> tuple[str, bool]:
    assert site.app is not None
    base = site.app.foundation
    endpoint = next(each for each in await base.directory.endpoints() if each.name == "pushed")
    row = await base.readers.fetch_one("proof_find", (endpoint.id,))
    assert row is not None
    proof = proof_of(row)
    return proof.reason, proof.proved_at is not None


async def test_no_document_leaves_before_the_challenge_is_answered(site: Installation, receiver: Receiver) -> None:
    """Until then it waits, with the reason; afterwards it goes, and the receiver is not asked again."""
    office = Office(receiver)
    office.proves = False
    async with site.client(PROVINCE) as province:
        first = await province.submit(document(PROVINCE, [PUSHED]))
        line = await reaches(province, first.id, PUSHED, "deferred")
        assert line.reason == "channel_unverified"
        assert set(office.kinds()) == {"verification"}
        assert await _proof(site) == ("channel_unverified", False)
        office.proves = True
        await reaches(province, first.id, PUSHED, "delivered")
        assert office.kinds()[-1] == "document"
        assert await _proof(site) == ("", True)
        seen = len(office.kinds())
        second = await province.submit(document(PROVINCE, [PUSHED], number="2"))
        await reaches(province, second.id, PUSHED, "delivered")
        assert office.kinds()[seen:] == ["document"]


async def test_another_address_is_asked_again(site: Installation, receiver: Receiver) -> None:
    """What one URL proved proves nothing for another."""
    office = Office(receiver)
    async with site.client(PROVINCE) as province:
        first = await province.submit(document(PROVINCE, [PUSHED]))
        await reaches(province, first.id, PUSHED, "delivered")
        change = ConfigureEndpoint(name="pushed", settings={"url": receiver.url("/other")}, reason=_WHY)
        await ask(site.settings, "endpoint", change)
        second = await province.submit(document(PROVINCE, [PUSHED], number="2"))
        await reaches(province, second.id, PUSHED, "delivered")
    assert [(came.path, came.headers["Gateway-Kind"]) for came in receiver.came] == [
        ("/pushed", "verification"),
        ("/pushed", "document"),
        ("/other", "verification"),
        ("/other", "document"),
    ]
    assert office.proves


async def test_a_restart_remembers_the_proof(site: Installation, receiver: Receiver) -> None:
    """It is in the database, not in the process."""
    office = Office(receiver)
    reply = await ask(site.settings, "verify", VerifyChannel(name="pushed", reason=_WHY))
    assert reply["verified"]
    async with site.client(PROVINCE) as province:
        sent = await province.submit(document(PROVINCE, [PUSHED]))
        await reaches(province, sent.id, PUSHED, "delivered")
    assert office.kinds() == ["verification", "document"]


async def test_an_operator_hears_why_a_channel_is_not_verified(site: Installation, receiver: Receiver) -> None:
    """The command asks at once and says what came."""
    office = Office(receiver)
    office.secret = b"some other secret, long enough"
    reply = await ask(site.settings, "verify", VerifyChannel(name="pushed", reason=_WHY))
    assert not reply["verified"]
    assert "not made with the channel's secret" in reply["detail"]
    with pytest.raises(RefusedError):
        await ask(site.settings, "verify", VerifyChannel(name="commune", reason=_WHY))


async def test_410_keeps_the_document_and_asks_again(site: Installation, receiver: Receiver) -> None:
    """The address is in doubt, not the document."""
    office = Office(receiver)
    office.gone = True
    async with site.client(PROVINCE) as province:
        sent = await province.submit(document(PROVINCE, [PUSHED]))
        line = await reaches(province, sent.id, PUSHED, "deferred")
        assert line.reason == "endpoint_gone"
        office.gone = False
        await reaches(province, sent.id, PUSHED, "delivered")
    assert office.kinds()[:3] == ["verification", "document", "verification"]


async def test_a_new_secret_signs_beside_the_old_one(site: Installation, receiver: Receiver) -> None:
    """Both until the overlap ends; the new one lies in a file of its own that only we may read."""
    Office(receiver)
    reply = await ask(site.settings, "rekey", RekeyChannel(name="pushed", overlap_seconds=3600, reason=_WHY))
    path = site.settings.storage.secrets / reply["secret_file"]
    assert path.read_text().strip() == reply["secret"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with site.client(PROVINCE) as province:
        sent = await province.submit(document(PROVINCE, [PUSHED]))
        await reaches(province, sent.id, PUSHED, "delivered")
    came = receiver.came[-1]
    digest = hashlib.sha256(came.body).hexdigest()
    stamp, dispatch, whom = (came.headers[f"Gateway-{name}"] for name in ("Timestamp", "Dispatch-Id", "Deliveries"))
    text = f"{stamp}.{dispatch}.{whom}.{digest}".encode()
    assert came.signatures == tuple(
        f"v1={hmac.new(secret, text, hashlib.sha256).hexdigest()}" for secret in (_SECRET, reply["secret"].encode())
    )
    with pytest.raises(RefusedError, match="overlap"):
        await ask(site.settings, "rekey", RekeyChannel(name="pushed", reason=_WHY))


async def test_after_the_overlap_the_new_secret_must_be_proved(site: Installation, receiver: Receiver) -> None:
    """A receiver that forgot to change over is told apart from one that is down."""
    office = Office(receiver)
    reply = await ask(site.settings, "rekey", RekeyChannel(name="pushed", overlap_seconds=0, reason=_WHY))
    async with site.client(PROVINCE) as province:
        sent = await province.submit(document(PROVINCE, [PUSHED]))
        line = await reaches(province, sent.id, PUSHED, "deferred")
        assert line.reason == "channel_unverified"
        office.secret = str(reply["secret"]).encode()
        await reaches(province, sent.id, PUSHED, "delivered")
    again = await ask(site.settings, "rekey", RekeyChannel(name="pushed", overlap_seconds=0, reason=_WHY))
    assert again["old_secret_file"] == reply["secret_file"]


async def test_a_channel_in_use_is_taken_over_as_it_is(
    tmp_path: Path, pki_folder: Path, receiver: Receiver
) -> None:
    """Receivers built before there were challenges go on working after an upgrade, until address or key change."""
    folder = tmp_path / "site"
    folder.mkdir()
    more = '[webhook]\nverify = "always"\n'
    made = await prepare(folder, pki_folder, push_url=receiver.url("/pushed"), more=more)
    async with open_foundation(made.settings, purpose="test") as base:
        endpoint = next(each for each in await base.directory.endpoints() if each.name == "pushed")
        await base.pump.submit(_Adopt(), endpoint.id)
    async with made.running(), made.client(PROVINCE) as province:
        sent = await province.submit(document(PROVINCE, [PUSHED]))
        await reaches(province, sent.id, PUSHED, "delivered")
        assert await _proof(made) == ("", True)
    assert [came.headers["Gateway-Kind"] for came in receiver.came] == ["document"]


class _Adopt:
    """The row that the migration leaves for a channel in use."""

    name = "adopt"

    async def apply(self, tx, payloads):  # type: ignore[no-untyped-def]
        for endpoint_id in payloads:
            await tx.execute_many("proof_upsert", [(endpoint_id, "", "in_use", 1, 1, None, None)])
        return [None] * len(payloads)

"""The institution's signature over checkpoints: made, kept, tried again, and confirmed by `openssl cms`."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.clock import SystemClock
from gateway.config.settings import InstitutionSettings
from gateway.errors import SealError
from gateway.evidence.institution_key import InstitutionKey
from gateway.ledger.institution import CheckpointSignatures
from gateway.ledger.tree import LogReads
from gateway.maintenance.institution_signer import InstitutionSigner
from gateway.observe import Metrics
from gateway.pki import DevPki
from gateway.seal.institution import draft, verify
from gateway.seal.report import Verdict
from gateway.seal.trust import Anchor, TrustPurpose, TrustStore
from tests.ledger.lab import Lab
from tests.pki.build import build
from tests.system_tools import require_tool
from tests.token_lab import make_token
from tests.transparency.test_sequencer import checkpointer, lab, note, pki
from tests.unit.seal.sealing import AT, SIGNED_AT, signer

__all__ = ["lab", "pki"]
NOTE = (
    b"000.00.00.H33/log\n5\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n\xe2\x80\x94 000.00.00.H33/log AAAA\n"
)


def anchors(member: str = "seal-root") -> TrustStore:
    found = (Anchor(certificate=build()[member].certificate, name=member),)
    return TrustStore(purpose=TrustPurpose.INSTITUTION, anchors=found)


def signed(member: str, about: bytes = NOTE, at: datetime = SIGNED_AT) -> bytes:
    key = signer(member)
    made = draft(key, about, at)
    return made.signed(key.sign(made.attributes))


def faults(raw: bytes, about: bytes = NOTE, *, at: datetime = AT, root: str = "seal-root") -> dict[str, Verdict]:
    found = verify(raw, about, anchors=anchors(root), at=at)
    return {each.name: each.verdict for each in found.report.faults}


@pytest.mark.parametrize("member", ["seal-rsa", "seal-p256"])
def test_openssl_confirms_what_we_made_and_so_do_we(member: str, tmp_path: Path) -> None:
    """As CAdES: with the attribute that names the certificate; over other bytes neither does."""
    openssl = require_tool("openssl", "openssl")
    assert faults(signed(member)) == {}
    (tmp_path / "note").write_bytes(NOTE)
    (tmp_path / "p7s").write_bytes(signed(member))
    (tmp_path / "root").write_bytes(build()["seal-root"].certificate.public_bytes(Encoding.PEM))
    command = [
        openssl, "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", "p7s", "-content", "note",
        "-CAfile", "root", "-purpose", "any", "-attime", str(int(AT.timestamp())), "-out", "out",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "CAdES Verification successful" in done.stderr
    (tmp_path / "note").write_bytes(NOTE + b"x")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    ("raw", "about", "due"),
    [
        (signed("seal-rsa"), NOTE + b"x", {"digest": Verdict.FAILED}),
        (b"", NOTE, {"format": Verdict.FAILED}),
        (bytes(70_000), NOTE, {"format": Verdict.FAILED}),
        (signed("seal-rsa")[:-1], NOTE, {"format": Verdict.FAILED}),
        (signed("seal-rsa") + b"\0", NOTE, {"format": Verdict.FAILED}),
        (signed("seal-wrong-usage"), NOTE, {"certificate.usage": Verdict.FAILED}),
    ],
    ids=["other-note", "empty", "large", "cut", "longer", "usage"],
)
def test_what_is_wrong_is_named(raw: bytes, about: bytes, due: dict[str, Verdict]) -> None:
    """Proved wrong is FAILED."""
    assert faults(raw, about) == due


def test_certificate_that_says_nothing_now_is_undecided() -> None:
    """Another CA, or long expired: not proved wrong."""
    assert set(faults(signed("seal-rsa"), root="tsa-root").values()) == {Verdict.INDETERMINATE}
    assert set(faults(signed("seal-rsa"), at=AT + timedelta(days=3653)).values()) == {Verdict.INDETERMINATE}


def test_certificate_that_was_not_valid_at_its_own_time_is_wrong() -> None:
    """Whatever the time of verification."""
    assert faults(signed("seal-rsa", at=SIGNED_AT - timedelta(days=2000)))["signing_time"] is Verdict.FAILED


def test_no_changed_byte_passes_and_none_is_a_traceback() -> None:
    """Bits turned, bytes left out, anywhere."""
    draw = random.Random(7)
    for member in ("seal-rsa", "seal-p256"):
        raw = signed(member)
        for number in range(60):
            changed = bytearray(raw)
            at = draw.randrange(len(raw))
            changed[at] ^= 1 << draw.randrange(8)
            found = faults(bytes(changed[:at] if number % 3 == 0 else changed))
            assert found, f"byte {at} of {member}"


def test_value_of_another_key_makes_no_signature() -> None:
    """A key process that is not what it should be."""
    with pytest.raises(SealError, match="does not fit"):
        draft(signer("seal-rsa"), NOTE, SIGNED_AT).signed(signer("seal-twin").sign(b"something else"))


def settings_of(pki: DevPki) -> InstitutionSettings:
    return InstitutionSettings(certificate=pki.institution.certificate, key=pki.institution.key)


class Site:
    """The duty over a log."""

    def __init__(self, lab: Lab, settings: InstitutionSettings) -> None:
        self.key, self.metrics = InstitutionKey(settings), Metrics()
        self.signatures, self.log = CheckpointSignatures(lab.readers), LogReads(lab.readers)
        self.duty = InstitutionSigner(
            lab.readers, lab.pump, self.log, self.key, settings=settings, clock=SystemClock(), metrics=self.metrics
        )

    async def size(self) -> int:
        """Leaves of what was signed last."""
        latest = await self.signatures.latest()
        return 0 if latest is None else latest.size

    def is_late(self) -> bool:
        return b"gateway_institution_late 1.0" in self.metrics.render()


@pytest.fixture
async def site(lab: Lab, pki: DevPki) -> AsyncIterator[Site]:
    made = Site(lab, settings_of(pki))
    yield made
    await made.key.close()


async def test_newest_checkpoint_is_signed_once(lab: Lab, pki: DevPki, site: Site, tmp_path: Path) -> None:
    """Not those between; what was kept verifies against the institution's own anchors."""
    await site.duty.run_once()
    assert "nothing yet" in site.duty.condition.words
    async with checkpointer(lab, pki, tmp_path / "mark") as log:
        for _ in range(2):
            await note(lab, 3)
            await log.run_once()
        await site.duty.run_once()
        await site.duty.run_once()
    latest, newest = await site.signatures.latest(), await site.log.latest()
    assert latest is not None
    assert newest is not None
    assert (latest.size, latest.note) == (newest.size, newest.signed)
    assert lab.eye.execute("SELECT COUNT(*) FROM checkpoint_signature").fetchone() == (1,)
    store = TrustStore.load(pki.anchors(TrustPurpose.INSTITUTION), TrustPurpose.INSTITUTION)
    found = verify(latest.cms, newest.signed, anchors=store, at=datetime.now(UTC))
    assert found.report.faults == ()
    assert found.certificate is not None
    assert sha256(found.certificate.public_bytes(Encoding.DER)).hexdigest() == latest.certificate


async def test_key_that_does_not_sign_holds_nothing_up_and_is_tried_again(
    lab: Lab, pki: DevPki, tmp_path: Path
) -> None:
    """The log goes on; beyond the grace it is late; back again, the newest checkpoint is signed."""
    files = [tmp_path / "i.pem", tmp_path / "i.key"]
    for path, own in zip(files, (pki.institution.certificate, pki.institution.key), strict=True):
        shutil.copy(own, path)
    settings = InstitutionSettings(certificate=files[0], key=files[1], grace=timedelta())
    site = Site(lab, settings)
    files[1].chmod(0o644)
    async with checkpointer(lab, pki, tmp_path / "mark") as log:
        for number in range(2):
            await note(lab, 1)
            await log.run_once()
            assert log.refusal is None
            await site.duty.run_once()
            assert "chmod 600" in site.duty.condition.words
            assert site.is_late() == (number > 0)
        files[1].chmod(0o600)
        await site.duty.run_once()
    newest = await site.log.latest()
    assert newest is not None
    assert await site.size() == newest.size
    assert site.duty.condition.words == f"signed {newest.size} leaves"
    assert not site.is_late()
    await site.key.close()


async def test_renewed_certificate_is_taken_without_a_restart(
    lab: Lab, pki: DevPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From files to a token, which the institution's key mostly lies on."""
    token = make_token(tmp_path / "token", monkeypatch)
    token.put(pki.institution.key, "institution", 1)
    certificate = tmp_path / "i.pem"
    shutil.copy(pki.seal.certificate, certificate)
    settings = InstitutionSettings(certificate=certificate, key=pki.seal.key)
    on_token = replace(settings, token=token.place(), secret=token.secret)
    site, later = Site(lab, settings), Site(lab, on_token)
    async with checkpointer(lab, pki, tmp_path / "mark") as log:
        for each in (site, later):
            await note(lab, 1)
            await log.run_once()
            await each.duty.run_once()
            assert each.duty.condition.words.startswith("signed")
            shutil.copy(pki.institution.certificate, certificate)
        await note(lab, 1)
        await log.run_once()
        with token.pulled_out():
            await later.duty.run_once()
            assert "the token gateway fails" in later.duty.condition.words
    rows = lab.eye.execute("SELECT DISTINCT certificate FROM checkpoint_signature").fetchall()
    assert len(rows) == 2
    await site.key.close()
    await later.key.close()


async def test_institution_that_gave_its_key_up_is_not_late(lab: Lab, pki: DevPki, tmp_path: Path) -> None:
    """Whatever was before: else the alert would stay until a restart."""
    certificate = tmp_path / "i.pem"
    shutil.copy(pki.institution.certificate, certificate)
    site = Site(lab, InstitutionSettings(certificate=certificate, key=tmp_path / "none", grace=timedelta()))
    async with checkpointer(lab, pki, tmp_path / "mark") as log:
        await note(lab, 1)
        await log.run_once()
        for _ in range(2):
            await site.duty.run_once()
    assert site.is_late()
    certificate.unlink()
    await site.duty.run_once()
    assert (site.duty.condition.words, site.is_late()) == ("not set up", False)
    await site.key.close()


async def test_no_certificate_is_no_institution(lab: Lab, tmp_path: Path) -> None:
    """A gateway without one says so and does nothing."""
    site = Site(lab, InstitutionSettings(certificate=tmp_path / "none.pem", key=tmp_path / "none.key"))
    await site.duty.run_once()
    assert site.duty.condition.words == "not set up"

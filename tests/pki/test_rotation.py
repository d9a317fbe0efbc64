"""Certificates exchanged with an overlap: staged, switched, and the warnings before the old one ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.endings import Ending, endings, warnings, without_replaced
from gateway.errors import KeyFileError
from gateway.rotating import forget_old_key, stage, switch
from gateway.seal.profile import fingerprint
from gateway.seal.signer import NEXT, OLD, KeyPlace, variant
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.signing_process import SIGNED, KeyHolder
from tests.journeys.installation import make_pki, prepare
from tests.pki.build import build
from tests.pki.test_signers import as_pkcs12
from tests.pki.test_signing import written
from tests.token_lab import make_token
from tests.unit.seal.vector_cases import ANCHORS, FOLDER

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def anchors() -> TrustStore:
    return TrustStore.load(FOLDER / ANCHORS, TrustPurpose.SEAL)


def signs(holder: KeyHolder, member: str) -> bool:
    asked = fingerprint(build()[member].certificate) + b"data"
    return holder.answer(memoryview(asked))[:1] == SIGNED


def in_new_folder(folder: Path, member: str, name: str = "new") -> tuple[Path, Path]:
    (folder / name).mkdir()
    return written(folder / name, member)


@pytest.fixture
def place(tmp_path: Path) -> KeyPlace:
    """In force: RSA."""
    key, certificate = written(tmp_path, "seal-rsa")
    return KeyPlace(key=key, certificate=certificate)


def test_successor_is_staged_and_switched_while_both_sign(place: KeyPlace, tmp_path: Path) -> None:
    """A process that knew neither file before signs for both, at every step."""
    key, certificate = in_new_folder(tmp_path, "seal-p256")
    long_running = KeyHolder(place)
    assert signs(long_running, "seal-rsa")
    assert not signs(long_running, "seal-p256")
    done = stage(place, certificate, key, anchors=anchors(), now=NOW)
    assert done.before == fingerprint(build()["seal-rsa"].certificate).hex()
    for holder in (long_running, KeyHolder(place)):
        assert signs(holder, "seal-rsa")
        assert signs(holder, "seal-p256")
    assert switch(place, now=NOW).certificate == done.certificate
    for holder in (long_running, KeyHolder(place)):
        assert signs(holder, "seal-rsa")
        assert signs(holder, "seal-p256")
    assert place.certificate.read_bytes() == certificate.read_bytes()
    assert place.key.stat().st_mode & 0o777 == 0o600
    assert forget_old_key(place)
    assert not forget_old_key(place)
    assert not signs(KeyHolder(place), "seal-rsa")
    assert variant(place.certificate, OLD).exists()
    with pytest.raises(KeyFileError, match="nothing is staged"):
        switch(place, now=NOW)


@pytest.mark.parametrize("renames", [0, 1])
def test_crash_in_the_middle_of_a_switch_leaves_keys_that_sign(
    place: KeyPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    """Before the certificate's rename, and between it and the key's; the next switch ends it."""
    key, certificate = in_new_folder(tmp_path, "seal-p256")
    stage(place, certificate, key, anchors=anchors(), now=NOW)
    real = Path.replace
    left = [renames]

    def failing(source: Path, target: Path) -> Path:
        if source.name.startswith("seal.next") and not left[0]:
            raise KeyboardInterrupt
        left[0] -= source.name.startswith("seal.next")
        return real(source, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(KeyboardInterrupt):
        switch(place, now=NOW)
    monkeypatch.undo()
    assert signs(KeyHolder(place), "seal-rsa")
    assert signs(KeyHolder(place), "seal-p256")
    if not renames:
        switch(place, now=NOW)
    third, its_certificate = in_new_folder(tmp_path, "seal-twin", "third")
    stage(place, its_certificate, third, anchors=anchors(), now=NOW)
    assert signs(KeyHolder(place), "seal-p256"), "staging does not write over the key in force"
    assert signs(KeyHolder(place), "seal-twin")


def test_crash_in_the_middle_of_staging_changes_nothing(place: KeyPlace, tmp_path: Path) -> None:
    """The key lies there, its certificate not yet: it is staged again."""
    key, certificate = in_new_folder(tmp_path, "seal-p256")
    shutil.copy(key, variant(place.key, NEXT))
    with pytest.raises(KeyFileError, match="nothing is staged"):
        switch(place, now=NOW)
    stage(place, certificate, key, anchors=anchors(), now=NOW)
    assert signs(KeyHolder(place), "seal-rsa")
    assert signs(KeyHolder(place), "seal-p256")


@pytest.mark.parametrize(
    ("member", "spoil", "words"),
    [
        ("seal-rsa", lambda key: None, "in force already"),
        ("seal-wrong-usage", lambda key: None, "may not sign"),
        ("seal-expired", lambda key: None, "ended on"),
        ("seal-server-purpose", lambda key: None, "may not sign"),
        ("seal-p256", lambda key: key.chmod(0o644), "chmod 600"),
        ("seal-p256", lambda key: key.unlink(), "No such file"),
        ("seal-p256", lambda key: key.rename(key.with_name("seal.p12")), "No such file"),
    ],
)
def test_unfit_successor_is_not_staged(
    place: KeyPlace, tmp_path: Path, member: str, spoil: Callable[[Path], object], words: str
) -> None:
    """One sentence, and no file was written."""
    key, certificate = in_new_folder(tmp_path, member)
    spoil(key)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyFileError, match=words):
        stage(place, certificate, key, anchors=anchors(), now=NOW)
    assert sorted(tmp_path.iterdir()) == before


def test_successor_of_another_ca_or_kind_is_not_staged(place: KeyPlace, tmp_path: Path) -> None:
    """Auditors must have its CA before receipts carry it; the two kinds of key files do not mix."""
    key, certificate = in_new_folder(tmp_path, "seal-p256")
    foreign = TrustStore.load(build().write_anchors(tmp_path / "foreign", "tls-root"), TrustPurpose.SEAL)
    with pytest.raises(KeyFileError, match="auditors would not accept"):
        stage(place, certificate, key, anchors=foreign, now=NOW)
    packed = as_pkcs12(KeyPlace(key=key, certificate=certificate), tmp_path)
    with pytest.raises(KeyFileError, match="both PEM, or both"):
        stage(place, certificate, packed.key, anchors=anchors(), now=NOW)
    with pytest.raises(KeyFileError, match="--key FILE"):
        stage(place, certificate, None, anchors=anchors(), now=NOW)


def test_certificate_that_begins_later_is_staged_and_waits(place: KeyPlace, tmp_path: Path) -> None:
    """Renewals come early."""
    key, certificate = in_new_folder(tmp_path, "seal-not-yet-valid")
    stage(place, certificate, key, anchors=anchors(), now=NOW)
    with pytest.raises(KeyFileError, match="not now"):
        switch(place, now=NOW)
    assert variant(place.certificate, NEXT).exists()
    switch(place, now=datetime(2027, 7, 1, tzinfo=UTC))
    assert signs(KeyHolder(place), "seal-not-yet-valid")


def test_on_a_token_only_the_certificate_is_exchanged(
    place: KeyPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next key lies on the same token, under whatever label."""
    lab = make_token(tmp_path / "token", monkeypatch)
    key, certificate = in_new_folder(tmp_path, "seal-p256")
    lab.put(place.key, "seal-2026", 1)
    on_token = replace(place, token=lab.place(), secret=lab.secret)
    with pytest.raises(KeyFileError, match="without --key"):
        stage(on_token, certificate, key, anchors=anchors(), now=NOW)
    with pytest.raises(KeyFileError, match="holds no key"):
        stage(on_token, certificate, None, anchors=anchors(), now=NOW)
    lab.put(key, "seal-2027", 2)
    stage(on_token, certificate, None, anchors=anchors(), now=NOW)
    holder = KeyHolder(on_token)
    assert signs(holder, "seal-rsa")
    assert signs(holder, "seal-p256")
    switch(on_token, now=NOW)
    assert signs(holder, "seal-rsa")
    assert signs(KeyHolder(on_token), "seal-p256")


@pytest.mark.parametrize(
    ("life", "left", "level"),
    [
        (398, 61, 0), (398, 59, 1), (398, 31, 1), (398, 29, 2), (398, 8, 2), (398, 6, 3), (398, -1, 3),
        (3650, 61, 0), (3650, 59, 1),
        (90, 16, 0), (90, 14, 1), (90, 7, 2), (90, 1, 3),
        (6, 2, 0), (6, 0.9, 1),
    ],
)  # fmt: skip
def test_warnings_come_at_60_30_and_7_days(life: float, left: float, level: int) -> None:
    """Of what lives a year or longer; what lives for weeks is warned of in proportion."""
    ends = NOW + timedelta(days=left)
    ending = Ending(purpose="seal", file=Path("x"), begins=ends - timedelta(days=life), ends=ends)
    assert ending.level(NOW) == level
    assert list(warnings([ending], NOW)) == ([ending] if level else [])


async def test_every_certificate_in_use_is_listed(tmp_path: Path) -> None:
    """TLS, seal, institution, enrolment and the CAs; an ended CA is silent while another one is there."""
    pki = make_pki(tmp_path / "pki")
    (tmp_path / "site").mkdir()
    own = f'[institution]\ncertificate = "{pki.institution.certificate}"'
    made = await prepare(tmp_path / "site", pki.folder, more=own)
    now = datetime.now(UTC)
    settings = made.settings
    found = {each.purpose: each for each in endings(settings)}
    assert {"tls", "seal", "enrolment", "institution"} <= set(found)
    assert {"anchors.tls.root", "anchors.tls.enrolment-ca", "anchors.seal.root"} <= set(found)
    assert list(warnings(found.values(), now)) == []
    note = settings.seal.anchors / "root.toml"
    note.write_text("trusted_until = 2020-01-01\n")
    (ended,) = warnings(without_replaced(endings(settings), now), now)
    assert ended.purpose == "anchors.seal.root"
    shutil.copy(settings.seal.anchors / "root.pem", settings.seal.anchors / "new.pem")
    assert list(warnings(without_replaced(endings(settings), now), now)) == []
    foreign = tmp_path / "foreign"
    shutil.copytree(settings.seal.anchors, foreign)
    (foreign / "new.pem").unlink()
    settings = replace(settings, checks=replace(settings.checks, stamps=foreign))
    (ended,) = warnings(without_replaced(endings(settings), now), now)
    assert ended.purpose == "anchors.checks.tsa.root"
    shutil.copy(foreign / "root.pem", foreign / "new.pem")
    settings.tls.certificate.write_bytes(b"nothing")
    (unreadable,) = warnings(without_replaced(endings(settings), now), now)
    assert (unreadable.purpose, unreadable.level(now)) == ("tls", 3)
    assert "cannot be read" in unreadable.told(now)

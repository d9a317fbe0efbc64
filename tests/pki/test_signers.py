"""One suite for all three kinds of signing keys: PEM file, PKCS#12 file, PKCS#11 token."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from gateway.config.values import TokenPlace
from gateway.errors import KeyFileError, TokenError
from gateway.seal.pkcs11 import Token
from gateway.seal.profile import value_fits
from gateway.seal.signer import NEXT, KeyPlace, load_for, load_signer, variant
from tests.pki.build import build
from tests.pki.test_signing import written
from tests.token_lab import PIN, WRONG, TokenLab, make_token

KINDS = ("pem", "pkcs12", "token")
MEMBERS = ("seal-rsa", "seal-p256")


@dataclass(kw_only=True)
class Site:
    """A key of one kind, and what may be wrong with it."""

    kind: str
    place: KeyPlace
    lab: TokenLab | None


def make_site(kind: str, folder: Path, member: str, monkeypatch: pytest.MonkeyPatch, *, key_of: str = "") -> Site:
    """The key of a member with that member's certificate, or with the key of another one."""
    key, certificate = written(folder, member, key_of=key_of or member)
    place = KeyPlace(key=key, certificate=certificate)
    if kind == "pem":
        return Site(kind=kind, place=place, lab=None)
    if kind == "pkcs12":
        return Site(kind=kind, place=as_pkcs12(place, folder), lab=None)
    lab = make_token(folder / "token", monkeypatch)
    lab.put(key, "seal", 1)
    key.unlink()
    place = KeyPlace(key=Path("/nowhere"), certificate=certificate, token=lab.place(), secret=lab.secret)
    return Site(kind=kind, place=place, lab=lab)


def as_pkcs12(place: KeyPlace, folder: Path, password: bytes = b"a long password") -> KeyPlace:
    """The same key as openssl would pack it."""
    private = serialization.load_pem_private_key(place.key.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(password)
    raw = pkcs12.serialize_key_and_certificates(b"seal", private, None, None, encryption)  # type: ignore[arg-type]
    packed, secret = folder / "seal.p12", folder / "password"
    packed.write_bytes(raw)
    secret.write_bytes(password + b"\n")
    for path in (packed, secret):
        path.chmod(0o600)
    return replace(place, key=packed, secret=secret)


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("kind", KINDS)
def test_key_signs_for_its_certificate(
    kind: str, member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes, and what of which only the digest is given; what is no digest is refused."""
    signer = load_signer(make_site(kind, tmp_path, member, monkeypatch).place)
    certificate = build()[member].certificate
    assert signer.certificate == certificate
    data = b"what is signed" * 1000
    for value in (signer.sign(data), signer.sign_digest(hashlib.sha256(data).digest())):
        assert value_fits(certificate.public_key(), value, data)
        assert not value_fits(certificate.public_key(), value, data + b"x")
    with pytest.raises(ValueError, match=r"."):
        signer.sign_digest(b"short")


@pytest.mark.parametrize("kind", KINDS)
def test_key_of_another_certificate_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt that contradicts itself is worse than none."""
    site = make_site(kind, tmp_path, "seal-rsa", monkeypatch, key_of="seal-expired")
    with pytest.raises(KeyFileError, match=r"not the key|signs for the certificate"):
        load_signer(site.place)


@pytest.mark.parametrize("kind", ["pkcs12", "token"])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda secret: secret.write_bytes(f"{WRONG}\n".encode()), "correct|refuses the PIN"),
        (lambda secret: secret.chmod(0o640), "chmod 600"),
        (lambda secret: secret.unlink(), "cannot read"),
        (lambda secret: secret.write_bytes(b""), "must hold one line"),
        (lambda secret: secret.write_bytes(b"one\ntwo\n"), "must hold one line"),
    ],
    ids=["wrong", "mode", "missing", "empty", "two-lines"],
)
def test_secret_that_does_not_open_the_key_is_a_sentence_with_a_next_step(
    kind: str, spoil: Callable[[Path], object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never quotes the secret."""
    place = make_site(kind, tmp_path, "seal-rsa", monkeypatch).place
    assert place.secret is not None
    spoil(place.secret)
    with pytest.raises(KeyFileError, match=words) as caught:
        load_signer(place)
    assert PIN not in str(caught.value)
    assert WRONG not in str(caught.value)
    with pytest.raises(KeyFileError, match=r"setting secret"):
        load_signer(replace(place, secret=None), unmarked(place))


def unmarked(place: KeyPlace) -> Token | None:
    """A connection that does not heed what the token remembers."""
    return None if place.token is None else Token(place.token, None, again=True)


@pytest.mark.parametrize("kind", ["pem", "pkcs12"])
def test_key_file_that_others_may_read_is_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that mends it; a missing one and a folder, too."""
    place = make_site(kind, tmp_path, "seal-rsa", monkeypatch).place
    place.key.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_signer(place)
    place.key.unlink()
    with pytest.raises(KeyFileError, match="No such file"):
        load_signer(place)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A token with the key."""
    return make_site("token", tmp_path, "seal-p256", monkeypatch)


def token_of(site: Site, *, again: bool = False) -> Token:
    assert site.place.token is not None
    return Token(site.place.token, site.place.secret, again=again)


def test_wrong_pin_is_given_once_whoever_asks_however_often(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this connection nor a new one tries again; the right PIN is not tried either until a person does."""
    assert site.lab is not None
    monkeypatch.setattr("gateway.seal.pkcs11._PAUSE_SECONDS", 0)
    tries: list[str] = []
    taken = Token._pin

    def counted(token: Token) -> str:
        tries.append(taken(token))
        return tries[-1]

    monkeypatch.setattr(Token, "_pin", counted)
    site.lab.write_pin(WRONG)
    token = token_of(site)
    for each in (token, token, token_of(site)):
        with pytest.raises(TokenError, match="gateway keys try --pin-again") as caught:
            load_signer(site.place, each)
        assert caught.value.code == "pin_refused"
    assert tries == [WRONG]
    site.lab.write_pin()
    with pytest.raises(TokenError, match="none is tried until a person does"):
        load_signer(site.place)
    assert load_signer(site.place, token_of(site, again=True)).sign(b"data")
    assert load_signer(site.place).sign(b"data"), "the right PIN takes the mark away"


def test_token_without_marks_is_spared_by_memory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tokens do not tell that a wrong PIN was given: the same file is not tried again, a corrected one is."""
    import pkcs11

    assert site.lab is not None
    monkeypatch.setattr("gateway.seal.pkcs11._PAUSE_SECONDS", 0)
    opened: list[object] = []

    class Forgetful:
        """A token of SoftHSM that keeps its marks to itself."""

        def __init__(self, token: pkcs11.Token) -> None:
            self._token, self.label, self.flags = token, token.label, pkcs11.TokenFlag(0)

        def open(self, user_pin: str, *, rw: bool) -> pkcs11.Session:
            opened.append(user_pin)
            return self._token.open(user_pin=user_pin, rw=rw)

    found = Token._found
    monkeypatch.setattr(Token, "_found", lambda token, library: Forgetful(found(token, library)))
    site.lab.write_pin(WRONG)
    token = token_of(site)
    for _ in range(3):
        with pytest.raises(TokenError, match="refuse"):
            load_signer(site.place, token)
    assert opened == [WRONG]
    os.utime(site.lab.write_pin(), ns=(1, 1))
    assert load_signer(site.place, token).sign(b"data")
    assert opened == [WRONG, PIN]


def test_token_that_is_pulled_out_fails_and_signs_when_it_is_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a restart; meanwhile there is no signature."""
    assert site.lab is not None
    monkeypatch.setattr("gateway.seal.pkcs11._PAUSE_SECONDS", 0)
    signer = load_signer(site.place)
    with site.lab.pulled_out():
        for _ in range(2):
            with pytest.raises(TokenError) as caught:
                signer.sign(b"data")
            assert caught.value.code in {"token_missing", "token_failed"}
    assert value_fits(signer.certificate.public_key(), signer.sign(b"data"), b"data")


def test_failing_token_is_left_alone_for_a_moment(site: Site) -> None:
    """A flood of documents does not become a flood of attempts to reach it."""
    assert site.lab is not None
    signer = load_signer(site.place)
    with site.lab.pulled_out(), pytest.raises(TokenError):
        signer.sign(b"data")
    with pytest.raises(TokenError):
        signer.sign(b"data")


def test_answer_of_a_token_is_verified_before_it_is_given_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a token in trouble says must not become a receipt."""
    signer = load_signer(site.place)
    monkeypatch.setattr("gateway.seal.pkcs11.value_fits", lambda *_words, **_more: False)
    with pytest.raises(TokenError, match="no key that signs for the certificate"):
        signer.sign(b"data")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"token": "another"}, "token_missing"),
        ({"serial": "123"}, "token_missing"),
        ({"key": "another"}, "token_key_missing"),
        ({"module": Path("/usr/lib/none.so")}, "module_unusable"),
        ({"module": Path("/etc/hostname")}, "module_unusable"),
    ],
    ids=["label", "serial", "key", "no-driver", "no-library"],
)
def test_token_or_key_that_is_not_there_is_a_code_and_a_next_step(
    site: Site, change: dict[str, object], code: str
) -> None:
    """Nothing of it is a traceback."""
    assert site.place.token is not None
    place = replace(site.place, token=replace(site.place.token, **change))  # type: ignore[arg-type]
    with pytest.raises(TokenError, match=r"correct|install") as caught:
        load_signer(place)
    assert caught.value.code == code


def test_missing_library_is_told_with_its_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not installed everywhere."""
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(TokenError, match=r"gateway\[pkcs11\]") as caught:
        load_signer(site.place)
    assert caught.value.code == "module_unusable"


def test_key_is_found_by_its_certificate_among_others(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several keys, of one label even; a label narrows it."""
    assert site.lab is not None
    assert site.place.token is not None
    for number, member in enumerate(("seal-rsa", "seal-expired"), 2):
        key, _ = written(tmp_path, member)
        site.lab.put(key, "seal", number)
    _, certificate = written(tmp_path, "seal-rsa")
    for place in (site.place.token, replace(site.place.token, key="seal")):
        signer = load_signer(replace(site.place, token=place, certificate=certificate))
        assert value_fits(signer.certificate.public_key(), signer.sign(b"data"), b"data")


def test_next_key_signs_for_the_next_certificate(tmp_path: Path) -> None:
    """Whichever of the files beside each other fit together; what is wrong with the one in force is told."""
    key, certificate = written(tmp_path, "seal-rsa")
    place = KeyPlace(key=key, certificate=certificate)
    coming = variant(certificate, NEXT)
    other = tmp_path / "other"
    other.mkdir()
    next_key, next_certificate = written(other, "seal-p256")
    next_certificate.rename(coming)
    with pytest.raises(KeyFileError, match="not the key"):
        load_for(place, coming)
    next_key.rename(variant(key, NEXT))
    for path, member in ((certificate, "seal-rsa"), (coming, "seal-p256")):
        assert load_for(place, path).certificate == build()[member].certificate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "seal.key",
        "pkcs11:token=a",
        "pkcs11:object=a?module-path=/m",
        "pkcs11:token=a?module-path=relative.so",
        "pkcs11:token=a?module-path=/m&pin-value=1234",
        "pkcs11:token=a;type=private?module-path=/m",
    ],
)
def test_uri_of_another_shape_is_refused(text: str) -> None:
    """A PIN in the URI, too: many read a configuration."""
    with pytest.raises(ValueError, match=r"write it as|is not taken here") as caught:
        TokenPlace.parse(text)
    assert "1234" not in str(caught.value)


def test_uri_is_read_as_it_is_written() -> None:
    """Labels hold anything."""
    place = TokenPlace(module=Path("/usr/lib/x.so"), token="Trục văn bản; a=b?", serial="0a", key="seal 2026")
    assert TokenPlace.parse(str(place)) == place


def test_server_without_a_token_never_loads_the_library(tmp_path: Path) -> None:
    """The extra costs nobody who does not use it."""
    key, certificate = written(tmp_path, "seal-rsa")
    code = (
        "import sys; from pathlib import Path; import gateway.signing_process as p; "
        "from gateway.seal.signer import KeyPlace; "
        f"holder = p.KeyHolder(KeyPlace(key=Path({str(key)!r}), certificate=Path({str(certificate)!r}))); "
        "assert holder.answer(memoryview(holder.trial()))[:1] == p.SIGNED; sys.exit('pkcs11' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0

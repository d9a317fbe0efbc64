"""Heads of envelopes from strangers: bounded in bytes, recipients and depth; and what a changed byte does."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.enveloped import algorithms as named
from gateway.enveloped import ber
from gateway.enveloped.certificates import read_certificate
from gateway.enveloped.entity import described, head_of
from gateway.enveloped.opening import open_envelope
from gateway.enveloped.reading import MOST_HEAD, MOST_RECIPIENTS, is_envelope, read_head
from gateway.enveloped.writing import envelop
from gateway.errors import EnvelopedError
from tests.unit.enveloped.holders import Holder, holder, made, usage
from tests.unit.enveloped.test_openssl import PLAIN, enveloped, opened


def head(infos: bytes, *, kind: bytes = named.AUTHENTICATED, tag: int = ber.SET) -> bytes:
    """An envelope whose contents are sixteen zeros."""
    method = ber.der(0x30, named.OF_CIPHER[named.GCM], ber.der(0x30, ber.der(4, bytes(12)), ber.integer(16)))
    contents = ber.der(0x30, named.DATA, method, ber.der(0x80, bytes(16)))
    inner = ber.der(0x30, ber.integer(0), ber.der(tag, infos), contents, ber.der(4, bytes(16)))
    return ber.der(0x30, kind, ber.der(0xA0, inner))


def info(serial: int = 1, issuer: bytes = b"\x30\x00") -> bytes:
    """A recipient whose key is no key."""
    name = ber.der(0x30, issuer, ber.integer(serial))
    return ber.der(0x30, ber.integer(0), name, ber.der(0x30, named.RSA_V15), ber.der(4, b"key"))


def test_recipients_of_every_kind_are_told() -> None:
    """By what names their certificates; passwords and the like have none."""
    by_id = ber.der(
        0x30, ber.integer(2), ber.der(0x80, b"\xab" * 20), ber.der(0x30, named.RSA_V15), ber.der(4, b"k")
    )
    password = ber.der(0xA3, ber.integer(0))
    found = read_head(io.BytesIO(head(info(77) + by_id + password)))
    assert [each.kind for each in found.recipients] == ["rsa", "rsa", "password"]
    assert [key.partition("@")[0] for key in found.keys] == ["4d", "id:" + "ab" * 20]
    assert (found.authenticated, found.cipher) == (True, "aes256-gcm")


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "recipients without end": (lambda: head(info() * (MOST_RECIPIENTS + 1)), "more than 500"),
    "recipients within one agreement": (
        lambda: head(
            ber.der(
                0xA1,
                ber.integer(3),
                ber.der(0xA0, b"\x30\x00"),
                ber.der(0x30, named.AGREEMENT_SHA256),
                ber.der(
                    0x30,
                    ber.der(0x30, ber.der(0x30, b"\x30\x00", ber.integer(1)), ber.der(4, b"k"))
                    * (MOST_RECIPIENTS + 1),
                ),
            )
        ),
        "more than 500",
    ),
    "a head of megabytes": (lambda: head(info(issuer=ber.der(0x30, bytes(MOST_HEAD)))), "are the most"),
    "recipients without a length": (
        lambda: head(info()).replace(ber.der(ber.SET, info())[:2], b"\x31\x80"),
        "without a length",
    ),
    "no recipients": (lambda: head(b""), "no recipients"),
    "recipients of no kind": (lambda: head(b"\x0c\x00"), "no kind"),
    "recipients missing": (lambda: head(info(), tag=ber.SEQUENCE), "recipients are missing"),
    "frames within frames": (lambda: head(b"\x30\x80" * 100_000), "without a length"),
    "a part longer than its frame": (lambda: head(b"\x30\x7f\x00"), "longer than"),
    "a length of nine bytes": (lambda: b"\x30\x89" + b"\xff" * 9, "eight bytes"),
    "a length beyond all disks": (
        lambda: head(info()).replace(ber.der(ber.SET, info())[:2], b"\x31\x88" + b"\x7f" * 8),
        "are the most",
    ),
    "a tag of several bytes": (lambda: b"\x3f\x81\x01\x00", "several bytes"),
    "signed, not encrypted": (
        lambda: head(info(), kind=ber.oid("1.2.840.113549.1.7.2")),
        "no envelope",
    ),
    "cut off": (lambda: head(info())[:30], "cut off|longer than"),
    "a serial number of kilobytes": (lambda: head(info(serial=1 << 4000)), "issuer and serial"),
    "not ASN.1": (lambda: b"%PDF-1.7 and so on, long enough for a head", "ContentInfo is missing"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_heads_end_in_one_sentence(name: str) -> None:
    """Within the bounds, and as the one error that is promised."""
    make, words = HOSTILE[name]
    with pytest.raises(EnvelopedError, match=words):
        read_head(io.BytesIO(make()))


@settings(deadline=None)
@given(st.data())
def test_changed_and_cut_heads_raise_nothing_else(data: st.DataObject) -> None:
    """A byte here and there, and an end anywhere."""
    whole = bytearray(_SMALL)
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    is_envelope(cut)
    for kind in ("rsa", "p256"):
        out = io.BytesIO()
        with suppress(EnvelopedError):
            open_envelope(io.BytesIO(cut), out, holder(kind).private)
            assert out.getvalue() == b"short", "names and numbers before the contents are nobody's proof"


_SMALL = enveloped("rsa", "p256", plain=b"short")


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_a_changed_byte_of_the_contents_is_noticed(kind: str) -> None:
    """Of AuthEnvelopedData, anywhere; with the right key."""
    data = bytearray(enveloped(kind))
    data[-1000] ^= 1
    with pytest.raises(EnvelopedError, match="changed on its way"):
        opened(bytes(data), kind)
    with pytest.raises(EnvelopedError, match=r"cut off|changed on its way"):
        opened(enveloped(kind)[:-1000], kind)


def test_another_key_opens_nothing() -> None:
    """And is not told why."""
    for kind, other in (("rsa", "rsa2"), ("p256", "p384"), ("rsa", "p256")):
        one = holder(other)
        with pytest.raises(EnvelopedError, match="not encrypted for this key"):
            open_envelope(io.BytesIO(enveloped(kind)), io.BytesIO(), one.private)


def test_a_file_that_shrinks_while_it_is_read_gives_no_envelope() -> None:
    """Its length stands before it."""
    with pytest.raises(EnvelopedError, match="became shorter"):
        envelop(io.BytesIO(PLAIN), len(PLAIN) + 1, io.BytesIO(), [holder("rsa").certificate])
    with pytest.raises(EnvelopedError, match="certificates are needed"):
        envelop(io.BytesIO(PLAIN), len(PLAIN), io.BytesIO(), [])


UNFIT: dict[str, tuple[Callable[[], Holder], str]] = {
    "signs only": (
        lambda: made(rsa.generate_private_key(65537, 2048), usage=usage("digital_signature")),
        "keyUsage",
    ),
    "curve that may not agree": (
        lambda: made(ec.generate_private_key(ec.SECP256R1()), usage=usage("digital_signature")),
        "keyUsage",
    ),
    "short": (lambda: made(rsa.generate_private_key(65537, 1024)), "none to encrypt to"),
    "other curve": (lambda: made(ec.generate_private_key(ec.SECP256K1())), "none to encrypt to"),
    "edwards": (lambda: made(ed25519.Ed25519PrivateKey.generate()), "none to encrypt to"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", UNFIT)
def test_certificates_that_nobody_encrypts_to_are_refused(name: str) -> None:
    """By their key or what they say it is for."""
    make, words = UNFIT[name]
    with pytest.raises(EnvelopedError, match=words):
        read_certificate(make().pem)


def test_a_certificate_without_usage_or_identifier_will_do() -> None:
    """It is then named by its serial number alone."""
    one = made(ec.generate_private_key(ec.SECP384R1()), identified=False, begins=timedelta(days=-9)).certificate
    assert one.algorithm == "P-384"
    assert [key.partition("@")[0] for key in one.keys] == [one.serial]
    for data in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x30\x00"):
        with pytest.raises(EnvelopedError, match="no certificate"):
            read_certificate(data)


def test_a_letter_is_no_head() -> None:
    """Only the four lines are."""
    letter = b"MIME-Version: 1.0\r\nFrom: a@b\r\nContent-Type: text/plain\r\n\r\nhello"
    assert described(letter).begins_at == 0
    told = described(head_of("..\\x/y\r\nz.pdf", "text/html; charset=x\r\nX: y"))
    assert (told.name, told.content_type) == ("..\\x/y\r\nz.pdf", "text/html")

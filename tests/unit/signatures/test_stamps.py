"""A stamp on a foreign signature is held to everything that one on our own is held to."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.seal.stamp_token import token_of
from gateway.seal.timestamp import ask
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.signatures.model import Gathered
from gateway.signatures.path import Brought, Trust
from gateway.signatures.stamps import Stamp, read_stamp
from gateway.simulate.tsa.issuing import Flaw, Stamper, make_reply
from tests.unit.signatures.cms_made import AT, SIGNED_AT, pki, stamp_token
from tests.unit.signatures.vector_cases import write_anchors

ABOUT = b"a signature's value"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    folder = tmp_path_factory.mktemp("anchors")
    write_anchors(folder)
    return Trust(signers=None, stamps=TrustStore.load(Path(folder) / "stamps", TrustPurpose.TSA), at=AT)


def _read(token: bytes, trust: Trust) -> Stamp:
    return read_stamp(
        token,
        lambda name: hashlib.new(name, ABOUT).digest(),
        trust=trust,
        gathered=Gathered(),
        brought=Brought(),
    )


def _token(flaw: Flaw) -> bytes:
    member, other = pki()["stamper"], pki()["person"]
    stamper = Stamper(key=member.key, certificate=member.certificate, chain=(*member.sent, other.certificate))
    asked = ask(hashlib.sha256(ABOUT).digest())
    return token_of(make_reply(asked.request, stamper, now=SIGNED_AT, serial=1, flaw=flaw))


def test_good_stamp_proves_its_time(trust: Trust) -> None:
    """Whoever made it."""
    assert _read(_token(Flaw.NONE), trust).proven_at == SIGNED_AT
    assert _read(stamp_token(ABOUT, "stamper", SIGNED_AT), trust).proven_at == SIGNED_AT


@pytest.mark.parametrize(
    ("flaw", "told"),
    [
        (Flaw.WRONG_IMPRINT, "another digest"),
        (Flaw.WRONG_CERTIFICATE_ID, "another certificate"),
        (Flaw.NO_CERTIFICATE_ID, "names the signer's certificate"),
        (Flaw.NO_CERTIFICATES, "does not hold the certificate"),
        (Flaw.BROKEN_SIGNATURE, "does not fit"),
        (Flaw.OTHER_CONTENT, "another content"),
        (Flaw.SHA1, "not allowed"),
    ],
)
def test_stamp_with_a_flaw_proves_nothing(flaw: Flaw, told: str, trust: Trust) -> None:
    """And the note says which."""
    stamp = _read(_token(flaw), trust)
    assert stamp.proven_at is None
    assert told in stamp.note


@pytest.mark.parametrize("token", [b"", b"\x30\x00", b"\x30\x80\0\0", b"x" * 1000])
def test_what_is_no_stamp_is_a_note(token: bytes, trust: Trust) -> None:
    """Never an exception: it came with a foreign signature."""
    assert "cannot be read" in _read(token, trust).note


def test_stamp_of_a_later_time_than_now_proves_nothing(trust: Trust) -> None:
    """A clock that is ahead, or a lie."""
    assert _read(stamp_token(ABOUT, "stamper", AT + timedelta(hours=1)), trust).proven_at is None

"""Our little ASN.1 says what asn1crypto says, takes what signers' programs write, and only ValueError comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms, core, tsp
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from gateway.seal import der
from gateway.seal.report import Verdict
from gateway.seal.stamp_token import read_reply, read_token, reply_with, token_of
from gateway.seal.timestamp import ask, verify_stamp
from gateway.seal.trust import TrustPurpose, TrustStore
from tests.unit.seal.stamp_cases import ANCHORS, FOLDER, IMPRINT

REPLIES = sorted(FOLDER.glob("accepted-*/reply.tsr"))


@given(st.integers(-(1 << 200), 1 << 200))
def test_number_is_what_another_program_wrote(number: int) -> None:
    """Of either sign; what is not negative is written alike."""
    raw = core.Integer(number).dump()
    assert der.integer(der.read(raw)) == number
    if number >= 0:
        assert der.written_integer(number) == raw


@given(st.lists(st.integers(0, 1 << 60), max_size=5), st.integers(0, 2), st.integers(0, 39))
def test_object_identifier_is_what_another_program_wrote(arcs: list[int], first: int, second: int) -> None:
    """Also with arcs of many bytes."""
    dotted = ".".join(map(str, (first, second, *arcs)))
    raw = core.ObjectIdentifier(dotted).dump()
    assert der.written_oid(dotted) == raw
    assert der.oid(der.read(raw)) == dotted


@pytest.mark.parametrize("dotted", ["", "1", "3.1", "1.40", "1.-2", "a.b", "1..2"])
def test_what_is_no_object_identifier_is_not_written(dotted: str) -> None:
    """A setting of an operator's may say anything."""
    with pytest.raises(ValueError, match=r"object identifier|invalid literal"):
        der.written_oid(dotted)


@given(st.binary(max_size=400), st.integers(1, 200))
def test_octets_come_out_whole_or_in_pieces(content: bytes, size: int) -> None:
    """BER lets a writer cut them."""
    assert der.octets(der.read(core.OctetString(content).dump())) == content
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    cut = b"\x24\x80" + b"".join(der.written(der.OCTETS, each) for each in pieces) + b"\0\0"
    assert der.octets(der.read(cut)) == content


@given(st.sets(st.integers(0, 40)))
def test_bits_are_what_another_program_wrote(numbers: set[int]) -> None:
    """As in the reasons of a server that refuses."""
    raw = core.BitString(tuple(int(each in numbers) for each in range(41))).dump()
    assert der.bits(der.read(raw)) == numbers


def test_time_is_read_to_the_microsecond() -> None:
    """Fractions as RFC 3161 writes them, and nothing else."""
    begun = datetime(2026, 11, 29, 8, 0, 1, tzinfo=UTC)
    for text, micros in (
        ("20261129080001Z", 0),
        ("20261129080001.5Z", 500_000),
        ("20261129080001.1234567Z", 123_456),
    ):
        assert der.instant(der.read(der.written(der.TIME, text.encode()))) == begun.replace(microsecond=micros)
    for text in ("20261129080001", "202611290800Z", "20261129080001+0700", "20261329080001Z", "20261129080001.Z"):
        with pytest.raises(ValueError, match=r"time|month"):
            der.instant(der.read(der.written(der.TIME, text.encode())))


@given(st.binary(max_size=300))
def test_noise_raises_nothing_but_value_error(raw: bytes) -> None:
    """Whatever is asked of it."""
    asked: tuple[Callable[[der.Value], object], ...] = (
        der.integer, der.octets, der.oid, der.bits, der.instant, der.inside, der.Value.parts,
    )  # fmt: skip
    for each in asked:
        with suppress(ValueError):
            each(der.read(raw))
        for tag in (der.INTEGER, der.OCTETS, der.OID, der.BITS, der.TIME, der.FIRST, der.SEQUENCE):
            with suppress(ValueError):
                each(der.Value(tag, raw, raw))


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x30", b"\x30\x05\x02", b"\x30\x85\0\0\0\0\1\0", b"\x1f\x81\x01\0", b"\x04\x80\0\0",
     b"\x30\x80\x02\x01\x01", b"\x30\x80" * 5000, b"\x30\x80" * 30 + b"\0\0" * 30, b"\x02\x01\x01\x02\x01\x01"],
)  # fmt: skip
def test_what_is_cut_off_or_too_deep_is_refused(raw: bytes) -> None:
    """Lengths that lie, ends that never come, levels without number, two values for one."""
    with pytest.raises(ValueError, match=r"cut off|length|levels|tag|follow"):
        der.read(raw)


def _marked(tag: int, *contents: bytes) -> bytes:
    """A value whose end is marked, as programs write it that do not know lengths beforehand."""
    return bytes((tag, 0x80)) + b"".join(contents) + b"\0\0"


def _in_ber(token: bytes) -> bytes:
    """The same token; what is signed in it stays as it is."""
    kind, held = der.read(token).parts()
    version, digests, encapsulated, *rest = der.inside(held).parts()
    content_type, content = encapsulated.parts()
    info = der.octets(der.inside(content))
    pieces = _marked(0x24, der.written(der.OCTETS, info[:50]), der.written(der.OCTETS, info[50:]))
    frame = _marked(der.SEQUENCE, content_type.raw, _marked(der.FIRST, pieces))
    signed = _marked(der.SEQUENCE, version.raw, digests.raw, frame, *(each.raw for each in rest))
    return _marked(der.SEQUENCE, kind.raw, _marked(der.FIRST, signed))


@pytest.mark.parametrize("path", REPLIES, ids=lambda path: path.parent.name)
def test_stamp_in_ber_is_read_like_the_same_in_der(path: Path) -> None:
    """Many servers write the frame of their tokens so."""
    token = token_of(path.read_bytes())
    marked = _in_ber(token)
    assert cms.ContentInfo.load(marked, strict=True)["content"]["version"].native == "v3"
    assert read_token(marked) == read_token(token)
    at = datetime.fromisoformat(json.loads((path.parent / "expected.json").read_bytes())["at"])
    anchors = TrustStore.load(FOLDER / ANCHORS, TrustPurpose.TSA)
    stamp = verify_stamp(reply_with(marked), IMPRINT, anchors=anchors, at=at)
    assert stamp.report.verdict is Verdict.PASSED, stamp.report.faults


def test_certificate_may_be_named_by_its_key() -> None:
    """CMS lets a signer choose; which certificate signed, the signed attributes say all the same."""
    token = token_of((FOLDER / "accepted-p256" / "reply.tsr").read_bytes())
    certificate = read_token(token).signature.certificate
    assert certificate is not None
    key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    kind, held = der.read(token).parts()
    *frame, signers = der.inside(held).parts()
    version, _, *rest = signers.parts(der.SET)[0].parts()
    for told, expected in ((key_id, certificate), (bytes(20), None)):
        parts = (version.raw, der.written(0x80, told), *(each.raw for each in rest))
        signer = der.written(der.SET, der.written(der.SEQUENCE, *parts))
        signed = der.written(der.SEQUENCE, *(each.raw for each in frame), signer)
        changed = der.written(der.SEQUENCE, kind.raw, der.written(der.FIRST, signed))
        assert read_token(changed).signature.certificate == expected


@pytest.mark.parametrize("path", REPLIES, ids=lambda path: path.parent.name)
def test_stamp_says_what_another_reader_reads(path: Path) -> None:
    """asn1crypto, over the same bytes."""
    raw = path.read_bytes()
    ours, theirs = read_reply(raw).token, tsp.TimeStampResp.load(raw, strict=True)["time_stamp_token"]["content"]
    info, signer = theirs["encap_content_info"]["content"].parsed, theirs["signer_infos"][0]
    assert ours is not None
    assert (ours.content, ours.policy, ours.serial) == (
        info.dump(),
        info["policy"].dotted,
        info["serial_number"].native,
    )
    assert (ours.gen_time, ours.nonce) == (info["gen_time"].native, info["nonce"].native)
    assert ours.imprint == info["message_imprint"]["hashed_message"].native
    assert ours.accuracy.total_seconds() == (info["accuracy"].native or {}).get("seconds", 0)
    assert ours.signature.signed_attributes == signer["signed_attrs"].untag().dump()
    assert (ours.signature.value, ours.signature.digest_algorithm) == (
        signer["signature"].native,
        signer["digest_algorithm"]["algorithm"].native,
    )


def test_request_is_read_by_another_program() -> None:
    """With a policy and without one."""
    for policy in ("", "1.3.6.1.4.1.32473.1.1"):
        asked = ask(IMPRINT, policy=policy)
        theirs = tsp.TimeStampReq.load(asked.request, strict=True)
        assert theirs.dump(force=True) == asked.request
        assert (theirs["nonce"].native, theirs["cert_req"].native) == (asked.nonce, True)
        assert theirs["req_policy"].native == (policy or None)
        assert theirs["message_imprint"]["hashed_message"].native == IMPRINT

"""HTTP Message Signatures of the webhook: the RFC's vectors, another implementation, and rotation over real TLS."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms

from adapters.webhook_keys import sign
from adapters.webhook_signature import Key, key_of
from gateway.errors import ConfigError
from gateway.message_signatures import ECDSA_P256, ED25519, HMAC, headers_of, parameters_of, signature_base
from gateway.model import Outcome, OutcomeKind
from tests.adapters.receiver import Request, receiving, says
from tests.adapters.webhook_lab import NOW, SECRET, Lab, lab, only_outcome
from tests.unit.deliver.fakes import FakeBody, outgoing

__all__ = ["lab"]

#: RFC 9421 B.1.5 and B.1.4.
_SHARED = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
_ED25519 = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
_DATE = ("date", "Tue, 20 Apr 2021 02:07:55 GMT")
_AUTHORITY = ("@authority", "example.com")
_TYPE = ("content-type", "application/json")


def test_hmac_of_the_rfc() -> None:
    """RFC 9421 B.2.5."""
    key = Key(id="test-shared-secret", algorithm=HMAC, secret=base64.b64decode(_SHARED))
    covered = [_DATE, _AUTHORITY, _TYPE]
    parameters = parameters_of([name for name, _ in covered], {"created": 1618884473}, {"keyid": key.id})
    assert headers_of({"sig-b25": (parameters, key.sign(signature_base(covered, parameters)))}) == {
        "Signature-Input": 'sig-b25=("date" "@authority" "content-type");created=1618884473;'
        'keyid="test-shared-secret"',
        "Signature": "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
    }


def test_ed25519_of_the_rfc() -> None:
    """RFC 9421 B.2.6."""
    key = key_of("test-key-ed25519", ED25519, _ED25519)
    method, path, length = ("@method", "POST"), ("@path", "/foo"), ("content-length", "18")
    covered = [_DATE, method, path, _AUTHORITY, _TYPE, length]
    parameters = parameters_of([name for name, _ in covered], {"created": 1618884473}, {"keyid": key.id})
    assert (
        base64.b64encode(key.sign(signature_base(covered, parameters))).decode()
        == "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )


@pytest.mark.parametrize("value", ["two\nlines", " padded ", "công văn"])
def test_a_value_that_a_header_cannot_hold_is_not_signed(value: str) -> None:
    """A line of the base may never be mistaken for another component."""
    with pytest.raises(ValueError, match="one trimmed line"):
        signature_base([("gateway-sender", value)], "()")


def test_strings_are_escaped_or_refused() -> None:
    """RFC 8941 3.3.3."""
    assert parameters_of([], {}, {"keyid": 'a"b\\c'}) == '();keyid="a\\"b\\\\c"'
    with pytest.raises(ValueError, match="printable ASCII"):
        parameters_of([], {}, {"keyid": "khóa"})


def _pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_key_of_another_kind_is_refused() -> None:
    """P-384 is no P-256, and an Ed25519 key does not sign ECDSA."""
    for algorithm, key in (
        (ECDSA_P256, ec.generate_private_key(ec.SECP384R1())),
        (ECDSA_P256, ed25519.Ed25519PrivateKey.generate()),
        (ED25519, ec.generate_private_key(ec.SECP256R1())),
    ):
        with pytest.raises(ConfigError, match="is not one for"):
            key_of("peer", algorithm, _pem(key))


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def resolve_public_key(self, key_id: str) -> Any:
        content = (self._folder / "secrets" / key_id).read_bytes().strip()
        if not content.startswith(b"-----"):
            return content
        return load_pem_private_key(content, None).public_key()

    def resolve_private_key(self, key_id: str) -> Any:
        raise NotImplementedError


class _Verifier(HTTPMessageVerifier):
    """At the instant of the tests."""

    def validate_created_and_expires(self, *_args: Any, **_kwargs: Any) -> None:
        """The lab's clock stands still."""


class _Message:
    """A request as the other implementation wants it."""

    def __init__(self, request: Request, url: str) -> None:
        self.method, self.url = request.line.split(" ")[0], url
        self.headers = request.headers
        self.body = request.body


_ALGORITHMS = {
    HMAC: algorithms.HMAC_SHA256,
    ED25519: algorithms.ED25519,
    ECDSA_P256: algorithms.ECDSA_P256_SHA256,
}


@pytest.mark.parametrize("algorithm", [HMAC, ED25519, ECDSA_P256])
async def test_another_implementation_verifies_what_is_sent(lab: Lab, algorithm: str) -> None:
    """Method, URL, digest, type and every header of ours are covered; a receiver needs nothing of ours to check."""
    if algorithm == ED25519:
        lab.write_secret(_pem(ed25519.Ed25519PrivateKey.generate()))
    if algorithm == ECDSA_P256:
        lab.write_secret(_pem(ec.generate_private_key(ec.SECP256R1())))
    async with receiving(says("204 No Content"), lab.context()) as receiver:
        to = lab.endpoint(receiver.port, signature="rfc9421", algorithm=algorithm)
        report = await lab.adapter.send(to, outgoing("e1", "r1", "r2"), FakeBody(b"<edXML/>"))
        await lab.adapter.close()
    assert only_kind(report.outcomes.values()) is OutcomeKind.DELIVERED
    (request,) = receiver.requests
    assert "gateway-signature" not in request.headers
    covered = re.findall(r'"([^"]*)"', request.headers["signature-input"].split(")")[0])
    ours = [name for name in request.headers if name.startswith("gateway-")]
    assert set(covered) == {"@method", "@target-uri", "content-digest", "content-type", "idempotency-key", *ours}
    verifier = _Verifier(signature_algorithm=_ALGORITHMS[algorithm], key_resolver=_Keys(lab.folder))
    results = verifier.verify(
        _Message(request, str(to.settings["url"])), max_age=timedelta(days=3650), expect_tag="gateway-webhook"
    )
    assert results[0].parameters["alg"] == algorithm
    assert int(results[0].parameters["created"]) == int(NOW.timestamp())


def only_kind(outcomes: Iterable[Outcome]) -> OutcomeKind:
    (kind,) = {one.kind for one in outcomes}
    return kind


# --- rotation

_NEXT = b"the secret that comes after it"


def _write_next(lab: Lab) -> None:
    path = lab.folder / "secrets" / "peer.2"
    path.write_bytes(_NEXT)
    path.chmod(0o600)


async def _lines(lab: Lab, **settings: object) -> tuple[list[str], Request]:
    """The values of `Gateway-Signature` in their order, and the request."""
    _write_next(lab)
    seen: list[str] = []

    async def act(request: Request, reader: Any, writer: Any) -> bool:
        return await says("204 No Content")(request, reader, writer)

    async with receiving(act, lab.context()) as receiver:
        await lab.adapter.send(lab.endpoint(receiver.port, **settings), outgoing(), FakeBody())
        await lab.adapter.close()
    (request,) = receiver.requests
    seen = [value for name, value in request.fields if name == "gateway-signature"]
    return seen, request


def _expected(secret: bytes, request: Request) -> str:
    headers = request.headers
    digest = base64.b64decode(headers["content-digest"].split(":")[1]).hex()
    stamp, dispatch, whom = (headers[f"gateway-{name}"] for name in ("timestamp", "dispatch-id", "deliveries"))
    return sign(secret, stamp, dispatch, whom, digest)


async def test_during_an_overlap_both_secrets_sign_and_the_old_one_comes_first(lab: Lab) -> None:
    """A receiver may change over at any moment; one that reads the first line alone goes on working."""
    at = (NOW + timedelta(hours=1)).isoformat()
    lines, request = await _lines(lab, next_secret_file="peer.2", next_secret_at=at)
    assert lines == [_expected(SECRET, request), _expected(_NEXT, request)]


async def test_after_the_overlap_only_the_new_secret_signs(lab: Lab) -> None:
    """The old one ends at the instant that was told, without anybody doing anything."""
    lines, request = await _lines(lab, next_secret_file="peer.2", next_secret_at=NOW.isoformat())
    assert lines == [_expected(_NEXT, request)]


async def test_during_an_overlap_message_signatures_have_a_label_each(lab: Lab) -> None:
    """Each names its key."""
    at = (NOW + timedelta(hours=1)).isoformat()
    lines, request = await _lines(lab, next_secret_file="peer.2", next_secret_at=at, signature="rfc9421")
    assert lines == []
    labels = re.findall(r"(gw\d)=\(", request.headers["signature-input"])
    keys = re.findall(r'keyid="([^"]*)"', request.headers["signature-input"])
    assert (labels, keys) == (["gw1", "gw2"], ["peer", "peer.2"])
    assert len(request.headers["signature"].split(", ")) == 2


async def test_a_mark_changes_with_url_and_key_and_stays_in_an_overlap(lab: Lab) -> None:
    """What was proved for one address or key proves nothing for another."""
    _write_next(lab)
    first = lab.adapter.mark(lab.endpoint(1))
    assert lab.adapter.mark(lab.endpoint(1)) == first
    assert lab.adapter.mark(lab.endpoint(2)) != first
    soon, past = (NOW + timedelta(hours=1)).isoformat(), NOW.isoformat()
    assert lab.adapter.mark(lab.endpoint(1, next_secret_file="peer.2", next_secret_at=soon)) == first
    assert lab.adapter.mark(lab.endpoint(1, next_secret_file="peer.2", next_secret_at=past)) != first
    lab.write_secret(b"another secret, long enough")
    assert lab.adapter.mark(lab.endpoint(1)) != first


async def test_410_leaves_the_document_waiting(lab: Lab) -> None:
    """It speaks about the address; nobody has refused the document."""
    report, _ = await lab.play(says("410 Gone", b"moved"))
    outcome = only_outcome(report)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DEFERRED, "endpoint_gone")
    assert not report.answered

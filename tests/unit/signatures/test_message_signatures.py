"""HTTP Message Signatures as they are read: the RFC's own, another implementation's, and what is none."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from hypothesis import given
from hypothesis import strategies as st

from gateway.bundle.receivers import TAG
from gateway.message_signatures import (
    ECDSA_P256,
    ED25519,
    RSA_PKCS1,
    RSA_PSS,
    Presented,
    PublicKey,
    algorithms_of,
    sign,
    signature_base,
    signed_of,
    verifies,
)

URL = "https://truc.example.vn:8443/api/v1/inbox/0193/ack?reader=a"
#: RFC 9421 B.1.3.
_P256 = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
"""


def presented(fields: Mapping[str, str]) -> Presented:
    return Presented(method="POST", target_uri=URL, fields=fields)


def test_ecdsa_of_the_rfc() -> None:
    """RFC 9421 B.2.4 is of a response; its base is verified as it stands."""
    base = (
        '"@status": 200\n"content-type": application/json\n"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1'
        'XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n"content-length": 23\n'
        '"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;'
        'keyid="test-key-ecc-p256"'
    )
    value = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=="
    key = load_pem_public_key(_P256)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert verifies(key, ECDSA_P256, base.encode(), b64decode(value))
    assert not verifies(key, ECDSA_P256, base.encode() + b" ", b64decode(value))
    assert not verifies(key, ED25519, base.encode(), b64decode(value))
    assert not verifies(key, ECDSA_P256, base.encode(), b64decode(value)[:-1])


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, key: Any) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Any:
        raise NotImplementedError(key_id)

    def resolve_private_key(self, key_id: str) -> Any:
        return self._key


class _Message:
    def __init__(self) -> None:
        self.method, self.url = "POST", URL
        self.headers = {"Gateway-Document-Digest": "sha-256=:AAAA:"}


@pytest.mark.parametrize(
    ("ours", "theirs", "key"),
    [
        (ED25519, algorithms.ED25519, ed25519.Ed25519PrivateKey.generate()),
        (ECDSA_P256, algorithms.ECDSA_P256_SHA256, ec.generate_private_key(ec.SECP256R1())),
        (RSA_PKCS1, algorithms.RSA_V1_5_SHA256, rsa.generate_private_key(65537, 2048)),
        (RSA_PSS, algorithms.RSA_PSS_SHA512, rsa.generate_private_key(65537, 2048)),
    ],
)
def test_what_another_implementation_signed_is_read(ours: str, theirs: Any, key: Any) -> None:
    """Its own way of writing the fields, an `expires` in it, and a second signature that is not looked at."""
    message = _Message()
    signer = HTTPMessageSigner(signature_algorithm=theirs, key_resolver=_Keys(key))
    covered = ("@method", "@target-uri", "@path", "@authority", "gateway-document-digest")
    signer.sign(
        message, key_id="k", label="one", tag=TAG, covered_component_ids=covered, expires=None, nonce='n\\"n'
    )
    fields = {name.lower(): value for name, value in message.headers.items()}
    fields["signature-input"] = f'other=("date");tag="x", {fields["signature-input"]}'
    fields["signature"] = f"other=:AA==:, {fields['signature']}"
    found = signed_of(presented(fields), TAG)
    assert found is not None
    assert (found.facts["keyid"], found.facts["tag"]) == ("k", TAG)
    public = key.public_key()
    assert verifies(public, ours, found.base, found.value)
    assert signed_of(presented(fields), "another") is None
    for other in (ED25519, ECDSA_P256, RSA_PKCS1, RSA_PSS):
        assert verifies(public, other, found.base, found.value) is (other == ours)


@pytest.mark.parametrize(
    ("given_input", "given_value"),
    [
        ('a=("@method");tag="t"', ""),
        ('a=("@method");tag="t"', "b=:AA==:"),
        ('a=("@method");tag="t"', "a=:A:"),
        ('a=("@method" "@method");tag="t"', "a=:AA==:"),
        ('a=("x-missing");tag="t"', "a=:AA==:"),
        ('a=("@method";req);tag="t"', "a=:AA==:"),
        ('a=("@method");tag="t", a=("@path");tag="t"', "a=:AA==:"),
        ('a=("@method");tag="t",', "a=:AA==:"),
        ('a=("@method");tag="t" b', "a=:AA==:"),
        ("a=(" + " ".join(f'"h{n}"' for n in range(40)) + ');tag="t"', "a=:AA==:"),
        (", ".join(f'l{n}=("@method");tag="t"' for n in range(9)), "a=:AA==:"),
        ('a=("x-two");tag="t"', "a=:AA==:"),
    ],
)
def test_fields_that_cannot_be_read_are_refused(given_input: str, given_value: str) -> None:
    """Wholly, rather than the half of them that can."""
    fields = {"signature-input": given_input, "signature": given_value, "x-two": "công văn"}
    fields |= {f"h{n}": "x" for n in range(40)}
    with pytest.raises(ValueError):  # noqa: PT011 - each says what it is about
        signed_of(presented(fields), "t")


@given(st.text(max_size=80), st.text(max_size=40))
def test_no_field_raises_anything_else(given_input: str, given_value: str) -> None:
    """Whatever a client sends is a signature, none, or a ValueError."""
    with suppress(ValueError):
        signed_of(presented({"signature-input": given_input, "signature": given_value}), "t")


def test_derived_components_are_those_of_the_rfc() -> None:
    """RFC 9421 2.2."""
    request = presented({})
    names = ("@method", "@target-uri", "@authority", "@scheme", "@path", "@query", "@request-target", "@status")
    assert [request.value_of(name) for name in names] == [
        "POST", URL, "truc.example.vn:8443", "https", "/api/v1/inbox/0193/ack", "?reader=a",
        "/api/v1/inbox/0193/ack?reader=a", None,
    ]  # fmt: skip


def test_weak_and_odd_keys_have_no_algorithm() -> None:
    """RSA of 1024 bits, and curves that nobody asked for."""
    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())):
        assert algorithms_of(key.public_key()) == ()
        assert not verifies(key.public_key(), RSA_PKCS1, b"", b"")


def test_our_own_signatures_verify() -> None:
    """Of each kind of key; the usual algorithm first."""
    keys = (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1()))
    base = signature_base([("@method", "POST")], '("@method")')
    for key in (*keys, rsa.generate_private_key(65537, 2048)):
        public: PublicKey = key.public_key()
        assert verifies(public, algorithms_of(public)[0], base, sign(key, base))

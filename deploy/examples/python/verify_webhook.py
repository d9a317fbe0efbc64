"""What a receiver checks before it believes a push: copy this file into your system.

    from verify_webhook import Verifier, answer_challenge

    verifier = Verifier(secrets=[b"the secret that you were given"])           # two while a new one is coming
    if Content-Length is missing or more than you take: answer 411 or 413, read nothing
    why = verifier.head_refusal("POST", "https://qlvb.xa.example.vn/nhan", headers)
    if why: answer 401, read nothing
    why = verifier.refusal("POST", "https://qlvb.xa.example.vn/nhan", headers, body)
    if why: answer 401
    if headers["gateway-kind"] == "verification": answer 200 with answer_challenge(body, secret)

Both forms are understood: `Gateway-Signature` (HMAC) and `Signature-Input`/`Signature` (RFC 9421: hmac-sha256,
ed25519, ecdsa-p256-sha256). `headers` is a list of (name, value), since `Gateway-Signature` may come twice. The
standard library is enough for shared secrets; for public keys the package `cryptography` is needed.

It does NOT remember what it has seen: dedupe on `Idempotency-Key`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping

#: What an RFC 9421 signature must cover to be worth anything here.
_COVERED = {"@method", "@target-uri", "content-digest", "gateway-kind", "gateway-dispatch-id", "gateway-deliveries"}
_MEMBER = re.compile(r'([a-z0-9]+)=(\(((?:"[^"]*" ?)*)\)((?:;[a-z]+=(?:"[^"]*"|\d+))*))')
_PARAMETER = re.compile(r';([a-z]+)=(?:"([^"]*)"|(\d+))')
_VALUE = re.compile(r"([a-z0-9]+)=:([A-Za-z0-9+/=]*):")


class Verifier:
    """Holds the secrets and public keys of one channel."""

    def __init__(
        self, *, secrets: Iterable[bytes] = (), public_keys: Iterable[bytes] = (), most_seconds: int = 300
    ) -> None:
        """`public_keys` in PEM; `most_seconds` is how far a clock may be off, and how old a push may be."""
        self._secrets = list(secrets)
        self._public_keys = list(public_keys)
        self._most_seconds = most_seconds

    def head_refusal(self, method: str, url: str, headers: Iterable[tuple[str, str]]) -> str:
        """The same before a byte of the body is read: all but whether the body has its digest."""
        one = _joined(headers)
        if _digest_of(one) is None:
            return "the digest of the body is missing"
        try:
            age = abs(time.time() - int(one.get("gateway-timestamp", "")))
        except ValueError:
            return "there is no timestamp"
        if age > self._most_seconds:
            return "it is too old, or a clock is wrong"
        if "signature-input" in one:
            return "" if self._has_message_signature(method, url, one) else "no signature is right"
        return "" if self._has_hmac(one) else "no signature is right"

    def refusal(self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes) -> str:
        """Why this request is not to be believed; "" where it is. `url` is the whole one, as it was given to us."""
        fields = list(headers)
        if why := self.head_refusal(method, url, fields):
            return why
        right = _digest_of(_joined(fields)) == hashlib.sha256(body).digest()
        return "" if right else "the body does not have its digest"

    def _has_hmac(self, fields: Mapping[str, str]) -> bool:
        names = ("gateway-timestamp", "gateway-dispatch-id", "gateway-deliveries")
        digest = (_digest_of(fields) or b"").hex()
        text = ".".join([*(fields.get(name, "") for name in names), digest]).encode()
        good = [f"v1={hmac.new(secret, text, hashlib.sha256).hexdigest()}" for secret in self._secrets]
        given = [part.strip() for part in fields.get("gateway-signature", "").split(",")]
        return any(hmac.compare_digest(one.encode(), other.encode()) for one in good for other in given)

    def _has_message_signature(self, method: str, url: str, fields: Mapping[str, str]) -> bool:
        values = {label: base64.b64decode(value) for label, value in _VALUE.findall(fields.get("signature", ""))}
        for label, parameters, names, said in _MEMBER.findall(fields["signature-input"]):
            covered = re.findall(r'"([^"]*)"', names)
            facts = {name: text or number for name, text, number in _PARAMETER.findall(said)}
            ours = {name for name in fields if name.startswith("gateway-")}
            if label not in values or not (_COVERED | ours) <= set(covered):
                continue
            if "expires" in facts and int(facts["expires"]) + self._most_seconds < time.time():
                continue
            known = {"@method": method, "@target-uri": url, **fields}
            if not all(name in known for name in covered):
                continue
            lines = [f'"{name}": {known[name]}' for name in covered]
            base = "\n".join([*lines, f'"@signature-params": {parameters}']).encode()
            if self._is_signed(facts.get("alg", ""), base, values[label]):
                return True
        return False

    def _is_signed(self, algorithm: str, base: bytes, signature: bytes) -> bool:
        if algorithm == "hmac-sha256":
            made = [hmac.new(secret, base, hashlib.sha256).digest() for secret in self._secrets]
            return any(hmac.compare_digest(one, signature) for one in made)
        return any(_is_signed_by(pem, algorithm, base, signature) for pem in self._public_keys)


def _joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names in lower case; equal ones joined, as RFC 9110 says."""
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        fields.setdefault(name.lower(), []).append(value.strip())
    return {name: ", ".join(values) for name, values in fields.items()}


def _digest_of(fields: Mapping[str, str]) -> bytes | None:
    """The SHA-256 that the body must have."""
    found = re.fullmatch("sha-256=:([A-Za-z0-9+/]{43}=):", fields.get("content-digest", ""))
    return base64.b64decode(found[1]) if found else None


def answer_challenge(body: bytes, secret: bytes | None) -> bytes:
    """The JSON that proves that you hold the secret (None: the channel signs with a private key)."""
    challenge = json.loads(body)["challenge"]
    answer = {"challenge": challenge}
    if secret is not None:
        mac = hmac.new(secret, f"verification.{challenge}".encode(), hashlib.sha256).hexdigest()
        answer["proof"] = f"v1={mac}"
    return json.dumps(answer).encode()


def _is_signed_by(pem: bytes, algorithm: str, base: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(pem)
    try:
        if algorithm == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, base)
            return True
        if algorithm == "ecdsa-p256-sha256" and isinstance(key, ec.EllipticCurvePublicKey):
            half = len(signature) // 2
            r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            key.verify(encode_dss_signature(r, s), base, ec.ECDSA(SHA256()))
            return True
    except InvalidSignature:
        return False
    return False

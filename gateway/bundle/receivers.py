"""What a receiver said of a document, as evidence: the proof file of one acknowledgement or status. Format 1.

The gateway makes the file when it records the act; its SHA-256 stands in the leaf of that act
(`delivery.delivered`, or `document.accepted` of the status message), so the exact bytes are under the log. It
holds how the connection was authenticated, and, where the receiver signed (RFC 9421), the signature with the very
text that was signed and the key: all that is needed to verify it without us.

`verify_signed` is what both sides do: the gateway before it records, an auditor years later. Only the signed text
is believed, never what stands beside it. It does NOT know whose key it is: the directory does, or the auditor.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gateway.bundle.facts import Part
from gateway.errors import ReceiverProofError
from gateway.message_signatures import (
    PublicKey,
    Signed,
    algorithms_of,
    key_id,
    path_of,
    read_parameters,
    seconds_in,
    verifies,
)

#: What a receiver's signature says of itself, so that one made for something else is none.
TAG: Final = "gateway-receiver"
#: The header field by which a receiver names the bytes that it has: `sha-256=:…:`, as Repr-Digest of the content.
DOCUMENT_DIGEST: Final = "gateway-document-digest"
#: The largest signed text, and the largest body that is kept beside it, in bytes.
MOST_BASE: Final = 16 * 1024
MOST_BODY: Final = 64 * 1024
#: Where a bundle has proofs by their ids, and the certificates of connections by their SHA-256. Format 1 has no
#: other place for what was found of others' signatures, and its readers go on reading these.
ENTRY: Final = "evidence/verdicts/receiver-{}.json"
CERTIFICATE_ENTRY: Final = "evidence/verdicts/certificate-{}.json"

_LINE: Final = re.compile(r'"([^"\\]{1,200})": (.*)')
_PARAMETERS: Final = '"@signature-params": '
_DIGEST: Final = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


class Connection(Part, kw_only=True, frozen=True):
    """How whoever spoke was authenticated."""

    #: certificate, token, shared_secret, pulled (we fetched it from a peer's list), …
    method: str
    #: Id of the credential.
    credential: str
    #: SHA-256 of the connection's certificate, hexadecimal, and its subject (RFC 4514); "" for other methods.
    certificate: str = ""
    subject: str = ""


class Signature(Part, kw_only=True, frozen=True):
    """A signature by the receiver's own key."""

    #: SHA-256 of the key's SubjectPublicKeyInfo, hexadecimal; and that, DER in base 64.
    keyid: str
    key: str
    algorithm: str
    #: The signature base (RFC 9421 2.5), exactly; ASCII.
    base: str
    #: Base 64.
    value: str
    #: The request's body in base 64, where it is not the message itself; None otherwise.
    body: str | None = None


class Proof(Part, kw_only=True, frozen=True):
    """The file."""

    v: Literal[1] = 1
    act: Literal["acknowledgement", "status"]
    #: Recorded, RFC 3339.
    at: str
    #: Directory's id and code of the office that speaks.
    agency: str
    code: str
    #: Of an acknowledgement: the message that was received; of a status: the status message itself.
    message: str
    #: What it is about; "" where a status came without naming one.
    delivery: str
    #: SHA-256 of the bytes that the receiver says to have, hexadecimal; "" likewise.
    document: str
    connection: Connection
    signature: Signature | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What a signature must be about."""

    act: Literal["acknowledgement", "status"]
    delivery: str
    #: Hexadecimal; "": the act names no bytes.
    document: str
    #: SHA-256 of the body that was signed; "" where there was none.
    body: str


def written(proof: Proof) -> bytes:
    """The file's bytes."""
    return msgspec.json.encode(proof, order="sorted")


def read(file: bytes) -> Proof:
    """The proof; ReceiverProofError for what is none."""
    try:
        return msgspec.json.decode(file, type=Proof)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReceiverProofError(f"it is no proof: {error}", code="receiver_proof_unreadable") from error


def certificate_file(der: bytes) -> bytes:
    """The entry of a connection's certificate."""
    return msgspec.json.encode({"der": b64encode(der).decode()})


def signature_of(signed: Signed, key: PublicKey, der: bytes, body: bytes | None) -> Signature:
    """A signature as it is kept."""
    usual = algorithms_of(key)
    return Signature(
        keyid=key_id(key),
        key=b64encode(der).decode(),
        algorithm=signed.facts.get("alg") or (usual[0] if usual else ""),
        base=signed.base.decode("ascii"),
        value=b64encode(signed.value).decode(),
        body=None if body is None else b64encode(body).decode(),
    )


def verify_signed(signature: Signature, due: Due) -> dict[str, str]:
    """The signature's own parameters (`created`, …); ReceiverProofError saying what is wrong."""
    covered, facts = _read_base(signature.base)
    key = public_key(signature)
    if facts.get("tag") != TAG or facts.get("keyid") != signature.keyid:
        raise _wrong(f'tag must be "{TAG}", and keyid the SHA-256 of the public key')
    if facts.get("alg", signature.algorithm) != signature.algorithm or seconds_in(facts, "created") is None:
        raise _wrong("alg must be the key's, and created is needed")
    if not verifies(key, signature.algorithm, signature.base.encode("ascii"), _decoded(signature.value)):
        raise _wrong("the signature is not one by this key over this text")
    _require_place(covered, due)
    if due.document and _digest_in(covered, DOCUMENT_DIGEST) != due.document:
        raise ReceiverProofError("other bytes were signed for", code="receiver_other_document")
    if due.body and _digest_in(covered, "content-digest") != due.body:
        raise ReceiverProofError("another body was signed", code="receiver_other_document")
    return facts


def public_key(signature: Signature) -> PublicKey:
    """The key; ReceiverProofError where it is none, or not the one that it is called."""
    try:
        key = load_der_public_key(_decoded(signature.key))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _wrong("the key cannot be read") from error
    if not algorithms_of(key) or not isinstance(key, PublicKey):
        raise _wrong("keys are Ed25519, P-256, P-384 or RSA of 2048 to 8192 bits")
    if key_id(key) != signature.keyid:
        raise _wrong("the key is not the one that it is called")
    return key


def body_of(signature: Signature) -> bytes | None:
    """The body that is kept beside the signature; ReceiverProofError where it cannot be read."""
    return None if signature.body is None else _decoded(signature.body)


def _read_base(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Covered components, and parameters: what was signed says so itself."""
    if len(text) > MOST_BASE or not text.isascii():
        raise _wrong(f"the signed text is over {MOST_BASE} bytes, or not ASCII")
    *lines, last = text.split("\n")
    matches = [_LINE.fullmatch(line) for line in lines]
    if not last.startswith(_PARAMETERS) or not all(matches):
        raise _wrong("the signed text is no signature base")
    try:
        names, facts = read_parameters(last.removeprefix(_PARAMETERS))
    except ValueError as error:
        raise _wrong(str(error)) from error
    pairs = [(match[1], match[2]) for match in matches if match]
    if names != tuple(name for name, _ in pairs) or len(set(names)) != len(names):
        raise _wrong("the signed text does not hold what it says to cover")
    return dict(pairs), facts


def _require_place(covered: dict[str, str], due: Due) -> None:
    """Method and path: a signature for one delivery is none for another."""
    path = covered.get("@path") or path_of(covered.get("@target-uri", ""))
    ends: tuple[str, ...] = (f"/inbox/{due.delivery}/ack",)
    if due.act == "status":
        ends = (f"/inbox/{due.delivery}/status",) if due.delivery else ("/statuses", "/documents")
    if covered.get("@method") != "POST" or not path.endswith(ends):
        raise ReceiverProofError(
            f"the signature is for {covered.get('@method', 'no method')} {path or 'no path'}, not for this act",
            code="receiver_signed_elsewhere",
        )


def _digest_in(covered: dict[str, str], name: str) -> str:
    match = _DIGEST.fullmatch(covered.get(name, ""))
    if match is None:
        raise _wrong(f"{name} must be covered, as sha-256=:BASE64:")
    return _decoded(match[1]).hex()


def digest_of(body: bytes) -> str:
    """As `Due` has it."""
    return sha256(body).hexdigest()


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise _wrong("it is not base 64") from error


def _wrong(text: str) -> ReceiverProofError:
    return ReceiverProofError(text, code="receiver_signature_wrong")

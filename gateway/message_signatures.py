"""HTTP Message Signatures (RFC 9421), as far as the gateway writes and reads them. Pure.

A signature covers *components*: derived ones such as `@method`, and header fields, each by its name in lower case.
`signature_base` writes the text that is signed (RFC 9421 2.5), `parameters_of` the line that names what is covered
(2.3), `headers_of` the two header fields that carry a signature under a label (4). `signed_of` reads what a request
brought: the members of `Signature-Input` that have a tag, with the base that they were made over. `verifies` and
`sign` know the asymmetric algorithms of 3.3; ECDSA signatures are r and s side by side, not DER.

Component values must be what the other side sees: one line of ASCII, trimmed. A value that is not raises
ValueError, and so does a string parameter that no structured field can hold (RFC 8941 3.3.3).

It does NOT know responses, fields with parameters (`;sf`, `;bs`) or trailers: nothing here needs them. What of
`Signature-Input` is not of this shape is not read at all, rather than in part.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HMAC: Final = "hmac-sha256"
ED25519: Final = "ed25519"
ECDSA_P256: Final = "ecdsa-p256-sha256"
ECDSA_P384: Final = "ecdsa-p384-sha384"
RSA_PSS: Final = "rsa-pss-sha512"
RSA_PKCS1: Final = "rsa-v1_5-sha256"

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

#: RSA keys below this are not taken.
LEAST_RSA_BITS: Final = 2048
_MOST_RSA_BITS: Final = 8192
#: Members of one `Signature-Input` that are looked at, and components of one of them.
_MOST_MEMBERS: Final = 8
_MOST_COMPONENTS: Final = 32

_STRING: Final = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
_LABEL: Final = r"[a-z*][a-z0-9_.*-]{0,63}"
_PARAMETERS: Final = rf"(?:;[a-z*][a-z0-9_.*-]*=(?:{_STRING}|-?[0-9]{{1,15}}))*"
_INPUT: Final = re.compile(rf"({_LABEL})=(\(((?:{_STRING})?(?: {_STRING})*)\)({_PARAMETERS}))")
_VALUE: Final = re.compile(rf"({_LABEL})=:([A-Za-z0-9+/]{{1,1400}}={{0,2}}):")
_PARAMETER: Final = re.compile(rf";([a-z*][a-z0-9_.*-]*)=(?:({_STRING})|(-?[0-9]{{1,15}}))")
_COMPONENT: Final = re.compile(_STRING)
_ESCAPE: Final = re.compile(r'\\(["\\])')
#: A quoted parameter may hold thousands of digits.
_SECONDS: Final = re.compile(r"[0-9]{1,11}")
_BETWEEN: Final = re.compile(r"[ \t]*,[ \t]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Presented:
    """A request that came with signatures."""

    method: str
    #: The whole URL, as the client meant it.
    target_uri: str
    #: Header fields by their names in lower case; several of a name joined (RFC 9421 2.1).
    fields: Mapping[str, str]
    #: The body, where it was small and is not kept elsewhere.
    body: bytes | None = None

    def value_of(self, component: str) -> str | None:
        """What a covered component is in this request; None when there is none."""
        scheme, _, after = self.target_uri.partition("://")
        authority, slash, rest = after.partition("/")
        _, question, query = rest.partition("?")
        derived = {
            "@method": self.method,
            "@target-uri": self.target_uri,
            "@authority": authority.lower(),
            "@scheme": scheme,
            "@path": path_of(self.target_uri),
            "@query": question + query if question else "?",
            "@request-target": slash + rest,
        }
        return derived[component] if component in derived else self.fields.get(component)


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """One signature of a request, not verified yet."""

    label: str
    #: Covered components with their values, in the order of the base.
    components: tuple[tuple[str, str], ...]
    #: The member's text behind its label, as it was sent.
    parameters: str
    #: Its parameters, strings without quotes.
    facts: Mapping[str, str]
    value: bytes

    @property
    def base(self) -> bytes:
        """What was signed."""
        return signature_base(self.components, self.parameters)


def path_of(target_uri: str) -> str:
    """The path of a URL, without its query."""
    _, slash, rest = target_uri.partition("://")[2].partition("/")
    return slash + rest.partition("?")[0] or "/"


def parameters_of(names: Sequence[str], numbers: Mapping[str, int], texts: Mapping[str, str]) -> str:
    """The covered components and the signature's parameters, as `Signature-Input` and the base hold them."""
    covered = " ".join(_quoted(name) for name in names)
    said = "".join(f";{name}={value}" for name, value in numbers.items())
    return f"({covered}){said}" + "".join(f";{name}={_quoted(value)}" for name, value in texts.items())


def signature_base(components: Iterable[tuple[str, str]], parameters: str) -> bytes:
    """The text that is signed."""
    lines = [f"{_quoted(name)}: {_one_line(name, value)}" for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("ascii")


def digest_field(digest: bytes) -> str:
    """A SHA-256 as Content-Digest and Repr-Digest have it (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(digest).decode('ascii')}:"


def headers_of(signed: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
    """`Signature-Input` and `Signature` of signatures by their labels: (parameters, signature)."""
    inputs = ", ".join(f"{label}={parameters}" for label, (parameters, _) in signed.items())
    values = ", ".join(f"{label}=:{base64.b64encode(value).decode()}:" for label, (_, value) in signed.items())
    return {"Signature-Input": inputs, "Signature": values}


def signed_of(request: Presented, tag: str) -> Signed | None:
    """The first signature of a tag; None when there is none. ValueError for fields that cannot be read."""
    text = request.fields.get("signature-input", "")
    if not text:
        return None
    inputs = _members(_INPUT, text, "Signature-Input")
    wanted = [match for match in inputs if _facts(match[4]).get("tag") == tag]
    if not wanted:
        return None
    found = wanted[0]
    values = {each[1]: each[2] for each in _members(_VALUE, request.fields.get("signature", ""), "Signature")}
    if found[1] not in values:
        raise ValueError(f"Signature has no {found[1]}")
    return Signed(
        label=found[1],
        components=tuple(_components(found[3], request)),
        parameters=found[2],
        facts=MappingProxyType(_facts(found[4])),
        value=_decoded(values[found[1]]),
    )


def read_parameters(parameters: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """What a member of `Signature-Input` covers, and its parameters; ValueError for what is no such text."""
    match = _INPUT.fullmatch(f"a={parameters}")
    if match is None:
        raise ValueError("these are no parameters of a signature")
    return tuple(_unquoted(each) for each in _COMPONENT.findall(match[3])), _facts(match[4])


def seconds_in(facts: Mapping[str, str], name: str) -> int | None:
    """`created` or `expires`, in seconds since 1970; None where there is none, or none that a calendar holds."""
    text = facts.get(name, "")
    return int(text) if _SECONDS.fullmatch(text) else None


def key_id(key: PublicKey) -> str:
    """What a signature names its key by: SHA-256 of its SubjectPublicKeyInfo, 64 hexadecimal digits."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def algorithms_of(key: object) -> tuple[str, ...]:
    """Those that a public key is good for, the usual one first; none for a key that is not taken."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return (ED25519,)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": (ECDSA_P256,), "secp384r1": (ECDSA_P384,)}.get(key.curve.name, ())
    if isinstance(key, rsa.RSAPublicKey) and LEAST_RSA_BITS <= key.key_size <= _MOST_RSA_BITS:
        return (RSA_PKCS1, RSA_PSS)
    return ()


def verifies(key: PublicKey, algorithm: str, base: bytes, value: bytes) -> bool:
    """Whether `value` is a signature of `base` by this key; False also for an algorithm that is not the key's."""
    if algorithm not in algorithms_of(key):
        return False
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(value, base)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            half = (key.curve.key_size + 7) // 8
            if len(value) != 2 * half:
                return False
            r, s = int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
            key.verify(encode_dss_signature(r, s), base, ec.ECDSA(_hash_of(key)))
        elif algorithm == RSA_PSS:
            key.verify(value, base, padding.PSS(padding.MGF1(SHA512()), 64), SHA512())
        else:
            key.verify(value, base, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def sign(key: PrivateKey, base: bytes) -> bytes:
    """The signature, by the usual algorithm of the key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(base)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        half = (key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(base, ec.ECDSA(_hash_of(key))))
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")
    return key.sign(base, padding.PKCS1v15(), SHA256())


def _hash_of(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> SHA256 | SHA384:
    return SHA384() if key.curve.name == "secp384r1" else SHA256()


def _members(shape: re.Pattern[str], text: str, field: str) -> list[re.Match[str]]:
    """The members of a dictionary field, each wholly of the shape."""
    found: list[re.Match[str]] = []
    place = 0
    while True:
        match = shape.match(text, place)
        if match is None or len(found) == _MOST_MEMBERS:
            raise ValueError(f"{field} cannot be read")
        found.append(match)
        if match.end() == len(text):
            break
        between = _BETWEEN.match(text, match.end())
        if between is None:
            raise ValueError(f"{field} cannot be read")
        place = between.end()
    if len({match[1] for match in found}) != len(found):
        raise ValueError(f"{field} has a label twice")
    return found


def _components(text: str, request: Presented) -> Iterable[tuple[str, str]]:
    names = [_unquoted(each) for each in _COMPONENT.findall(text)]
    if len(set(names)) != len(names) or len(names) > _MOST_COMPONENTS:
        raise ValueError("the covered components are too many, or one comes twice")
    for name in names:
        value = request.value_of(name)
        if value is None:
            raise ValueError(f"{name} is covered, and is not there")
        yield name, _one_line(name, value)


def _facts(text: str) -> dict[str, str]:
    return {name: _unquoted(quoted) if quoted else number for name, quoted, number in _PARAMETER.findall(text)}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("the signature is not base 64") from error


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(r"\1", text[1:-1])


def _quoted(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("a structured field's string is printable ASCII")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _one_line(name: str, value: str) -> str:
    if not value.isascii() or "\n" in value or "\r" in value or value != value.strip():
        raise ValueError(f"the value of {name} is not one trimmed line of ASCII")
    return value

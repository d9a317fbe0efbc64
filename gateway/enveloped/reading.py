"""Reads the head of an envelope of CMS: for whom it is, and how its contents are encrypted.

    ContentInfo > EnvelopedData | AuthEnvelopedData > recipients, then the contents

The recipients stand before the contents, so the first bytes of a file tell. A recipient is named by issuer and
serial number of its certificate, or by its key's identifier; both become one text each (`key_of_serial`,
`key_of_id`) that `gateway.enveloped.certificates` makes of a certificate as well. `read_head` is bounded in bytes,
recipients and parts, calls nothing recursively, and looks at no key. What cannot be read raises EnvelopedError.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from gateway.enveloped import algorithms
from gateway.enveloped.ber import (
    INTEGER,
    OCTETS,
    OID,
    SEQUENCE,
    SET,
    ByteStream,
    Value,
    entered,
    head_of,
    parts_of,
    value_of,
)
from gateway.errors import EnvelopedError

#: Recipients of one file, and bytes before its contents: 500 RSA keys of 4096 bits have room.
MOST_RECIPIENTS: Final = 500
MOST_HEAD: Final = 512 * 1024
#: What tells whether a file is an envelope.
ENOUGH: Final = 32

_MOST_SMALL: Final = 1024
_MOST_PARTS: Final = 16
_ORIGINATOR: Final = 0xA0
_SIMPLE_ID: Final = 0x80
_KINDS: Final = {0x30: "rsa", 0xA1: "ecdh", 0xA2: "secret", 0xA3: "password", 0xA4: "other"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """One who can open it."""

    #: `rsa`, `ecdh`; or `secret`, `password`, `other`, which no certificate has.
    kind: str
    #: What names its certificate, "" where nothing does.
    key: str
    #: OID of the algorithm, its parameters, and the encrypted key; empty where the kind is none of ours.
    method: bytes = b""
    parameters: bytes = b""
    encrypted: bytes = b""
    #: Of `ecdh`: the sender's public key, and what it mixed in.
    originator: bytes = b""
    mixed: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class Enveloped:
    """What stands before the contents."""

    #: AuthEnvelopedData: a changed byte is noticed.
    authenticated: bool
    #: `aes256-gcm`, or the OID's bytes in hexadecimal where we know no name.
    cipher: str
    #: DER.
    parameters: bytes
    recipients: tuple[Recipient, ...]
    #: Whether what holds the contents has no length, so that its end is marked.
    is_open: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all recipients, each once."""
        return tuple(dict.fromkeys(each.key for each in self.recipients if each.key))


def key_of_serial(issuer: bytes, serial: int) -> str:
    """By issuer (a whole Name, as it stands in the certificate) and serial number."""
    return f"{serial:x}@{sha256(issuer).hexdigest()}"


def key_of_id(identifier: bytes) -> str:
    """By the key's identifier."""
    return f"id:{identifier.hex()}"


def is_envelope(front: bytes) -> bool:
    """Whether a file with these first bytes (`ENOUGH` of them will do) says that it is one."""
    stream = io.BytesIO(front[:ENOUGH])
    try:
        entered(stream, SEQUENCE, "")
        return _type(stream) in {algorithms.ENVELOPED, algorithms.AUTHENTICATED}
    except EnvelopedError:
        return False


def read_head(stream: ByteStream) -> Enveloped:
    """Everything before the contents, whose header comes next."""
    entered(stream, SEQUENCE, "ContentInfo")
    kind = _type(stream)
    if kind not in {algorithms.ENVELOPED, algorithms.AUTHENTICATED}:
        raise EnvelopedError("it is no envelope of CMS")
    entered(stream, 0xA0, "the envelope")
    entered(stream, SEQUENCE, "the envelope")
    value_of(stream, entered(stream, INTEGER, "the version"), 4)
    head = head_of(stream)
    if head.tag == _ORIGINATOR:  # certificates of the sender
        value_of(stream, head, MOST_HEAD)
        head = head_of(stream)
    if head.tag != SET:
        raise EnvelopedError("the recipients are missing")
    recipients = tuple(_recipients(value_of(stream, head, MOST_HEAD)))
    if not recipients:
        raise EnvelopedError("it has no recipients")
    frame = entered(stream, SEQUENCE, "the encrypted contents")
    _type(stream)
    method = value_of(stream, entered(stream, SEQUENCE, "the algorithm"), _MOST_SMALL)
    named, parameters = _algorithm(method)
    known = algorithms.CIPHERS.get(named)
    return Enveloped(
        authenticated=kind == algorithms.AUTHENTICATED,
        cipher=known[0] if known else named.hex(),
        parameters=parameters,
        recipients=recipients,
        is_open=frame.length is None,
    )


def _type(stream: ByteStream) -> bytes:
    value = value_of(stream, entered(stream, OID, "an object identifier"), ENOUGH)
    return bytes((OID, len(value))) + value


def _recipients(infos: bytes) -> Iterator[Recipient]:
    found = 0
    for info in parts_of(infos, MOST_RECIPIENTS):
        for each in _recipient(info):
            found += 1
            if found > MOST_RECIPIENTS:
                raise EnvelopedError(f"more than {MOST_RECIPIENTS} recipients")
            yield each


def _recipient(info: Value) -> Iterator[Recipient]:
    kind = _KINDS.get(info.tag)
    if kind == "rsa":
        yield _transported(list(parts_of(info.value, _MOST_PARTS)))
    elif kind == "ecdh":
        yield from _agreed(list(parts_of(info.value, _MOST_PARTS)))
    elif kind is None:
        raise EnvelopedError(f"a recipient of no kind that there is (tag 0x{info.tag:02x})")
    else:
        yield Recipient(kind=kind, key="")


def _transported(parts: list[Value]) -> Recipient:
    """KeyTransRecipientInfo."""
    if [each.tag for each in parts[:1] + parts[2:]] != [INTEGER, SEQUENCE, OCTETS]:
        raise EnvelopedError("a recipient's parts are not those of KeyTransRecipientInfo")
    method, parameters = _algorithm(parts[2].value)
    return Recipient(
        kind="rsa",
        key=_named(parts[1], _SIMPLE_ID),
        method=method,
        parameters=parameters,
        encrypted=parts[3].value,
    )


def _agreed(parts: list[Value]) -> Iterator[Recipient]:
    """KeyAgreeRecipientInfo: one key of the sender, for several recipients."""
    mixed = b""
    if len(parts) > 4 and parts[2].tag == 0xA1:  # noqa: PLR2004 - with the optional one
        mixed = _first(parts.pop(2), OCTETS).value
    if [each.tag for each in parts] != [INTEGER, 0xA0, SEQUENCE, SEQUENCE]:
        raise EnvelopedError("a recipient's parts are not those of KeyAgreeRecipientInfo")
    method, parameters = _algorithm(parts[2].value)
    for one in parts_of(parts[3].value, MOST_RECIPIENTS):
        pair = list(parts_of(one.value, _MOST_PARTS))
        if [each.tag for each in pair[1:]] != [OCTETS]:
            raise EnvelopedError("a recipient's encrypted key is missing")
        yield Recipient(
            kind="ecdh",
            key=_named(pair[0], 0xA0),
            method=method,
            parameters=parameters,
            encrypted=pair[1].value,
            originator=parts[1].value,
            mixed=mixed,
        )


def _named(part: Value, by_id: int) -> str:
    """What names the certificate: IssuerAndSerialNumber, or the key's identifier under the tag `by_id`."""
    if part.tag == SEQUENCE:
        pair = list(parts_of(part.value, _MOST_PARTS))
        if [each.tag for each in pair] != [SEQUENCE, INTEGER] or not 1 <= len(pair[1].value) <= ENOUGH:
            raise EnvelopedError("a recipient's certificate is not named by issuer and serial number")
        return key_of_serial(pair[0].whole, int.from_bytes(pair[1].value, "big"))
    if part.tag != by_id:
        raise EnvelopedError("a recipient's certificate is not named")
    identifier = part.value if by_id == _SIMPLE_ID else _first(part, OCTETS).value
    if not 1 <= len(identifier) <= 2 * ENOUGH:
        raise EnvelopedError("a recipient's key identifier has no usual length")
    return key_of_id(identifier)


def _first(part: Value, tag: int) -> Value:
    found = list(parts_of(part.value, _MOST_PARTS))
    if not found or found[0].tag != tag:
        raise EnvelopedError("a recipient's parts are not those of KeyAgreeRecipientInfo")
    return found[0]


def _algorithm(value: bytes) -> tuple[bytes, bytes]:
    """OID and parameters, both whole."""
    parts = list(parts_of(value, 2))
    if not parts or parts[0].tag != OID:
        raise EnvelopedError("an algorithm is not named")
    return parts[0].whole, parts[1].whole if len(parts) > 1 else b""

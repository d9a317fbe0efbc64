"""The process that has a PKCS#11 token encrypt data keys: a child of whoever opens them, for that moment only.

A driver is foreign code that may crash or hang, so it never runs in the server. Requests and answers are `Ask` and
`Answer`, a packet each (`gateway.aside_process`). The process ends when the other end closes, and the token's
session with it.

The keys are AES-256 objects of one label. CKA_ID has 8 bytes: a number of 4, big-endian, and 4 of any kind; it is
the key's id, and the greatest is the newest. What is made here can neither leave the token nor be read from it. A
data key is encrypted with CKM_AES_GCM, in the form in which a key file does it: nonce, ciphertext, tag. Each one is
decrypted again before it is given away: what a token in trouble answers must not become the only way to bodies.

It does NOT know of bodies, nor of the ledger. A PIN is given once (`gateway.seal.pkcs11`).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from gateway.aside_process import requests
from gateway.config.values import TokenPlace
from gateway.errors import KeyFileError, TokenError
from gateway.seal.pkcs11 import Token, pkcs11_library
from gateway.signing_process import keep_memory_private
from gateway.storage.body_format import KEY_BYTES, KEY_ID_BYTES, NONCE_BYTES, TAG_BYTES

if TYPE_CHECKING:
    import pkcs11

#: Who tries a PIN that was refused.
COMMAND: Final = "gateway keys bodies try --pin-again"
_MOST_KEYS: Final = 100
_NUMBER_BYTES: Final = 4


class Ask(msgspec.Struct, kw_only=True, frozen=True):
    """What the token is to do."""

    do: Literal["list", "make", "remove", "wrap", "unwrap"]
    #: Id of the key.
    key: str = ""
    data: bytes = b""
    #: What is authenticated with it.
    bound: bytes = b""


class Answer(msgspec.Struct, kw_only=True, frozen=True):
    """What came of it."""

    data: bytes = b""
    ids: tuple[str, ...] = ()
    #: What is wrong, in words; "": nothing.
    fault: str = ""
    #: Of `TokenError`; "": it is no fault of the token.
    code: str = ""


class KeysOnToken:
    """The keys of one label."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def answer(self, request: memoryview) -> bytes:
        """What is sent back."""
        ask = msgspec.msgpack.decode(request, type=Ask)
        try:
            found = self._token.use(lambda session: self._done(session, ask))
        except TokenError as error:
            found = Answer(fault=str(error), code=error.code)
        except KeyFileError as error:
            found = Answer(fault=str(error))
        return msgspec.msgpack.encode(found)

    def _done(self, session: pkcs11.Session, ask: Ask) -> Answer:
        match ask.do:
            case "list":
                return Answer(ids=tuple(self._keys(session)))
            case "make":
                self._make(session)
                return Answer(ids=tuple(self._keys(session)))
            case "remove":
                self._key(session, ask.key).destroy()
                return Answer(ids=tuple(self._keys(session)))
            case "wrap":
                return Answer(data=_wrapped(self._key(session, ask.key), ask))
            case "unwrap":
                return Answer(data=_unwrapped(self._key(session, ask.key), ask))

    def _keys(self, session: pkcs11.Session) -> dict[str, Any]:
        """By id, newest first."""
        library = pkcs11_library()
        attribute = library.Attribute
        wanted = {
            attribute.CLASS: library.ObjectClass.SECRET_KEY,
            attribute.KEY_TYPE: library.KeyType.AES,
            attribute.LABEL: self._token.place.key,
        }
        objects: Iterable[Any] = islice(session.get_objects(wanted), _MOST_KEYS)
        found = {each.id.hex(): each for each in objects}
        return {name: found[name] for name in sorted(found, reverse=True) if len(name) == 2 * KEY_ID_BYTES}

    def _key(self, session: pkcs11.Session, key_id: str) -> Any:
        keys = self._keys(session)
        if key_id not in keys:
            place, held = self._token.place, ", ".join(keys) or "none"
            raise KeyFileError(
                f"the token {place.token} lacks the key {key_id} that bodies are encrypted under; of label "
                f"{place.key} it holds {held}"
            )
        return keys[key_id]

    def _make(self, session: pkcs11.Session) -> None:
        library = pkcs11_library()
        attribute, flag = library.Attribute, library.MechanismFlag
        last = next(iter(self._keys(session)), "00" * KEY_ID_BYTES)
        number = int(last[: 2 * _NUMBER_BYTES], 16) + 1
        session.generate_key(
            library.KeyType.AES,
            8 * KEY_BYTES,
            id=number.to_bytes(_NUMBER_BYTES, "big") + os.urandom(KEY_ID_BYTES - _NUMBER_BYTES),
            label=self._token.place.key,
            store=True,
            capabilities=flag.ENCRYPT | flag.DECRYPT,
            template={attribute.PRIVATE: True, attribute.SENSITIVE: True, attribute.EXTRACTABLE: False},
        )


def _wrapped(key: Any, ask: Ask) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    made = nonce + key.encrypt(ask.data, **_gcm(nonce, ask.bound))
    if _plain(key, made, ask.bound) != ask.data:
        told = "the token does not decrypt what it encrypted: look at it and at its driver"
        raise TokenError("token_failed", told)
    return bytes(made)


def _unwrapped(key: Any, ask: Ask) -> bytes:
    library = pkcs11_library()
    try:
        return _plain(key, ask.data, ask.bound)
    except library.PKCS11Error as error:
        # drivers call a wrong tag what they like: where the key serves otherwise, it is what it was given
        _wrapped(key, Ask(do="wrap", data=bytes(KEY_BYTES), bound=ask.bound))
        raise KeyFileError(f"a data key is not what was written under the key {ask.key}") from error


def _plain(key: Any, wrapped: bytes, bound: bytes) -> bytes:
    return bytes(key.decrypt(wrapped[NONCE_BYTES:], **_gcm(wrapped[:NONCE_BYTES], bound)))


def _gcm(nonce: bytes, bound: bytes) -> dict[str, Any]:
    library = pkcs11_library()
    return {
        "mechanism": library.Mechanism.AES_GCM,
        "mechanism_param": library.GCMParams(nonce, bound, 8 * TAG_BYTES),
    }


def main(descriptor: int, words: Sequence[str]) -> None:
    """Serve until the other end closes."""
    place, secret, *flags = words
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    keep_memory_private()
    token = Token(
        TokenPlace.parse(place),
        Path(secret) if secret else None,
        again="again" in flags,
        writes="writes" in flags,
        command=COMMAND,
    )
    requests(descriptor, KeysOnToken(token).answer)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

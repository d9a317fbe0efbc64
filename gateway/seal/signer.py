"""The port behind which a signing key lies, and the three kinds of it: PEM file, PKCS#12 file, PKCS#11 token.

`load_signer` opens the kind that a place names. Whatever the kind, what it gives back has shown that it signs for
the certificate beside it: a key that belongs to another one is refused. Trouble that may pass (a token that is
pulled out) or that a person must end without haste (a PIN that was refused) is a TokenError, anything else that is
wrong a KeyFileError; both say what to do.

Beside the key and the certificate in force may lie those that come next and those that were before (`variants`),
so that a certificate can be exchanged while receipts are being signed: the certificate that is asked for decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from gateway.config.values import TokenPlace
from gateway.errors import KeyFileError
from gateway.seal.keys import Certificates, Certified, PemSigner
from gateway.seal.pkcs12 import is_pkcs12, load_pkcs12

if TYPE_CHECKING:
    from gateway.seal.pkcs11 import Token

#: What follows the stem of a file that is staged, and of one that was replaced: `seal.next.pem`, `seal.old.pem`.
NEXT: Final = ".next"
OLD: Final = ".old"
#: By which drivers of tokens find their configuration.
_DRIVERS_READ: Final = frozenset({"SOFTHSM2_CONF", "P11_KIT_CONFIG", "OPENSC_CONF", "HOME"})


class Signer(Certified, Protocol):
    """A key that signs for its certificate."""

    def sign(self, data: bytes) -> bytes:
        """The signature value of `data`, as XML signatures carry it; TokenError when there is none now."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """The same of something of which only the SHA-256 is given; ValueError where it is none."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPlace:
    """Where a key is, as settings and arguments name it."""

    certificate: Path
    #: PEM, or PKCS#12 by its name; not looked at where there is a token.
    key: Path
    token: TokenPlace | None = None
    #: File with the password or PIN; None: there is none.
    secret: Path | None = None


def load_signer(place: KeyPlace, token: Token | None = None, *, again: bool = False) -> Signer:
    """The key, tried; raises KeyFileError. May take long.

    `token`: a connection to the place's token, if there is one. `again`: a person says that its PIN is to be tried
    although one was refused.
    """
    if place.token is not None:
        from gateway.seal.pkcs11 import Token, TokenSigner  # nobody else needs it

        token = token or Token(place.token, place.secret, again=again)
        return TokenSigner.load(token, Certificates.load(place.certificate))
    if is_pkcs12(place.key):
        return load_pkcs12(place.key, place.secret, place.certificate)
    return PemSigner.load(place.key, place.certificate)


def driver_environment() -> dict[str, str]:
    """What a token's driver is told by the environment; nothing else of ours goes along to its process."""
    return {name: value for name, value in os.environ.items() if name in _DRIVERS_READ}


def variant(path: Path, which: str) -> Path:
    """The name beside a file's for what comes next (`NEXT`) or was before (`OLD`)."""
    return path.with_name(f"{path.stem}{which}{path.suffix}")


def variants(path: Path) -> Iterator[Path]:
    """The file itself, then those beside it that are there."""
    yield path
    yield from (beside for which in (NEXT, OLD) if (beside := variant(path, which)).exists())


def load_for(place: KeyPlace, certificate: Path, token: Token | None = None) -> Signer:
    """The signer of one of the certificates beside each other, whichever of the keys beside each other is its.

    Raises what is wrong with the key in force where none of them is.
    """
    first: KeyFileError | None = None
    for key in variants(place.key) if place.token is None else (place.key,):
        try:
            return load_signer(replace(place, certificate=certificate, key=key), token)
        except KeyFileError as error:
            first = first or error
    assert first is not None, "the file itself is always tried"
    raise first

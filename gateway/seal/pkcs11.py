"""A signing key on a PKCS#11 token (HSM, smart card, SoftHSM), through the token's own driver.

The driver runs in the process that signs and nowhere else. One session is kept open; when the token fails, library
and session are begun anew once for the request, so that a token that was pulled out and is back again works
without a restart. While it fails, requests in the next second get the same answer without asking it.

**A PIN is never tried twice.** Tokens lock after a few wrong ones. A PIN that was refused is not tried again until
its file changes; nor is any PIN while the token itself says that a wrong one was given since the last right one
(CKF_USER_PIN_COUNT_LOW and its like in CK_TOKEN_INFO), which outlives this process. A person tries
it: `gateway keys try --pin-again`.

What is signed is hashed here, so that tokens without combined mechanisms serve: CKM_RSA_PKCS over the DigestInfo
[RFC 8017 9.2], CKM_ECDSA over the hash, whose value r || s is that of XML signatures. Each signature is verified
before it is given away: what a token in trouble answers must not become a receipt. Keys that ask for the PIN at
each signature (CKA_ALWAYS_AUTHENTICATE) and readers with a key pad do not serve a machine that nobody sits at.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.config.values import TokenPlace
from gateway.errors import KeyFileError, TokenError
from gateway.seal.keys import Certificates
from gateway.seal.pkcs12 import read_secret
from gateway.seal.profile import value_fits

if TYPE_CHECKING:
    import pkcs11

T = TypeVar("T")

#: DigestInfo of a SHA-256 [RFC 8017 9.2].
_DIGEST_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")
_SHA256_BYTES: Final = 32
_TRIAL: Final = b"whether this key belongs to the certificate"
#: How long a token that failed is left alone.
_PAUSE_SECONDS: Final = 1.0
_MOST_KEYS: Final = 50
_AGAIN: Final = "gateway keys try --pin-again"


class Token:
    """One token, logged in; its calls come one after the other."""

    def __init__(
        self,
        place: TokenPlace,
        secret: Path | None,
        *,
        again: bool = False,
        writes: bool = False,
        command: str = _AGAIN,
    ) -> None:
        """`again`: try the PIN although one was refused before, because a person says so, by `command`.

        `writes`: what is made and taken away in its sessions stays so on the token.
        """
        self.place, self._secret, self._again, self._writes = place, secret, again, writes
        self._command = f"with the right one in its file: {command}"
        self._lock = Lock()
        self._session: pkcs11.Session | None = None
        #: Which PIN was refused: its file's inode and time of change.
        self._refused: tuple[int, int] | None = None
        self._failure: TokenError | None = None
        self._failed_at = 0.0

    def use(self, work: Callable[[pkcs11.Session], T]) -> T:
        """What `work` makes of a session; TokenError when the token does not serve."""
        with self._lock:
            if self._failure is not None and time.monotonic() - self._failed_at < _PAUSE_SECONDS:
                raise TokenError(self._failure.code, str(self._failure))
            try:
                found = self._used(work)
            except TokenError as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise
            self._failure = None
            return found

    def _used(self, work: Callable[[pkcs11.Session], T]) -> T:
        library = pkcs11_library()
        if self._session is not None:
            # pulled out, restarted, or another one: once more with everything anew
            with suppress(library.PKCS11Error, TokenError):
                return work(self._session)
        self._session = None
        try:
            session = self._opened(library)
            found = work(session)
        except library.PKCS11Error as error:
            told = f"the token {self.place.token} fails: {type(error).__name__} {error}".rstrip(": ")
            raise TokenError("token_failed", f"{told}: look at it and at its driver") from error
        self._session = session
        return found

    def _opened(self, library: Any) -> pkcs11.Session:
        token, flags = self._found(library), library.TokenFlag
        locked = TokenError("pin_locked", f"the PIN of {token.label} is locked: its administrator can unlock it")
        if token.flags & flags.USER_PIN_LOCKED:
            raise locked
        if token.flags & (flags.USER_PIN_COUNT_LOW | flags.USER_PIN_FINAL_TRY) and not self._again:
            told = f"a wrong PIN was given to {token.label} before, so none is tried until a person does"
            raise TokenError("pin_refused", f"{told}; {self._command}")
        try:
            return token.open(user_pin=self._pin(), rw=self._writes)
        except (library.PinIncorrect, library.PinLenRange, library.PinInvalid) as error:
            self._refused = self._pin_file()
            told = f"{token.label} refuses the PIN in {self._secret}, which is not tried again"
            raise TokenError("pin_refused", f"{told}; {self._command}") from error
        except library.PinLocked as error:
            raise locked from error

    def _found(self, library: Any) -> pkcs11.Token:
        module = self.place.module
        try:
            driver = library.lib(str(module))
            driver.reinitialize()  # drivers look for tokens at their beginning
        except library.PKCS11Error as error:
            if type(error) is not library.PKCS11Error:
                raise  # the driver's own word; what cannot be loaded has no kind
            told = f"the driver {module} cannot be used ({error}): install it, or correct module-path"
            raise TokenError("module_unusable", told) from error
        tokens = [slot.get_token() for slot in driver.get_slots(token_present=True)]
        mine: list[pkcs11.Token] = [each for each in tokens if self._is_meant(each)]
        if len(mine) != 1:
            seen = ", ".join(sorted(each.label for each in tokens if each.label)) or "none"
            many = "no token" if not mine else f"{len(mine)} tokens"
            told = f"there is {many} of label {self.place.token} (present: {seen})"
            raise TokenError("token_missing", f"{told}: plug it in, or correct the setting token")
        return mine[0]

    def _is_meant(self, token: pkcs11.Token) -> bool:
        serial = token.serial.decode("ascii", "replace").strip()
        return token.label == self.place.token and self.place.serial in {"", serial}

    def _pin(self) -> str:
        if self._secret is None:
            raise KeyFileError(f"{self.place}: name the file with its PIN in the setting secret")
        if self._refused is not None and self._refused == self._pin_file() and not self._again:
            raise TokenError("pin_refused", f"the PIN in {self._secret} was refused; {self._command}")
        try:
            return read_secret(self._secret).decode()
        except UnicodeDecodeError as error:
            raise KeyFileError(f"{self._secret} holds no PIN in UTF-8", path=str(self._secret)) from error

    def _pin_file(self) -> tuple[int, int] | None:
        if self._secret is None or not self._secret.exists():
            return None
        found = self._secret.stat()
        return found.st_ino, found.st_mtime_ns


class TokenSigner:
    """A key on a token."""

    def __init__(self, token: Token, known: Certificates) -> None:
        self.certificate, self.chain, self.algorithm = known.certificate, known.chain, known.algorithm
        self._token = token
        #: The key, and the session that it was found in.
        self._key: tuple[pkcs11.Session, Any] | None = None

    @classmethod
    def load(cls, token: Token, known: Certificates) -> TokenSigner:
        """The key of this certificate, tried; raises KeyFileError."""
        found = cls(token, known)
        found.sign(_TRIAL)
        return found

    def sign(self, data: bytes) -> bytes:
        """The signature value of `data`."""
        return self.sign_digest(sha256(data).digest())

    def sign_digest(self, digest: bytes) -> bytes:
        """The same of something of which only the SHA-256 is given."""
        if len(digest) != _SHA256_BYTES:
            raise ValueError("a SHA-256 has 32 bytes")
        return self._token.use(lambda session: self._signed(session, digest))

    def _signed(self, session: pkcs11.Session, digest: bytes) -> bytes:
        public = self.certificate.public_key()
        known = self._key
        keys = [known[1]] if known is not None and known[0] is session else self._keys(session, public)
        mechanisms = pkcs11_library().Mechanism
        for each in keys:
            if isinstance(public, rsa.RSAPublicKey):
                value = each.sign(_DIGEST_INFO + digest, mechanism=mechanisms.RSA_PKCS)
            else:
                value = each.sign(digest, mechanism=mechanisms.ECDSA)
            if value_fits(public, value, digest, is_digest=True):
                self._key = session, each
                return bytes(value)
        self._key = None
        place, subject = self._token.place, self.certificate.subject.rfc4514_string()
        label = f"no key of label {place.key}" if place.key else "no key"
        told = f"the token {place.token} holds {label} that signs for the certificate of {subject}"
        raise TokenError("token_key_missing", f"{told}: correct object in the setting token, or the certificate")

    def _keys(self, session: pkcs11.Session, public: object) -> list[Any]:
        """The private keys on the token that may be the certificate's, as far as it tells."""
        library = pkcs11_library()
        attribute = library.Attribute
        wanted = {attribute.CLASS: library.ObjectClass.PRIVATE_KEY, attribute.KEY_TYPE: library.KeyType.EC}
        if self._token.place.key:
            wanted[attribute.LABEL] = self._token.place.key
        if isinstance(public, rsa.RSAPublicKey):
            modulus = public.public_numbers().n
            wanted[attribute.KEY_TYPE] = library.KeyType.RSA
            wanted[attribute.MODULUS] = modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
        return list(islice(session.get_objects(wanted), _MOST_KEYS))


def pkcs11_library() -> Any:
    """python-pkcs11, which is an extra."""
    try:
        import pkcs11
    except ImportError as error:
        told = 'the library for tokens is not installed: pip install "gateway[pkcs11]"'
        raise TokenError("module_unusable", told) from error
    return pkcs11

"""Which algorithms a signature may use, which are only evidence of what came, and which are refused.

Current ones pass. Legacy ones (SHA-1, RSA below 2048 bits) are verified all the same, so that the report says
whether the arithmetic holds, and are INDETERMINATE at best: anybody with the means may have made another document
with the same digest. Everything else (MD5, HMAC, DSA, curves off the list) is never computed.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.seal.profile import MAX_RSA_BITS, MIN_RSA_BITS
from gateway.seal.report import Check, Indication, failed, passed, undecided

NAME: Final = "signature.algorithms"

_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_PSS: Final = "http://www.w3.org/2007/05/xmldsig-more#"
_OLD: Final = "http://www.w3.org/2000/09/xmldsig#"

#: Identifiers of XML signatures.
METHODS: Final = frozenset(
    {f"{_MORE}{family}-sha{size}" for family in ("rsa", "ecdsa") for size in (256, 384, 512)}
    | {f"{_PSS}sha{size}-rsa-MGF1" for size in (256, 384, 512)}
)
LEGACY_METHODS: Final = frozenset({f"{_OLD}rsa-sha1", f"{_MORE}ecdsa-sha1"})
DIGESTS: Final = frozenset(
    {"http://www.w3.org/2001/04/xmlenc#sha256", f"{_MORE}sha384", "http://www.w3.org/2001/04/xmlenc#sha512"}
)
LEGACY_DIGESTS: Final = frozenset({f"{_OLD}sha1"})

#: Names of hashes in CMS.
HASHES: Final = frozenset({"sha256", "sha384", "sha512"})
LEGACY_HASHES: Final = frozenset({"sha1"})

_MIN_LEGACY_RSA_BITS: Final = 1024
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


def judge(*, current: bool, legacy: bool, named: str, key: object) -> tuple[Check, bool]:
    """The check of what a signature uses, and whether it may be computed at all.

    `current` and `legacy` say what its identifiers are, `named` what they are called.
    """
    weak = _weakness(key)
    facts = {"algorithms": named, "key": key_name(key)}
    if weak is None or not (current or legacy):
        reason = f"{named} with {facts['key']} is not verified"
        return failed(NAME, Indication.CRYPTO_CONSTRAINTS_FAILURE, reason, **facts), False
    if weak or not current:
        reason = f"{named} with {facts['key']} no longer proves anything"
        return undecided(NAME, Indication.CRYPTO_CONSTRAINTS_FAILURE, reason, **facts), True
    return passed(NAME, **facts), True


def _weakness(key: object) -> bool | None:
    """Whether a public key is too weak to prove anything; None for one that is not verified at all."""
    if isinstance(key, rsa.RSAPublicKey):
        if not _MIN_LEGACY_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            return None
        return key.key_size < MIN_RSA_BITS
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return False
    return None


def key_name(key: object) -> str:
    """Such as `RSA-2048`."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC-{key.curve.name}"
    return type(key).__name__.strip("_")

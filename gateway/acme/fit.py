"""When a certificate is due to be renewed, and whether what a CA has sent may replace it.

A CA is a stranger here, too: what it sends is taken only when it is for our key and our names and valid now, since
nobody reaches a server that was given a wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import RenewalError


def due_at(certificate: Path, names: Sequence[str], before: timedelta) -> tuple[datetime | None, str]:
    """From when it is to be renewed, and why; None: at once.

    That is `before` its end, but never before two thirds of its life have gone, so that one of six days is not
    renewed again and again.
    """
    try:
        [leaf, *_] = x509.load_pem_x509_certificates(certificate.read_bytes())
    except FileNotFoundError:
        return None, "there is none yet"
    except (OSError, ValueError) as error:
        return None, f"the one that is there cannot be read: {error}"
    missing = sorted(set(names) - set(_names(leaf)))
    if missing:
        return None, f"the one that is there lacks {', '.join(missing)}"
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    return max(ends - before, ends - (ends - begins) / 3), f"it ends on {ends:%Y-%m-%d}"


def require_fit(chain: bytes, public_key: bytes, names: Sequence[str], now: datetime) -> x509.Certificate:
    """The leaf of what a CA sent (PEM), for the key with this SubjectPublicKeyInfo; raises RenewalError."""
    try:
        leaf, *_ = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise RenewalError("what the CA sent is no certificate in PEM") from error
    if leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != public_key:
        raise RenewalError("the CA's certificate is for another key")
    missing = sorted(set(names) - set(_names(leaf)))
    if missing:
        raise RenewalError(f"the CA's certificate lacks {', '.join(missing)}")
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        period = f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M} to {leaf.not_valid_after_utc:%Y-%m-%d %H:%M}"
        raise RenewalError(f"the CA's certificate is not valid now, but from {period} UTC")
    return leaf


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in found.value.get_values_for_type(x509.DNSName)]

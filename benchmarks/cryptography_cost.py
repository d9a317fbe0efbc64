"""What this machine needs for the bare cryptography of a document."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_SECONDS = 0.5


def cryptography_micros(size: int = 20_000) -> dict[str, float]:
    """Microseconds of CPU: SHA-256 of `size` bytes, one RSA-2048 signature, one verification."""
    data, text = os.urandom(size), os.urandom(400)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    scheme, digest, public = padding.PKCS1v15(), hashes.SHA256(), key.public_key()
    signature = key.sign(text, scheme, digest)
    return {
        "sha256": _micros(lambda: hashlib.sha256(data).digest()),
        "rsa_sign": _micros(lambda: key.sign(text, scheme, digest)),
        "rsa_verify": _micros(lambda: public.verify(signature, text, scheme, digest)),
    }


def _micros(act: Callable[[], object]) -> float:
    count, began, until = 0, time.process_time(), time.perf_counter() + _SECONDS
    while time.perf_counter() < until:
        act()
        count += 1
    return (time.process_time() - began) / count * 1e6

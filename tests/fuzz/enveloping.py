"""The target that reads and opens files encrypted for certificates; see `tests.fuzz.targets`."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from contextlib import suppress


def open_enveloped() -> Callable[[bytes], object]:
    """Files encrypted for certificates: heads, contents with either kind of key, and the certificates."""
    from gateway.enveloped.certificates import read_certificate
    from gateway.enveloped.opening import open_envelope
    from gateway.enveloped.reading import is_envelope, read_head
    from gateway.errors import EnvelopedError
    from tests.unit.enveloped.holders import holder

    keys = [holder(kind).private for kind in ("rsa", "p256")]

    def run(data: bytes) -> None:
        is_envelope(data)
        with suppress(EnvelopedError):
            assert read_head(io.BytesIO(data)).recipients
        for key in keys:
            with suppress(EnvelopedError):
                open_envelope(io.BytesIO(data), io.BytesIO(), key)
        with suppress(EnvelopedError):
            assert read_certificate(data).keys

    return run


def enveloped_seeds() -> Iterable[bytes]:
    """Good ones of either kind, hostile ones, certificates."""
    from tests.unit.enveloped.holders import holder
    from tests.unit.enveloped.test_openssl import enveloped
    from tests.unit.enveloped.test_reading import HOSTILE

    for kinds in (("rsa",), ("p256",), ("rsa", "p256")):
        yield enveloped(*kinds, plain=b"short")
        yield enveloped(*kinds, plain=b"short", content="aes256-cbc")
    yield from (make() for make, _ in HOSTILE.values())
    yield holder("p256").certificate.der
    yield holder("rsa").pem

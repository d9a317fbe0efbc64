"""The parsers of what makes evidence last, to be fuzzed: evidence records, and what is added to seals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

BUNDLES: Final = Path(__file__).parents[1] / "vectors" / "bundles"


def open_lasting() -> Callable[[bytes], None]:
    """What makes evidence last: records, and what is added to seals."""
    from gateway.errors import StampError
    from gateway.seal.evidence_record import read_record
    from gateway.seal.stamp_token import reply_with
    from gateway.seal.unsigned import archive_imprint, read_unsigned, signature_imprint, split

    def run(data: bytes) -> None:
        with suppress(StampError):
            record = read_record(data)
            assert len(record.root) == 32
            reply_with(record.token)
        core, added = split(data)
        assert len(core) + len(added) == len(data)
        read_unsigned(data)
        signature_imprint(data)
        archive_imprint(data, sha256())

    return run


def lasting_seeds() -> Iterable[bytes]:
    from gateway.bundle.container import Container
    from gateway.bundle.format import ACCEPTANCE, EXPORT, RECORD

    """One of each."""
    for name, entry in (("evidence-record", RECORD), ("receipt-stamped", ACCEPTANCE), ("lasting", EXPORT)):
        yield Container.of((BUNDLES / name / "bundle.asice").read_bytes()).bytes_of(entry)

"""The sealing key in its own process: what it signs, what it refuses, and what a death of it means."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization

from gateway.errors import KeyFileError, SealError
from gateway.seal.keys import PemSigner
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.verify import verify_receipt
from gateway.seal.writer import Sealer
from gateway.signing import SigningKey
from tests.pki.build import build
from tests.unit.seal.sealing import AT, SIGNED_AT
from tests.unit.seal.vector_cases import ANCHORS, FOLDER


def written(folder: Path, member: str, *, key_of: str | None = None) -> tuple[Path, Path]:
    """Key and certificates of a member of the test PKI, as files."""
    found = build()[member]
    key, certificates = folder / "seal.key", folder / "seal.pem"
    key.write_bytes(build()[key_of or member].key_pem)
    key.chmod(0o600)
    chain = (found.certificate, *found.sent)
    certificates.write_bytes(b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))
    return key, certificates


def process_of(folder: Path) -> int:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().split(b"\0")
            if b"gateway.signing_process" in words and str(folder / "seal.key").encode() in words:
                return int(path.parent.name)
    raise AssertionError("nobody signs")


@pytest_asyncio.fixture
async def key(tmp_path: Path) -> AsyncIterator[SigningKey]:
    """A key that signs."""
    key_file, certificate_file = written(tmp_path, "seal-rsa")
    running = SigningKey(key_file=key_file, certificate_file=certificate_file)
    await running.start()
    yield running
    await running.close()


@pytest.mark.parametrize("member", ["seal-rsa", "seal-p256"])
async def test_receipt_signed_by_the_process_passes(tmp_path: Path, member: str) -> None:
    """What the process signs and the server writes is a receipt, whatever the kind of key."""
    key_file, certificate_file = written(tmp_path, member)
    key = SigningKey(key_file=key_file, certificate_file=certificate_file)
    digest = hashlib.sha256(b"document").digest()
    draft = Sealer(key.certificates).draft(document_sha256=digest, transfer=b"{}", signed_at=SIGNED_AT)
    receipt = draft.signed(await key.sign(draft.signed_info))
    await key.close()
    anchors = TrustStore.load(FOLDER / ANCHORS, TrustPurpose.SEAL)
    report = verify_receipt(receipt, document_sha256=digest, transfer=b"{}", anchors=anchors, at=AT)
    assert report.faults == ()


async def test_many_requests_get_each_its_own_signature(key: SigningKey, tmp_path: Path) -> None:
    """Answers are told apart by their number, not by their order."""
    texts = [str(number).encode() for number in range(100)]
    values = await asyncio.gather(*(key.sign(text) for text in texts))
    own = PemSigner.load(tmp_path / "seal.key", tmp_path / "seal.pem")
    assert values == [own.sign(text) for text in texts]


async def test_cancelled_request_disturbs_no_other(key: SigningKey) -> None:
    """Its signature comes and is thrown away."""
    first, second = key.sign(b"first"), key.sign(b"second")
    first.cancel()
    assert await second


@pytest.mark.parametrize(
    ("mode", "key_of", "words"), [(0o644, None, "chmod 600"), (0o600, "seal-p256", "not the key")]
)
async def test_unfit_key_stops_the_start(tmp_path: Path, mode: int, key_of: str | None, words: str) -> None:
    """The server does not read the key, and yet says what is wrong with it before it takes a document."""
    key_file, certificate_file = written(tmp_path, "seal-rsa", key_of=key_of)
    key_file.chmod(mode)
    key = SigningKey(key_file=key_file, certificate_file=certificate_file)
    with pytest.raises(KeyFileError, match=words):
        await key.start()
    await key.close()


async def test_killed_process_fails_what_it_had_and_the_next_request_has_another(
    key: SigningKey, tmp_path: Path
) -> None:
    """A receipt that could not be signed is an error of its own document."""
    os.kill(process_of(tmp_path), signal.SIGKILL)
    with pytest.raises(SealError, match="died"):
        await key.sign(b"lost")
    assert await key.sign(b"again")


async def test_exchanged_certificate_is_not_signed_for(key: SigningKey, tmp_path: Path) -> None:
    """A new process finds other files than the server knows: better no receipt than one that contradicts itself."""
    written(tmp_path, "seal-p256")
    os.kill(process_of(tmp_path), signal.SIGKILL)
    with pytest.raises(SealError, match="died"):
        await key.sign(b"lost")
    with pytest.raises(SealError, match="exchanged"):
        await key.sign(b"again")
    written(tmp_path, "seal-rsa")
    assert await key.sign(b"put back")

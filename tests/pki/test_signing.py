"""The sealing key in its own process: what it signs, what it refuses, and what a death of it means."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gateway.config.settings import SealSettings
from gateway.errors import KeyFileError, SealError
from gateway.seal.profile import fingerprint
from gateway.seal.signer import KeyPlace
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.verify import verify_receipt
from gateway.signing import Sealing, SealingKey
from gateway.signing_process import NOT_SIGNED, SIGNED, KeyHolder, id_for_digests
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


def started(folder: Path, seconds: float = 60) -> int:
    """Its process; a process that has just begun has no command line yet."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(AssertionError):
            return process_of(folder)
    return process_of(folder)


def begun(key: SealingKey, document: bytes = b"document") -> Sealing:
    return key.begin(
        document_sha256=hashlib.sha256(document).digest(),
        document_type="application/xml",
        transfer=b"{}",
        signed_at=SIGNED_AT,
    )


async def faults_of(sealing: Sealing, document: bytes = b"document") -> tuple[str, ...]:
    """What an auditor finds wrong with the receipt."""
    anchors = TrustStore.load(FOLDER / ANCHORS, TrustPurpose.SEAL)
    digest = hashlib.sha256(document).digest()
    report = verify_receipt(await sealing.receipt(), document_sha256=digest, transfer=b"{}", anchors=anchors, at=AT)
    return tuple(each.name for each in report.faults)


@pytest_asyncio.fixture
async def key(tmp_path: Path) -> AsyncIterator[SealingKey]:
    """A key that signs."""
    key_file, certificate_file = written(tmp_path, "seal-rsa")
    running = SealingKey()
    await running.take(SealSettings(key=key_file, certificate=certificate_file))
    yield running
    await running.close()


@pytest.mark.parametrize("member", ["seal-rsa", "seal-p256"])
async def test_receipt_signed_by_the_process_passes(tmp_path: Path, member: str) -> None:
    """What the process signs and the server writes is a receipt, whatever the kind of key."""
    key_file, certificate_file = written(tmp_path, member)
    key = SealingKey()
    with pytest.raises(SealError, match="not in force"):
        begun(key)
    await key.take(SealSettings(key=key_file, certificate=certificate_file))
    assert await faults_of(begun(key)) == ()
    await key.close()


async def test_many_receipts_get_each_its_own_signature(key: SealingKey) -> None:
    """Answers are told apart by their number, not by their order."""
    documents = [str(number).encode() for number in range(50)]
    sealings = [begun(key, document) for document in documents]
    assert [await faults_of(*pair) for pair in zip(sealings, documents, strict=True)] == [()] * 50


async def test_cancelled_receipt_disturbs_no_other(key: SealingKey) -> None:
    """Its signature comes and is thrown away."""
    first, second = begun(key), begun(key)
    first.cancel()
    assert await faults_of(second) == ()


@pytest.mark.parametrize(
    ("mode", "key_of", "words"), [(0o644, None, "chmod 600"), (0o600, "seal-p256", "not the key")]
)
async def test_unfit_key_is_not_taken(
    key: SealingKey, tmp_path: Path, mode: int, key_of: str | None, words: str
) -> None:
    """The server does not read the key, and yet says what is wrong with it; what was in force stays in force."""
    key_file, certificate_file = written(tmp_path, "seal-rsa", key_of=key_of)
    key_file.chmod(mode)
    with pytest.raises(KeyFileError, match=words):
        await key.take(SealSettings(key=key_file, certificate=certificate_file))
    assert await faults_of(begun(key)) == ()


async def test_cancelled_trial_leaves_no_process(tmp_path: Path) -> None:
    """A start that is interrupted holds no key afterwards."""
    key_file, certificate_file = written(tmp_path, "seal-rsa")
    taking = asyncio.create_task(SealingKey().take(SealSettings(key=key_file, certificate=certificate_file)))
    await asyncio.sleep(0)
    assert started(tmp_path)  # without a turn of the loop, so that the trial does not end
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    with pytest.raises(AssertionError, match="nobody signs"):
        process_of(tmp_path)


async def test_new_key_is_taken_while_receipts_are_under_way(key: SealingKey, tmp_path: Path) -> None:
    """Each receipt is of one key from beginning to end."""
    old = begun(key)
    key_file, certificate_file = written(tmp_path, "seal-p256")
    await key.take(SealSettings(key=key_file, certificate=certificate_file))
    new = begun(key)
    assert await faults_of(old) == await faults_of(new) == ()
    assert b"rsa-sha256" in await old.receipt()
    assert b"ecdsa-sha256" in await new.receipt()


async def test_killed_process_fails_what_it_had_and_the_next_request_has_another(
    key: SealingKey, tmp_path: Path
) -> None:
    """A receipt that could not be signed is an error of its own document."""
    os.kill(process_of(tmp_path), signal.SIGKILL)
    with pytest.raises(SealError, match="died"):
        await begun(key).receipt()
    assert await faults_of(begun(key)) == ()


async def test_exchanged_certificate_is_not_signed_for(key: SealingKey, tmp_path: Path) -> None:
    """A new process finds other files than the server knows: better no receipt than one that contradicts itself."""
    written(tmp_path, "seal-p256")
    os.kill(process_of(tmp_path), signal.SIGKILL)
    with pytest.raises(SealError, match="died"):
        await begun(key).receipt()
    with pytest.raises(SealError, match="another certificate"):
        await begun(key).receipt()
    written(tmp_path, "seal-rsa")
    assert await faults_of(begun(key)) == ()


@pytest.mark.parametrize("member", ["seal-rsa", "seal-p256"])
def test_what_is_too_long_for_a_packet_is_signed_by_its_digest(tmp_path: Path, member: str) -> None:
    """The same signature as over the whole; what is no SHA-256 is refused in words."""
    key, written_certificate = written(tmp_path, member)
    holder = KeyHolder(KeyPlace(key=key, certificate=written_certificate))
    certificate = build()[member].certificate
    asked = id_for_digests(fingerprint(certificate))
    data = b"a very long list of entries" * 20_000
    answer = holder.answer(memoryview(asked + hashlib.sha256(data).digest()))
    assert answer[:1] == SIGNED
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(answer[1:], data, padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(public, ec.EllipticCurvePublicKey)
        r, s = (int.from_bytes(half, "big") for half in (answer[1:33], answer[33:]))
        public.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    assert holder.answer(memoryview(asked + b"short")) == NOT_SIGNED + b"a SHA-256 has 32 bytes"

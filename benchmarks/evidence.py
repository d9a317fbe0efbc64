"""What evidence costs: receipts made by two processes, bundles verified cold and many at once.

Receipts: drafted, signed and put together, as at an acceptance but for the document's own digest; the key is a PEM
file's in the process itself. Bundles: the plain good one of the vectors, by `gateway-verify`; cold is a new
interpreter each time, many are copies of one in a folder.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from benchmarks.goals import Figure, aimed
from gateway.seal.keys import PemSigner
from gateway.seal.writer import Sealer

_PROCESSES = 2
_SECONDS = 5.0
_COLD = 9
_BUNDLES = 1_000
_VECTORS = Path("tests/vectors/bundles")
_DAY = 86_400


def measure(folder: Path) -> list[Figure]:
    """The figures; keys and copies are written below `folder`."""
    keys: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
        "rsa2048": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "p256": ec.generate_private_key(ec.SECP256R1()),
    }
    for name, key in keys.items():
        _write(folder / name, key)
    return [
        aimed("receipts_rsa2048", _receipts(folder / "rsa2048")),
        aimed("receipts_p256", _receipts(folder / "p256")),
        aimed("bundle_cold", _cold()),
        aimed("bundle_cold_pdf", _cold("--pdf")),
        aimed("bundles_10000", _many(folder / "bundles") * 10_000 / _BUNDLES),
    ]


def _receipts(folder: Path) -> float:
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool:
        return sum(pool.map(_receipts_per_second, [folder] * _PROCESSES))


def _write(folder: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    folder.mkdir()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(datetime.fromtimestamp(now.timestamp() + _DAY, UTC))
        .sign(key, hashes.SHA256())
    )
    (folder / "seal.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    file = folder / "seal.key"
    file.touch(0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _receipts_per_second(folder: Path) -> float:
    signer = PemSigner.load(folder / "seal.key", folder / "seal.pem")
    sealer = Sealer(signer)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < _SECONDS:
        digest = hashlib.sha256(count.to_bytes(8)).digest()
        draft = sealer.draft(document_sha256=digest, transfer=b"{}" * 600, signed_at=datetime.now(UTC))
        draft.signed(signer.sign(draft.signed_info))
        count += 1
    return count / (time.perf_counter() - began)


def _cold(*more: str) -> float:
    """Median of some runs, in milliseconds."""
    took = []
    for _ in range(_COLD):
        began = time.perf_counter()
        _verify(_VECTORS / "accepted" / "bundle.asice", *more)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _many(folder: Path) -> float:
    """Seconds for `_BUNDLES` of them."""
    folder.mkdir()
    content = (_VECTORS / "accepted" / "bundle.asice").read_bytes()
    for number in range(_BUNDLES):
        (folder / f"{number}.asice").write_bytes(content)
    began = time.perf_counter()
    _verify(folder)
    return time.perf_counter() - began


def _verify(path: Path, *more: str) -> None:
    anchors = _VECTORS / "anchors" / "good"
    expected = json.loads((_VECTORS / "accepted" / "expected.json").read_bytes())
    at = ("--at", expected["at"]) if "at" in expected else ()
    told = ("--anchors", str(anchors), *at, *more, "--json")
    command = [sys.executable, "-m", "gateway.verifying", str(path), *told]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    verdicts = {json.loads(line)["verdict"] for line in done.stdout.splitlines()}
    # with --pdf the document's own signatures count, too, and nobody here trusts who made them
    if verdicts != {"INDETERMINATE" if "--pdf" in more else "PASSED"}:
        raise RuntimeError(f"a good bundle was not verified: {verdicts} {done.stderr[-300:]}")

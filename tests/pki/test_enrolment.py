"""Enrolment: codes, tokens, and the CA in its own process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateway.enrolment import EnrolmentCa, hash_code, hash_token, new_code, new_token
from gateway.enrolment_process import Authority, answer
from gateway.errors import EnrolmentError, KeyFileError, RefusedError
from tests.pki.build import build, derive_rsa

ORGAN, AGENCY = "000.01.32.H32", "01946f6c-6d1a-7cc0-a8f5-0123456789ab"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
Change = Callable[[x509.CertificateSigningRequestBuilder], x509.CertificateSigningRequestBuilder]
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Key and certificate of a CA."""
    member = build()["foreign-root"]
    key, certificate = tmp_path / "ca.key", tmp_path / "ca.pem"
    key.write_bytes(member.key_pem)
    key.chmod(0o600)
    certificate.write_bytes(member.certificate.public_bytes(serialization.Encoding.PEM))
    return key, certificate


@pytest.fixture
def authority(files: tuple[Path, Path]) -> Authority:
    return Authority.load(*files)


@pytest_asyncio.fixture
async def ca(files: tuple[Path, Path]) -> AsyncIterator[EnrolmentCa]:
    running = EnrolmentCa(key_file=files[0], certificate_file=files[1])
    yield running
    await running.close()


def request(key: Any = None, *, hash_: Any = None, change: Change = lambda builder: builder) -> bytes:
    """A signing request in PEM, by default of a P-256 key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    builder = change(x509.CertificateSigningRequestBuilder().subject_name(name))
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hash_ or hashes.SHA256()
    made: x509.CertificateSigningRequest = builder.sign(key, algorithm)
    return made.public_bytes(serialization.Encoding.PEM)


def certify(authority: Authority, csr: bytes, *, days: int = 365, organ_id: str = ORGAN) -> x509.Certificate:
    return authority.certify(csr, organ_id=organ_id, agency_id=AGENCY, days=days, now=NOW)


# --- what a certificate holds


def test_certificate_takes_only_the_key_from_the_request(authority: Authority) -> None:
    """Subject and extensions are the CA's words, whatever the request asks for."""
    key = ec.generate_private_key(ec.SECP256R1())

    def greedy(builder: x509.CertificateSigningRequestBuilder) -> x509.CertificateSigningRequestBuilder:
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        names = x509.SubjectAlternativeName([x509.DNSName("gateway.example")])
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return (
            builder.add_extension(constraints, critical=True)
            .add_extension(names, critical=False)
            .add_extension(purposes, critical=False)
        )

    issued = certify(authority, request(key, change=greedy))
    subject = {each.oid: each.value for each in issued.subject}
    assert subject == {NameOID.COMMON_NAME: ORGAN, NameOID.SERIAL_NUMBER: AGENCY}
    assert issued.public_key() == key.public_key()
    values = {type(each.value): each.value for each in issued.extensions}
    assert values[x509.BasicConstraints] == x509.BasicConstraints(ca=False, path_length=None)
    assert values[x509.ExtendedKeyUsage] == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    assert x509.SubjectAlternativeName not in values
    issued.verify_directly_issued_by(authority.certificate)


def test_validity_is_backdated_and_bounded(authority: Authority) -> None:
    """Five minutes for clocks that are behind; 398 days and not a day more."""
    issued = certify(authority, request(), days=398)
    assert issued.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert issued.not_valid_after_utc - issued.not_valid_before_utc == timedelta(days=398)
    for days in (0, -1, 399):
        with pytest.raises(RefusedError, match="parameter_invalid"):
            certify(authority, request(), days=days)


def test_certificate_does_not_outlive_its_ca(authority: Authority) -> None:
    """The end of the CA ends everything below it."""
    end = authority.certificate.not_valid_after_utc
    near = end - timedelta(days=10)
    issued = authority.certify(request(), organ_id=ORGAN, agency_id=AGENCY, days=300, now=near)
    assert issued.not_valid_after_utc == end


@pytest.mark.parametrize("organ_id", ["", "a" * 65, "a\nb", "x,CN=y", "văn thư", " a"])
def test_identifier_that_does_not_fit_is_refused(authority: Authority, organ_id: str) -> None:
    """Nothing in a subject can be read as something else."""
    with pytest.raises(RefusedError, match="parameter_invalid"):
        certify(authority, request(), organ_id=organ_id)


# --- requests that are refused


def refused_requests() -> dict[str, bytes]:
    p256 = request()
    pem = p256.decode().splitlines()
    der = bytearray(x509.load_pem_x509_csr(p256).public_bytes(serialization.Encoding.DER))
    der[-3] ^= 1
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    return {
        "empty": b"",
        "no PEM": b"\x00\xff" * 100,
        "a certificate": build()["seal-rsa"].pem,
        "cut off": "\n".join(pem[:3]).encode(),
        "signature altered": broken,
        "too large": p256 + b"\n" * 20_000,
        "RSA of 1024 bits": request(derive_rsa("weak request", 1024)),
        "RSA with exponent 3": request(rsa.generate_private_key(3, 2048)),
        "P-521": request(ec.generate_private_key(ec.SECP521R1())),
        "secp256k1": request(ec.generate_private_key(ec.SECP256K1())),
        "Ed25519": request(ed25519.Ed25519PrivateKey.generate()),
        "DSA": request(dsa.generate_private_key(2048)),
        "SHA-224": request(hash_=hashes.SHA224()),
        "key of the CA": request(build()["foreign-root"].key),
    }


REFUSED = refused_requests()


@pytest.mark.parametrize("name", REFUSED)
def test_unfit_request_is_refused(authority: Authority, name: str) -> None:
    """Weak, foreign, stolen or damaged requests end in the one reason code for them."""
    with pytest.raises(RefusedError) as caught:
        certify(authority, REFUSED[name])
    assert caught.value.code == "signing_request_invalid"
    assert caught.value.detail


def test_public_key_of_somebody_else_is_refused(authority: Authority) -> None:
    """A request must be signed with the very key that it asks a certificate for."""
    theirs = x509.load_pem_x509_csr(request()).public_bytes(serialization.Encoding.DER)
    mine = x509.load_pem_x509_csr(request()).public_bytes(serialization.Encoding.DER)

    def point(der: bytes) -> bytes:
        key = x509.load_der_x509_csr(der).public_key()
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    swapped = x509.load_der_x509_csr(mine.replace(point(mine), point(theirs)))
    with pytest.raises(RefusedError, match="own key"):
        certify(authority, swapped.public_bytes(serialization.Encoding.PEM))


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384"])
def test_allowed_keys_are_certified(authority: Authority, kind: str) -> None:
    """RSA from 2048 bits, P-256 and P-384."""
    key = {
        "rsa": build()["seal-rsa"].key,
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
    }[kind]
    assert certify(authority, request(key)).public_key() == key.public_key()


# --- the process


async def test_certificate_comes_from_the_process(ca: EnrolmentCa, files: tuple[Path, Path]) -> None:
    """The facts returned are those of the certificate, and the chain ends in the CA."""
    await ca.start()
    issued = await ca.certify(request(), organ_id=ORGAN, agency_id=AGENCY, days=90)
    leaf, above = x509.load_pem_x509_certificates(issued.chain_pem.encode())
    assert leaf.fingerprint(hashes.SHA256()).hex() == issued.fingerprint
    assert f"{leaf.serial_number:x}" == issued.serial
    assert (leaf.not_valid_before_utc, leaf.not_valid_after_utc) == (issued.not_before, issued.not_after)
    assert x509.load_pem_x509_certificate(issued.pem.encode()) == leaf
    assert above == x509.load_pem_x509_certificate(files[1].read_bytes())


async def test_refusal_crosses_the_process_boundary(ca: EnrolmentCa) -> None:
    """The caller gets the reason code, and the process goes on."""
    with pytest.raises(RefusedError) as caught:
        await ca.certify(b"nothing", organ_id=ORGAN, agency_id=AGENCY, days=90)
    assert caught.value.code == "signing_request_invalid"
    with pytest.raises(RefusedError, match="too large"):
        await ca.certify(b"x" * 70_000, organ_id=ORGAN, agency_id=AGENCY, days=90)
    assert (await ca.certify(request(), organ_id=ORGAN, agency_id=AGENCY, days=90)).serial


async def test_killed_process_is_replaced_on_the_next_request(ca: EnrolmentCa) -> None:
    """A crash of the CA costs nobody an enrolment."""
    await ca.start()
    for _ in range(2):
        assert ca._process is not None
        os.kill(ca._process.pid, signal.SIGKILL)
        assert (await ca.certify(request(), organ_id=ORGAN, agency_id=AGENCY, days=90)).serial


async def test_cancelled_request_leaves_no_answer_for_the_next(ca: EnrolmentCa) -> None:
    """A caller that went away cannot make somebody else receive its certificate."""
    await ca.start()
    key = ec.generate_private_key(ec.SECP256R1())
    first = asyncio.create_task(ca.certify(request(), organ_id="first", agency_id=AGENCY, days=90))
    for _ in range(5):
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    issued = await ca.certify(request(key), organ_id="second", agency_id=AGENCY, days=90)
    leaf = x509.load_pem_x509_certificate(issued.pem.encode())
    assert leaf.public_key() == key.public_key()


async def test_requests_at_once_get_their_own_answers(ca: EnrolmentCa) -> None:
    """Answers are never mixed up."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(5)]
    results = await asyncio.gather(
        *(ca.certify(request(key), organ_id=ORGAN, agency_id=AGENCY, days=9) for key in keys)
    )
    for key, issued in zip(keys, results, strict=True):
        assert x509.load_pem_x509_certificate(issued.pem.encode()).public_key() == key.public_key()


async def test_unfit_key_file_is_reported_with_its_remedy(files: tuple[Path, Path]) -> None:
    """The process says why it cannot start."""
    files[0].chmod(0o640)
    ca = EnrolmentCa(key_file=files[0], certificate_file=files[1])
    with pytest.raises(EnrolmentError, match="chmod 600"):
        await ca.start()
    with pytest.raises(EnrolmentError, match="chmod 600"):
        await ca.certify(request(), organ_id=ORGAN, agency_id=AGENCY, days=90)
    await ca.close()


def test_key_and_certificate_of_the_ca_must_match(files: tuple[Path, Path]) -> None:
    """Another CA's certificate, a missing file and a damaged one are refused at the start."""
    files[1].write_bytes(build()["seal-root"].pem)
    with pytest.raises(KeyFileError, match="is not the key of"):
        Authority.load(*files)
    files[1].write_bytes(b"")
    with pytest.raises(KeyFileError, match="not usable PEM"):
        Authority.load(*files)
    files[1].unlink()
    with pytest.raises(KeyFileError, match="cannot read"):
        Authority.load(*files)


@pytest.mark.parametrize(
    "line",
    [
        {"operation": "key"},
        {"operation": "export", "path": "ca.key"},
        {"operation": "sign", "data": "aGVsbG8="},
        {"operation": "certify"},
        {"operation": "certify", "csr": 1, "organ_id": [], "agency_id": {}, "days": "many"},
        {},
        [],
        "certify",
        None,
    ],
)
def test_process_knows_one_operation_and_gives_no_key(authority: Authority, line: object) -> None:
    """Whoever speaks to the process can ask for client certificates and for nothing else."""
    reply = answer(authority, json.dumps(line).encode(), NOW)
    assert "certificate" not in reply
    assert reply["refused"] in {"parameter_invalid", "signing_request_invalid"}


@given(st.binary(max_size=200))
def test_process_answers_whatever_it_is_sent(line: bytes) -> None:
    """No line ends the process."""
    member = build()["foreign-root"]
    authority = Authority(certificate=member.certificate, key=member.key)
    assert answer(authority, line, NOW)["refused"] == "parameter_invalid"


def test_nothing_that_the_process_writes_holds_its_key(files: tuple[Path, Path]) -> None:
    """The whole output of a session, errors included, is searched for the key; it ends with its input."""
    lines = [{"operation": "key"}, {"operation": "certify", "csr": str(files[0])}, {"id": 7}]
    sent = "".join(json.dumps(each) + "\n" for each in lines) + "not JSON\n" + "x" * 70_000 + "\n"
    command = [sys.executable, "-I", "-m", "gateway.enrolment_process", *map(str, files)]
    done = subprocess.run(command, input=sent.encode(), capture_output=True, timeout=60, check=True)
    body = b"".join(files[0].read_bytes().splitlines()[1:-1])
    output = done.stdout + done.stderr
    assert output.count(b"refused") >= 4
    assert not any(body[start : start + 12] in output for start in range(0, len(body) - 12, 4))


def test_main_process_never_opens_the_key_file(files: tuple[Path, Path]) -> None:
    """The key is read in the other process only, also when certificates are issued."""
    program = (
        "import asyncio, sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, a: opened.append(str(a[0])) if event == 'open' else None)\n"
        "from pathlib import Path\n"
        "from gateway.enrolment import EnrolmentCa\n"
        "async def run():\n"
        "    ca = EnrolmentCa(key_file=Path(sys.argv[1]), certificate_file=Path(sys.argv[2]))\n"
        "    print((await ca.certify(sys.stdin.buffer.read(), organ_id='a', agency_id='b', days=9)).serial)\n"
        "    await ca.close()\n"
        "asyncio.run(run())\n"
        "assert sys.argv[2] in opened\n"
        "assert sys.argv[1] not in opened\n"
    )
    command = [sys.executable, "-c", program, *map(str, files)]
    done = subprocess.run(command, input=request(), capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


# --- codes and tokens


def test_code_is_recognised_however_it_was_typed() -> None:
    """Case, hyphens, spaces and look-alike letters do not matter."""
    code, stored = new_code()
    assert len(code.replace("-", "")) == 28
    for typed in (code, code.lower(), code.replace("-", " "), f" {code.replace('-', '')}\n"):
        assert hash_code(typed) == stored
    assert hash_code(code.replace("0", "O").replace("1", "l")) == stored
    assert code not in stored


@given(st.integers(0, 27), st.sampled_from(ALPHABET))
def test_single_mistyped_character_is_told_apart_from_a_wrong_code(position: int, other: str) -> None:
    """The check character finds every single mistake, before anything is looked up."""
    code = new_code()[0].replace("-", "")
    typed = code[:position] + other + code[position + 1 :]
    if typed == code:
        return
    with pytest.raises(RefusedError, match="mistyped"):
        hash_code(typed)


@pytest.mark.parametrize("typed", ["", "ABCD", "U" * 28, "0" * 29, "é" * 28, "0000-0000"])
def test_text_that_cannot_be_a_code_is_refused(typed: str) -> None:
    """The refusal carries the code that callers are shown."""
    with pytest.raises(RefusedError) as caught:
        hash_code(typed)
    assert caught.value.code == "enrolment_code_invalid"


def test_codes_and_tokens_are_all_different() -> None:
    """They come from the system's random source."""
    assert len({new_code()[0] for _ in range(200)}) == 200
    assert len({new_token()[0] for _ in range(200)}) == 200


def test_token_has_its_prefix_and_is_stored_as_a_digest() -> None:
    """Log redaction finds tokens by the prefix; the stored form does not hold the token."""
    token, stored = new_token()
    assert token.startswith("gw_")
    assert len(token) >= 46
    assert hash_token(token) == stored
    assert len(stored) == 64
    assert token not in stored

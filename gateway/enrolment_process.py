"""The enrolment CA's own process: the only one that reads the CA's key.

`python -m gateway.enrolment_process KEY CERTIFICATE` reads requests as JSON lines from its input and answers
each with one line. It knows one operation, `certify`, and ends when its input ends. Whoever controls the
asking process can have client certificates made; it cannot have the key, another kind of certificate, a
longer validity, or anything of its choosing in one besides the public key and the two names.

The time is this process's own: validity must not depend on what the asking process believes.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.errors import KeyFileError, RefusedError
from gateway.seal.keys import read_key_file

MAX_DAYS: Final = 398
MAX_LINE: Final = 64 * 1024
_MAX_CSR: Final = 16 * 1024
_BACKDATED = timedelta(minutes=5)
_RSA_BITS = range(2048, 8193)
_RSA_EXPONENT = 65537
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
#: X.520 allows 64 characters in commonName and serialNumber; ours are ASCII.
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_REFUSED = "signing_request_invalid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """The CA: its certificate and key."""

    certificate: x509.Certificate
    #: Never printed, never answered.
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    @classmethod
    def load(cls, key_file: Path, certificate_file: Path) -> Authority:
        """Read both files; raises KeyFileError."""
        try:
            key = serialization.load_pem_private_key(read_key_file(key_file), password=None)
            certificate = x509.load_pem_x509_certificates(certificate_file.read_bytes())[0]
        except OSError as error:
            raise KeyFileError(f"cannot read {certificate_file}: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise KeyFileError(f"{key_file} or {certificate_file} is not usable PEM") from error
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise KeyFileError(f"{key_file} is neither an RSA nor an EC key")
        if key.public_key() != certificate.public_key():
            raise KeyFileError(
                f"{key_file} is not the key of {certificate_file}", certificate_file=str(certificate_file)
            )
        return cls(certificate=certificate, key=key)

    def certify(
        self, csr_pem: bytes, *, organ_id: str, agency_id: str, days: int, now: datetime
    ) -> x509.Certificate:
        """A client certificate for the key of a signing request; raises RefusedError."""
        for name in (organ_id, agency_id):
            if not _IDENTIFIER.fullmatch(name):
                raise RefusedError("parameter_invalid", "an identifier does not fit into a certificate")
        if not 1 <= days <= MAX_DAYS:
            raise RefusedError("parameter_invalid", f"validity is 1 to {MAX_DAYS} days")
        key = self._requested_key(csr_pem)
        not_before = now.replace(microsecond=0) - _BACKDATED
        # A certificate must not outlive the CA that vouches for it.
        not_after = min(not_before + timedelta(days=days), self.certificate.not_valid_after_utc)
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, organ_id),
                x509.NameAttribute(NameOID.SERIAL_NUMBER, agency_id),
            ]
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_only_digital_signature(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        return builder.sign(self.key, hashes.SHA256())

    def _requested_key(self, csr_pem: bytes) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
        """The one thing taken from a signing request."""
        if len(csr_pem) > _MAX_CSR:
            raise RefusedError(_REFUSED, "the signing request is too large")
        try:
            request = x509.load_pem_x509_csr(csr_pem)
            key = request.public_key()
            if not isinstance(request.signature_hash_algorithm, _HASHES):
                raise RefusedError(_REFUSED, "sign the request with SHA-256, SHA-384 or SHA-512")
            if not request.is_signature_valid:
                raise RefusedError(_REFUSED, "the request is not signed with its own key")
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
            raise RefusedError(_REFUSED, "this is not a PKCS #10 signing request in PEM") from error
        if isinstance(key, rsa.RSAPublicKey):
            if key.key_size not in _RSA_BITS or key.public_numbers().e < _RSA_EXPONENT:
                raise RefusedError(_REFUSED, "RSA keys have 2048 to 8192 bits and an exponent from 65537")
        elif not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
            raise RefusedError(_REFUSED, "use RSA, P-256 or P-384")
        if key == self.certificate.public_key():
            raise RefusedError(_REFUSED, "this is the key of the CA itself")
        return key


def answer(authority: Authority, line: bytes, now: datetime) -> dict[str, Any]:
    """The reply to one request line; never raises for what the line holds."""
    try:
        request = json.loads(line)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        return {"refused": "parameter_invalid", "detail": "a request is one JSON object on one line"}
    return {"id": request.get("id"), **_answer(authority, request, now)}


def _answer(authority: Authority, request: dict[str, Any], now: datetime) -> dict[str, str]:
    if request.get("operation") != "certify":
        return {"refused": "parameter_invalid", "detail": "certify is the only operation"}
    try:
        certificate = authority.certify(
            str(request["csr"]).encode(),
            organ_id=str(request["organ_id"]),
            agency_id=str(request["agency_id"]),
            days=int(request["days"]),
            now=now,
        )
    except RefusedError as error:
        return {"refused": error.code, "detail": error.detail}
    except (ValueError, TypeError, KeyError):
        return {"refused": "parameter_invalid", "detail": "the request line is malformed"}
    return {"certificate": certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")}


def main(arguments: list[str]) -> int:
    """Serve requests until the input ends."""
    # A crash must not leave the key in a core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        key_file, certificate_file = (Path(each) for each in arguments)
        authority = Authority.load(key_file, certificate_file)
    except (KeyFileError, ValueError) as error:
        print(json.dumps({"failed": str(error)}), flush=True)  # noqa: T201 - the protocol's channel
        return 3
    print(json.dumps({"ready": True}), flush=True)  # noqa: T201 - the protocol's channel
    while line := sys.stdin.buffer.readline(MAX_LINE):
        reply = answer(authority, line, datetime.now(UTC))
        print(json.dumps(reply), flush=True)  # noqa: T201 - the protocol's channel
    return 0


def _only_digital_signature() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

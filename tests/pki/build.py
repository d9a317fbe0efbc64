"""Builds the test PKI of `members.toml`, in memory; the same bytes every time, without a stored secret.

Keys are derived from the member's name (the primes of RSA keys by search from a hash), serial numbers too,
and ECDSA signs deterministically. Anybody can compute these keys: that is the point, and why no anchor of
this PKI may be trusted anywhere.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

DECLARATION: Final = Path(__file__).with_name("members.toml")
_PURPOSES: Final = {
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "time_stamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
}
_BITS: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_SMALL_PRIMES: Final = [n for n in range(3, 2000) if all(n % d for d in range(2, math.isqrt(n) + 1))]
_EXPONENT: Final = 65537
#: How many odd numbers after where the search begins the primes of a key lie; without it they are looked for, which
#: takes seconds in every process of a test run.
_STEPS: Final[Mapping[tuple[str, int], tuple[int, int]]] = {
    ("seal-rsa", 2048): (244, 1173),
    ("seal-weak", 1024): (39, 8),
    ("seal-weak-ca", 1024): (234, 3),
    ("tls-server", 2048): (96, 1030),
    ("person", 2048): (19, 200),
    ("agency-rsa", 2048): (127, 525),
    ("person-weak", 1024): (14, 420),
    ("person-expired", 2048): (1, 119),
    ("person-revoked", 2048): (64, 317),
    ("weak-ca", 1024): (404, 293),
    ("stamper", 2048): (84, 64),
    ("stamper-not-critical", 2048): (537, 78),
    ("stamper-expired", 2048): (102, 809),
    ("tsa-rsa", 2048): (258, 16),
    ("tsa-weak", 1024): (3, 357),
}
#: Of a revocation list: serial number, since when, reason.
_Entry = tuple[int, datetime, str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One certificate of the PKI with its key."""

    name: str
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    #: The certificates sent along with it.
    sent: tuple[x509.Certificate, ...]

    @property
    def pem(self) -> bytes:
        """Certificate and what is sent along."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.sent))

    @property
    def key_pem(self) -> bytes:
        """The key, unencrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, kw_only=True, slots=True)
class Pki:
    """The whole."""

    members: dict[str, Member]
    #: By the name of the authority.
    revocation_lists: dict[str, x509.CertificateRevocationList]

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    def write_anchors(self, folder: Path, *names: str) -> Path:
        """A trust store of these members, with every revocation list."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / f"{name}.pem").write_bytes(self[name].certificate.public_bytes(Encoding.PEM))
        for name, revoked in self.revocation_lists.items():
            (folder / f"{name}.crl.pem").write_bytes(revoked.public_bytes(Encoding.PEM))
        return folder


@cache
def build(declaration: Path = DECLARATION) -> Pki:
    """The PKI of `members.toml`, or of another declaration."""
    declared = tomllib.loads(declaration.read_text("utf-8"))
    members: dict[str, Member] = {}
    for name, entry in declared["members"].items():
        members[name] = _member(name, entry, declared["defaults"], members)
    lists: dict[str, list[_Entry]] = {}
    for name, entry in declared["members"].items():
        if "revoked" in entry:
            serial = members[name].certificate.serial_number
            revoked_entry = (serial, _instant(entry["revoked"]), entry.get("reason"))
            lists.setdefault(entry["issuer"], []).append(revoked_entry)
        if entry.get("lists"):
            lists.setdefault(name, [])
    revoked = {
        issuer: _list(members[issuer], entries, declared["defaults"] | declared["members"][issuer])
        for issuer, entries in lists.items()
    }
    return Pki(members=members, revocation_lists=revoked)


def _member(name: str, entry: dict[str, Any], defaults: dict[str, Any], members: dict[str, Member]) -> Member:
    authority = bool(entry.get("authority"))
    key = _key(name, str(entry.get("key", "p256")), members)
    issuer = members[entry["issuer"]] if "issuer" in entry else None
    subject = _name(str(entry.get("common_name", name)), entry)
    issuer_key = issuer.key if issuer else key
    prefix = "authority_" if authority else ""
    usages = entry.get(
        "usages",
        ("key_cert_sign", "crl_sign") if authority else ("digital_signature", "content_commitment"),
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(_number(f"serial {name}", 120))
        .not_valid_before(_instant(entry.get("from", defaults[f"{prefix}from"])))
        .not_valid_after(_instant(entry.get("until", defaults[f"{prefix}until"])))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=entry.get("path_length")), critical=True)
        .add_extension(x509.KeyUsage(**{bit: bit in usages for bit in _BITS}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if "purpose" in entry:
        purposes = [_PURPOSES[each] for each in str(entry["purpose"]).split()]
        is_critical = bool(entry.get("only_purpose") or entry.get("purpose_critical"))
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=is_critical)
    if "ocsp" in entry:
        url = x509.UniformResourceIdentifier(str(entry["ocsp"]))
        described = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, url)
        builder = builder.add_extension(x509.AuthorityInformationAccess([described]), critical=False)
    if "crl" in entry:
        places = [x509.UniformResourceIdentifier(url) for url in str(entry["crl"]).split()]
        point = x509.DistributionPoint(full_name=places, relative_name=None, reasons=None, crl_issuer=None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    if "only_organisation" in entry:
        subtree = x509.DirectoryName(
            x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, entry["only_organisation"])])
        )
        limits = x509.NameConstraints(permitted_subtrees=[subtree], excluded_subtrees=None)
        builder = builder.add_extension(limits, critical=True)
    if "critical" in entry:
        demand = x509.UnrecognizedExtension(x509.ObjectIdentifier(entry["critical"]), b"\x05\x00")
        builder = builder.add_extension(demand, critical=True)
    certificate = builder.sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=_deterministic(issuer_key))
    sent = tuple(members[each].certificate for each in entry.get("sent", ()))
    return Member(name=name, certificate=certificate, key=key, sent=sent)


def _list(issuer: Member, entries: list[_Entry], defaults: dict[str, Any]) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(_instant(defaults["list_from"]))
        .next_update(_instant(defaults["list_until"]))
    )
    for serial, at, reason in entries:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at)
        if reason is not None:
            revoked = revoked.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), critical=False)
        builder = builder.add_revoked_certificate(revoked.build())
    return builder.sign(issuer.key, hashes.SHA256(), ecdsa_deterministic=_deterministic(issuer.key))


def _deterministic(key: object) -> bool | None:
    return True if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _name(common_name: str, entry: dict[str, Any]) -> x509.Name:
    name = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Văn thư thử nghiệm"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if "user_id" in entry:
        name.append(x509.NameAttribute(NameOID.USER_ID, entry["user_id"]))
    return x509.Name(name)


def _instant(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


#: By their names in a declaration; of those behind the first no profile allows any.
_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "p256": ec.SECP256R1(),
    "brainpool256": ec.BrainpoolP256R1(),
    "secp256k1": ec.SECP256K1(),
}


def _key(name: str, kind: str, members: dict[str, Member]) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if kind in _CURVES:
        return ec.derive_private_key(_number(f"key {name}", 250), _CURVES[kind])
    if kind.startswith("rsa"):
        return derive_rsa(name, int(kind.removeprefix("rsa")))
    return members[kind].key


def derive_rsa(name: str, bits: int) -> rsa.RSAPrivateKey:
    """An RSA key that follows from its name."""
    steps = _STEPS.get((name, bits), (0, 0))
    p, q = (_prime(f"key {name} {which}", bits // 2, step) for which, step in zip("pq", steps, strict=True))
    d = pow(_EXPONENT, -1, math.lcm(p - 1, q - 1))
    public = rsa.RSAPublicNumbers(e=_EXPONENT, n=p * q)
    numbers = rsa.RSAPrivateNumbers(
        p=p, q=q, d=d, dmp1=d % (p - 1), dmq1=d % (q - 1), iqmp=pow(q, -1, p), public_numbers=public
    )
    return numbers.private_key()


def _number(seed: str, bits: int) -> int:
    """A number below 2**bits with its highest bit set."""
    raw = int.from_bytes(hashlib.shake_256(seed.encode()).digest(bits // 8 + 1), "big")
    return (raw % (1 << bits)) | (1 << (bits - 1))


def _prime(seed: str, bits: int, step: int) -> int:
    # The two highest bits make the product as long as asked for.
    candidate = (_number(seed, bits) | (3 << (bits - 2)) | 1) + 2 * step
    while True:
        if (
            all(candidate % small for small in _SMALL_PRIMES)
            and (candidate - 1) % _EXPONENT
            and all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5))
        ):
            return candidate
        candidate += 2

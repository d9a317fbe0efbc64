"""TLS contexts of the gateway, and the development PKI.

`make_dev_pki` makes everything a first run needs in one new folder: a CA for TLS, one for seals, one for time
stamps and the enrolment CA, each with a self-signed root of its own (a common root would let a TLS certificate
vouch for a seal), certificates below them, and the three folders of anchors. Files are 0600, folders 0700;
existing files are never overwritten. It is for development and demonstrations: the CAs' keys lie beside the
rest and no revocation list is issued.

`server_tls_context` and `client_tls_context` are for production as well: TLS 1.2 or later, forward secrecy
and authenticated encryption only. The server asks for a client certificate and accepts none; which agency a
certificate stands for, and whether it was revoked, is decided per request by its fingerprint, NOT here.
"""

from __future__ import annotations

import hashlib
import ssl
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.config.settings import TlsSettings
from gateway.errors import ConfigError, KeyFileError, ProofError
from gateway.fsio import make_private_dir, write_durably
from gateway.seal.keys import read_key_file
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.transparency.keys import new_key, read_key, verifier_of
from gateway.transparency.note import VerifierKey

#: GCM first, for ECDHE-RSA as old Java and .NET have it; no CBC, no static RSA.
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")

_BACKDATED = timedelta(minutes=5)
_AUTHORITY_LIFE = timedelta(days=3650)
_LEAF_LIFE = timedelta(days=398)
_USAGES: Final = (
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


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPair:
    """Where a key and its certificate (with chain) lie."""

    key: Path
    certificate: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class DevPki:
    """A development PKI on disk; the object holds nothing but its folder."""

    folder: Path

    @property
    def server(self) -> KeyPair:
        """The gateway's TLS certificate."""
        return self._pair("server")

    @property
    def seal(self) -> KeyPair:
        """The gateway's seal certificate."""
        return self._pair("seal")

    @property
    def institution(self) -> KeyPair:
        """The institution's certificate, which signs checkpoints."""
        return self._pair("institution")

    @property
    def tsa(self) -> KeyPair:
        """A time-stamping certificate for a simulated authority."""
        return self._pair("tsa")

    @property
    def tsa_expired(self) -> KeyPair:
        """Another one, which has expired."""
        return self._pair("simulators/tsa-expired")

    @property
    def tsa_ca(self) -> KeyPair:
        """The CA of both."""
        return self._pair("authorities/tsa-ca")

    @property
    def log_key(self) -> Path:
        """The key of the transparency log."""
        return self.folder / "log.key"

    @property
    def log_vkey(self) -> Path:
        """Its public key, as C2SP notes have it."""
        return self.folder / "log.vkey"

    @property
    def enrolment_ca(self) -> KeyPair:
        """The CA that certifies agencies' own keys."""
        return self._pair("enrolment-ca")

    @property
    def tls_ca(self) -> KeyPair:
        """The CA below which `issue_server` makes certificates."""
        return self._pair("authorities/tls-ca")

    def anchors(self, purpose: TrustPurpose) -> Path:
        """The folder of anchors of one purpose."""
        return self.folder / "anchors" / purpose

    def client(self, name: str) -> KeyPair:
        """The client certificate that `issue_client` made under that name."""
        return self._pair(f"clients/{name}")

    def simulator(self, name: str) -> KeyPair:
        """The server certificate of a simulated peer, made by `issue_server`."""
        return self._pair(f"simulators/{name}")

    def _pair(self, stem: str) -> KeyPair:
        return KeyPair(key=self.folder / f"{stem}.key", certificate=self.folder / f"{stem}.pem")


def make_dev_pki(
    folder: Path,
    *,
    now: datetime,
    server_names: Sequence[str] = LOOPBACK,
    client_names: Sequence[str] = (),
    log_origin: str = "development.example/log",
) -> DevPki:
    """A new development PKI; `client_names` are organ ids that get a client certificate each."""
    pki = DevPki(folder=folder)
    if pki.server.key.exists():
        raise KeyFileError(f"{folder} holds a PKI already; remove the folder to make a new one")
    for part in ("", "authorities", "clients", "simulators", *(f"anchors/{each}" for each in TrustPurpose)):
        make_private_dir(folder / part)
    tls_root, tls_ca = _two_authorities("TLS", now)
    seal_root, seal_ca = _two_authorities("Seal", now)
    tsa_root, tsa_ca = _two_authorities("Time stamp", now)
    enrolment = _authority("Gateway development enrolment CA", now)
    _save(pki.enrolment_ca, enrolment)
    _save(pki.tls_ca, tls_ca)
    for purpose, root in (("tls", tls_root), ("seal", seal_root), ("tsa", tsa_root)):
        write_durably(folder / "anchors" / purpose / "root.pem", root.pem)
    # Client certificates lead here; the server's context reads the whole folder.
    write_durably(pki.anchors(TrustPurpose.TLS) / "enrolment-ca.pem", enrolment.pem)
    _save(pki.server, _server_certificate("gateway", server_names, tls_ca, now))
    seal = _certificate(
        "Gateway development seal", now, by=seal_ca, usages=("digital_signature", "content_commitment")
    )
    _save(pki.seal, seal)
    _save_institution(pki, now)
    _save(pki.tsa_ca, tsa_ca)
    for pair, at in ((pki.tsa, now), (pki.tsa_expired, now - _LEAF_LIFE)):
        _save(pair, _stamping_certificate(tsa_ca, at))
    write_log_key(pki.log_key, pki.log_vkey, log_origin, 0o600)
    for organ_id in client_names:
        issue_client(folder, organ_id, organ_id, now=now)
    return pki


def _save_institution(pki: DevPki, now: datetime) -> None:
    """Its key and a root of its own, both on P-256 as tokens like it."""
    usages = ("digital_signature", "content_commitment")
    root = _authority("Gateway development institution root", now, key=ec.generate_private_key(ec.SECP256R1()))
    own = _certificate(
        "Development institution", now, by=root, usages=usages, key=ec.generate_private_key(ec.SECP256R1())
    )
    write_durably(pki.anchors(TrustPurpose.INSTITUTION) / "root.pem", root.pem)
    _save(pki.institution, own)


def write_log_key(key_file: Path, vkey_file: Path, origin: str, vkey_mode: int = 0o644) -> VerifierKey:
    """A new key for a transparency log of that name, and the file of its public key; both names must be free."""
    if vkey_file.exists():
        raise KeyFileError(
            f"{vkey_file} is there already: a log has one key as long as it lives", path=str(vkey_file)
        )
    pem = new_key()
    try:
        key = VerifierKey.parse(str(verifier_of(read_key(pem), origin)))
    except ProofError as error:
        raise KeyFileError(f"{origin!r} cannot be the name of a log: no white space, no plus") from error
    write_durably(key_file, pem)
    write_durably(vkey_file, f"{key}\n".encode(), vkey_mode)
    return key


def issue_client(folder: Path, name: str, organ_id: str, *, now: datetime) -> KeyPair:
    """A key and client certificate for a system in the development PKI, signed by its enrolment CA."""
    pki = DevPki(folder=folder)
    issued = _certificate(
        organ_id,
        now,
        by=_load(pki.enrolment_ca),
        usages=("digital_signature",),
        purpose=ExtendedKeyUsageOID.CLIENT_AUTH,
    )
    _save(pki.client(name), issued)
    return pki.client(name)


def make_own_certificate(pair: KeyPair, names: Sequence[str], *, now: datetime) -> None:
    """A key and a certificate that nobody else vouches for: who connects is given the file as its anchor."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now - _BACKDATED + _AUTHORITY_LIFE)
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_durably(pair.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    write_durably(pair.certificate, certificate.public_bytes(Encoding.PEM), 0o644)


def issue_server(folder: Path, name: str, *, now: datetime, names: Sequence[str] = LOOPBACK) -> KeyPair:
    """A key and server certificate for a simulated peer in the development PKI."""
    pki = DevPki(folder=folder)
    authority = _load(pki.tls_ca)
    _save(pki.simulator(name), _server_certificate(name, names, authority, now))
    return pki.simulator(name)


def server_tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """The agencies' listener: our certificate, client certificates optional and checked when given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    _load_own(context, settings.key, settings.certificate)
    _trust(context, settings.client_anchors)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def bindings_tls_context(settings: TlsSettings, peers: Path | None = None) -> ssl.SSLContext:
    """The listener of other protocols: our certificate; nobody is asked for one, but for `peers`, a PEM file's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    _load_own(context, settings.key, settings.certificate)
    if peers is not None:
        context.load_verify_locations(cafile=peers)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_tls_context(anchors: Path, own: KeyPair | None = None) -> ssl.SSLContext:
    """For connections to a peer: its certificate and name are verified against `anchors`, a folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    _trust(context, anchors)
    if own is not None:
        _load_own(context, own.key, own.certificate)
    return context


def ends_at(certificate: Path) -> datetime:
    """When the (first) certificate of a file ends; raises OSError or ValueError."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def server_key_pin(certificate: x509.Certificate) -> str:
    """SHA-256 of SubjectPublicKeyInfo in base64 [RFC 7469 2.4], printed beside enrolment codes."""
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(hashlib.sha256(info).digest()).decode("ascii")


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # An anchor need not be a root: a store may trust one issuing CA and not its siblings.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _trust(context: ssl.SSLContext, anchors: Path) -> None:
    store = TrustStore.load(anchors, TrustPurpose.TLS)
    pem = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in store.anchors)
    context.load_verify_locations(cadata=pem.decode("ascii"))


def _load_own(context: ssl.SSLContext, key: Path, certificate: Path) -> None:
    read_key_file(key)
    try:
        # An encrypted key must be refused, not asked for on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(f"{certificate} and {key} are not usable together: {error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Identity:
    """A key, its certificate, and the certificates to send after it."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        return b"".join(each.public_bytes(Encoding.PEM) for each in (self.certificate, *self.above))


def _two_authorities(kind: str, now: datetime) -> tuple[_Identity, _Identity]:
    root = _authority(f"Gateway development {kind} root", now)
    return root, _authority(f"Gateway development {kind} CA", now, by=root)


def _authority(
    common_name: str,
    now: datetime,
    *,
    by: _Identity | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> _Identity:
    return _certificate(common_name, now, by=by, usages=("key_cert_sign", "crl_sign"), authority=True, key=key)


def _stamping_certificate(by: _Identity, now: datetime) -> _Identity:
    return _certificate(
        "Development time-stamping authority",
        now,
        by=by,
        usages=("digital_signature", "content_commitment"),
        purpose=ExtendedKeyUsageOID.TIME_STAMPING,
    )


def _server_certificate(name: str, names: Sequence[str], by: _Identity, now: datetime) -> _Identity:
    return _certificate(
        name,
        now,
        by=by,
        usages=("digital_signature", "key_encipherment"),
        purpose=ExtendedKeyUsageOID.SERVER_AUTH,
        names=names,
    )


def _certificate(
    common_name: str,
    now: datetime,
    *,
    by: _Identity | None,
    usages: Iterable[str],
    purpose: x509.ObjectIdentifier | None = None,
    names: Sequence[str] = (),
    authority: bool = False,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
) -> _Identity:
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Development, not for use"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    issuer_key = by.key if by else key
    life = _AUTHORITY_LIFE if authority else _LEAF_LIFE
    allowed = set(usages)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now - _BACKDATED + life)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**{usage: usage in allowed for usage in _USAGES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if purpose is not None:
        critical = purpose == ExtendedKeyUsageOID.TIME_STAMPING  # RFC 3161 2.3
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=critical)
    if names:
        alternatives = x509.SubjectAlternativeName([_general_name(each) for each in names])
        builder = builder.add_extension(alternatives, critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    # What is sent along: the issuing CAs, but not a root, which the other side has or does not trust.
    above = (by.certificate, *by.above) if by and by.certificate.issuer != by.certificate.subject else ()
    return _Identity(key=key, certificate=certificate, above=above)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _save(pair: KeyPair, identity: _Identity) -> None:
    key = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_durably(pair.key, key)
    write_durably(pair.certificate, identity.pem)


def _load(pair: KeyPair) -> _Identity:
    key = load_pem_private_key(read_key_file(pair.key), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyFileError(f"{pair.key} is not a key of the development PKI")
    certificate, *above = x509.load_pem_x509_certificates(pair.certificate.read_bytes())
    return _Identity(key=key, certificate=certificate, above=tuple(above))

"""A time-stamping authority of the test PKI, in memory: RFC 3161 replies with the same bytes every time."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.pki.build import build

_SHA256 = {"algorithm": "sha256"}


@cache
def certificate() -> x509.Certificate:
    """The authority's, below `tsa-root`."""
    root, key = build()["tsa-root"], _key()
    begin = root.certificate.not_valid_before_utc
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tsa-of-tests")]))
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(3161)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3650))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False)
        .sign(root.key, hashes.SHA256(), ecdsa_deterministic=True)
    )


def stamp(digest: bytes, at: datetime) -> bytes:
    """A granted reply over a SHA-256 digest."""
    own = asn1_x509.Certificate.load(certificate().public_bytes(Encoding.DER))
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.3.6.1.4.1.99999.1",
            "message_imprint": {"hash_algorithm": _SHA256, "hashed_message": digest},
            "serial_number": 1,
            "gen_time": at,
        }
    )
    content = info.dump()
    signing = {"certs": [{"cert_hash": sha256(own.dump()).digest()}]}
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "message_digest", "values": [sha256(content).digest()]},
            {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2(signing)]},
        ]
    )
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": {"issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}},
            "digest_algorithm": algos.DigestAlgorithm(_SHA256),
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_rsa"},
            "signature": _key().sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256()),
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [_SHA256],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "certificates": [own],
            "signer_infos": [signer],
        }
    )
    token = cms.ContentInfo({"content_type": "signed_data", "content": signed})
    return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())


def _key() -> rsa.RSAPrivateKey:
    key = build()["tls-server"].key
    assert isinstance(key, rsa.RSAPrivateKey)
    return key

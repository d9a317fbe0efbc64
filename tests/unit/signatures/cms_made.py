"""CMS signatures and time-stamp tokens of the test PKI, the same bytes every time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.pki.build import Member, Pki, build

DECLARATION: Final = Path(__file__).parents[2] / "pki" / "signers.toml"
SIGNED_AT: Final = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
#: When the vectors are judged.
AT: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def pki() -> Pki:
    """The signers' PKI."""
    return build(DECLARATION)


@dataclass(frozen=True, kw_only=True, slots=True)
class CmsPlan:
    """How a signature departs from a good one."""

    member: str = "person"
    hash_name: str = "sha256"
    signed_at: datetime = SIGNED_AT
    #: The certificate that the signature names and sends, where it is not the key's own.
    shown: str = ""
    stamper: str = ""
    stamped_at: datetime = SIGNED_AT
    #: What the stamp is about, where it is not the signature's value.
    stamp_about: bytes = b""
    #: A text inside, which a detached signature has not.
    inside: bytes = b""


def asn1(member: Member) -> list[x509.Certificate]:
    """The member's certificate and what is sent along."""
    return [x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in (member.certificate, *member.sent)]


def raw_signature(member: Member, data: bytes, hash_name: str = "sha256") -> bytes:
    """The member's signature of `data`, deterministic."""
    used = getattr(hashes, hash_name.upper())()
    if isinstance(member.key, rsa.RSAPrivateKey):
        return member.key.sign(data, padding.PKCS1v15(), used)
    return member.key.sign(data, ec.ECDSA(used, deterministic_signing=True))


def cms_signature(digest: bytes, plan: CmsPlan) -> bytes:
    """A detached CAdES signature over what has this digest, in DER."""
    member = pki()[plan.member]
    certificates = asn1(pki()[plan.shown] if plan.shown else member)
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [digest]}),
            cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": plan.signed_at})]}),
            _ess(certificates[0]),
        ]
    )
    value = raw_signature(member, attributes.dump(), plan.hash_name)
    unsigned: Any = None
    if plan.stamper:
        token = stamp_token(plan.stamp_about or value, plan.stamper, plan.stamped_at)
        unsigned = cms.CMSAttributes(
            [cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [cms.ContentInfo.load(token)]})]
        )
    content = {"content_type": "data", "content": plan.inside or None}
    return _signed_data(member, certificates, attributes, value, content, plan.hash_name, unsigned)


def stamp_token(about: bytes, member_name: str, at: datetime) -> bytes:
    """An RFC 3161 token over `about`, in DER."""
    member = pki()[member_name]
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.3.6.1.4.1.99999.2",
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": hashlib.sha256(about).digest(),
            },
            "serial_number": 1,
            "gen_time": at,
        }
    )
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(info.dump()).digest()]}),
            _ess(asn1(member)[0]),
        ]
    )
    value = raw_signature(member, attributes.dump())
    content = {"content_type": "tst_info", "content": core.ParsableOctetString(info.dump())}
    return _signed_data(member, asn1(member), attributes, value, content, "sha256", None)


def _ess(certificate: x509.Certificate) -> cms.CMSAttribute:
    named = tsp.SigningCertificateV2(
        {"certs": [{"hash_algorithm": {"algorithm": "sha256"}, "cert_hash": certificate.sha256}]}
    )
    return cms.CMSAttribute({"type": "signing_certificate_v2", "values": [named]})


def _signed_data(
    member: Member,
    certificates: list[x509.Certificate],
    attributes: cms.CMSAttributes,
    value: bytes,
    content: dict[str, Any],
    hash_name: str,
    unsigned: Any,
) -> bytes:
    family = "rsa" if isinstance(member.key, rsa.RSAPrivateKey) else "ecdsa"
    info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {
                "issuer_and_serial_number": {
                    "issuer": certificates[0].issuer,
                    "serial_number": certificates[0].serial_number,
                }
            }
        ),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": hash_name}),
        "signed_attrs": attributes,
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": f"{hash_name}_{family}"}),
        "signature": value,
    }
    if unsigned is not None:
        info["unsigned_attrs"] = unsigned
    signed = cms.SignedData(
        {
            "version": "v3" if content["content_type"] == "tst_info" else "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": hash_name})],
            "encap_content_info": {name: each for name, each in content.items() if each is not None},
            "certificates": certificates,
            "signer_infos": [cms.SignerInfo(info)],
        }
    )
    der: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return der

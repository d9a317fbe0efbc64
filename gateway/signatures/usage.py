"""What a certificate says it may be used for: its own words on key usage, CA flag and extended usage."""

from __future__ import annotations

from cryptography import x509

from gateway.seal.profile import SIGNING_PURPOSES


def signing_faults(certificate: x509.Certificate) -> tuple[str, ...]:
    """Why a certificate may not sign documents: its key usage, CA flag and extended usage."""
    faults = []
    found = {extension.oid: extension.value for extension in certificate.extensions}
    usage = found.get(x509.KeyUsage.oid)
    if isinstance(usage, x509.KeyUsage) and not (usage.digital_signature or usage.content_commitment):
        faults.append("keyUsage has neither digitalSignature nor nonRepudiation")
    constraints = found.get(x509.BasicConstraints.oid)
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        faults.append("it is a CA certificate")
    extended = found.get(x509.ExtendedKeyUsage.oid)
    if isinstance(extended, x509.ExtendedKeyUsage) and not set(extended) & SIGNING_PURPOSES:
        faults.append("extendedKeyUsage allows no signing of documents")
    return tuple(faults)

"""What REST says of the certificate to which senders encrypt for an agency."""

from __future__ import annotations

from datetime import datetime

from gateway.api.models import Response


class EncryptionCertificateOut(Response):
    """Encrypt for the agency to this one."""

    organ_id: str
    #: PEM.
    certificate: str
    #: Of its DER, hexadecimal.
    sha256: str
    #: Subject and issuer, their commonName.
    name: str
    issuer: str
    #: Hexadecimal.
    serial: str
    #: `RSA 3072`, `P-256`.
    algorithm: str
    #: Its own validity; no sender should use it afterwards.
    not_before: datetime
    not_after: datetime
    #: When an operator published it here.
    published_at: datetime

"""What REST says of the signatures that others made on a document."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct


class SignatureOut(Struct, rename="camel", kw_only=True):
    """One signature that somebody made on a document."""

    #: `encrypted`: an attachment that only its recipients can look at.
    kind: Literal["xml", "pdf", "cms", "decorative", "encrypted"]
    #: `edXML`, or number and name of an attachment.
    where: str
    form: str
    #: commonName of the certificate; "" where there is none.
    signer: str
    signer_kind: Literal["person", "agency", "unknown"]
    #: Whether the signer belongs to the agency that sends, as operators have bound certificates; "": not compared.
    belongs: Literal["sender", "other", "ended", "unknown", ""]
    verdict: Literal["PASSED", "INDETERMINATE", "FAILED"]
    claimed_at: datetime | None
    proven_at: datetime | None
    #: Sub-indications of ETSI TS 119 102-1 with their sentence, for every check that did not pass.
    findings: list[str]


class SignaturesOut(Struct, rename="camel", kw_only=True):
    """What was found of a document's signatures."""

    checked_at: datetime
    verdict: Literal["PASSED", "INDETERMINATE", "FAILED"]
    #: In a clerk's words.
    vi: str
    en: str
    #: SHA-256 of the stored report.
    report_sha256: str
    items: list[SignatureOut]

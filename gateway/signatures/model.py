"""The nouns of foreign signatures, and the bytes in which a verdict is kept.

- *found*: one signature, or what stands where one would: who, over what, since when, and every check made.
- *examined*: everything found in one message, with the certificates and revocation lists that the verdict rests
  on, so that it can be made again in ten years. *Claimed* is a time that the signer wrote, *proven* one that a
  time-stamping authority vouches for ("not later than").

A verdict is the worst of its checks, as in `gateway.seal.report`. A message without any signature is
INDETERMINATE: nothing was proved.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from gateway.seal.report import Check, Report, Verdict

#: Of the stored form; a reader of ten years hence looks at it first.
VERSION = 1


class Kind(StrEnum):
    """What was found."""

    XML = "xml"
    PDF = "pdf"
    #: A detached CMS signature in a file beside the one it signs.
    CMS = "cms"
    #: No signature: an attachment that is encrypted end to end, so that nobody here sees whether it has any.
    ENCRYPTED = "encrypted"
    #: The `Signature` block in the namespace of QCVN 102:2016/BTTTT: three digests and a text, no key to any of it.
    DECORATIVE = "decorative"


class SignerKind(StrEnum):
    """For whom a certificate speaks, as its subject says."""

    PERSON = "person"
    AGENCY = "agency"
    UNKNOWN = "unknown"


class Belonging(StrEnum):
    """Whether a signer belongs to the agency that sends, as operators have bound certificates to agencies."""

    SENDER = "sender"
    #: It is bound to another agency, or the sender's own are others.
    OTHER = "other"
    #: It was bound to the sender at another time only.
    ENDED = "ended"
    #: Nobody has bound it.
    UNKNOWN = "unknown"
    #: Verdicts from before bindings, and what has no signer.
    NOT_COMPARED = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """The holder of a signing certificate."""

    #: The certificate's SHA-256, hex; its bytes are in `Examined.certificates`.
    sha256: str
    #: commonName, or the whole subject where there is none.
    name: str
    #: RFC 4514.
    subject: str
    issuer: str
    #: Hex.
    serial: str
    kind: SignerKind = SignerKind.UNKNOWN


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """Where a CA tells whether one of its certificates was revoked (`gateway.signatures.lookups`)."""

    #: SHA-256 of the certificate, hex.
    certificate: str
    #: commonName of the issuer, for people.
    authority: str
    #: DER of the issuer's certificate: it must have signed the answers.
    issuer: bytes
    #: HTTP addresses of lists and of OCSP responders, and what these are asked (DER).
    crls: tuple[str, ...] = ()
    ocsps: tuple[str, ...] = ()
    request: bytes = b""
    #: `Answer.subject` of the answers that would do.
    subjects: tuple[str, ...] = ()
    #: Whether what is at hand says how the certificate stands.
    answered: bool = False
    #: Whether waiting makes sense: there is an address, or there were answers before.
    hopeful: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One signature."""

    kind: Kind
    #: `edXML`, or the attachment's number and name: `2 quyet-dinh.pdf`.
    where: str
    #: The field of a PDF, the id of an XML signature; "" where it has none.
    name: str = ""
    #: `XMLDSig`, `XAdES`, `ETSI.CAdES.detached` and so on, as the signature says.
    form: str = ""
    signer: Signer | None = None
    claimed_at: datetime | None = None
    proven_at: datetime | None = None
    #: What of the file it covers: `whole`, `revision`, `part`; "" where that was not found out.
    coverage: str = ""
    belongs: Belonging = Belonging.NOT_COMPARED
    checks: tuple[Check, ...] = ()
    not_examined: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of its checks."""
        return Report(checks=self.checks).verdict

    @property
    def faults(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return Report(checks=self.checks).faults


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """Everything found in one message."""

    #: The point in time for which certificates were judged where no stamp proves an earlier one.
    at: datetime
    signatures: tuple[Found, ...] = ()
    #: What nobody looked at, so that PASSED is not read as more than it is.
    not_examined: tuple[str, ...] = ()
    #: DER in base 64 by SHA-256: every certificate that came with a signature or lies on a path.
    certificates: Mapping[str, str] = field(default_factory=dict)
    #: Likewise revocation lists and OCSP answers of issuers on a path; "" where the caller has the bytes.
    revocations: Mapping[str, str] = field(default_factory=dict)
    #: Where CAs tell about certificates on the paths that were found; not kept with the verdict.
    lookups: tuple[Lookup, ...] = ()
    version: int = VERSION

    @property
    def verdict(self) -> Verdict:
        """The worst of what was found; INDETERMINATE when that is nothing."""
        return Report(checks=tuple(check for each in self.signatures for check in each.checks)).verdict

    @property
    def missing(self) -> tuple[Lookup, ...]:
        """What could be answered yet, and would change the verdict."""
        return tuple(each for each in self.lookups if each.hopeful and not each.answered)

    def encode(self) -> bytes:
        """JSON, the verdicts written out for readers without this program."""
        raw: dict[str, Any] = msgspec.to_builtins(self, str_keys=True)
        raw["verdict"] = self.verdict.value
        for each, found in zip(raw["signatures"], self.signatures, strict=True):
            each["verdict"] = found.verdict.value
        return msgspec.json.encode(raw, order="sorted")

    @classmethod
    def decode(cls, data: bytes) -> Examined:
        """The inverse; raises msgspec.DecodeError."""
        return msgspec.json.decode(data, type=cls)


@dataclass(kw_only=True, slots=True)
class Gathered:
    """What the verifiers put aside while they work."""

    certificates: dict[str, str] = field(default_factory=dict)
    revocations: dict[str, str] = field(default_factory=dict)
    #: By certificate.
    lookups: dict[str, Lookup] = field(default_factory=dict)

    def keep_lookup(self, lookup: Lookup) -> None:
        """Where its CA tells about a certificate; what is not answered once is not answered."""
        known = self.lookups.get(lookup.certificate)
        if known is None or known.answered:
            self.lookups[lookup.certificate] = lookup

    def keep_certificate(self, sha256: str, der: bytes) -> None:
        """A certificate, in DER."""
        self.certificates.setdefault(sha256, b64encode(der).decode())

    def keep_revocation(self, sha256: str, der: bytes) -> None:
        """A revocation list or an OCSP answer, in DER."""
        self.revocations.setdefault(sha256, b64encode(der).decode())

    def keep_name(self, sha256: str) -> None:
        """Likewise one whose bytes the caller has."""
        self.revocations[sha256] = ""

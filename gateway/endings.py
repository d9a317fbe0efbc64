"""When the keys and certificates that the gateway uses end, and how urgent that is.

    level 1   60 days before the end    order its successor
    level 2   30 days                   it should lie there, staged
    level 3   7 days, or ended          now

The days are those of certificates that live a year or longer; of shorter ones a sixth, a twelfth and a 48th of
their life, so that one that is renewed every few weeks is no standing alarm. Of a folder of CAs those count that
are trusted now: an ended one is kept for what was signed below it, unless no other is left. The log's key has no
end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from gateway.config.settings import Settings
from gateway.errors import TrustStoreError
from gateway.seal.profile import fingerprint
from gateway.seal.signer import NEXT, OLD, variant
from gateway.seal.trust import TrustPurpose, TrustStore

#: The longest warnings, and which part of a life they are at most.
LEVELS: Final = ((timedelta(days=60), 6), (timedelta(days=30), 12), (timedelta(days=7), 48))
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """A certificate in use."""

    #: `seal`, `tls`, …; `anchors.tsa.NAME` of a CA, `anchors.checks.tsa.NAME` of one in `[checks] stamps`.
    purpose: str
    file: Path
    #: "" where the file cannot be read.
    subject: str = ""
    #: SHA-256, in hex.
    sha256: str = ""
    begins: datetime | None = None
    ends: datetime | None = None
    certificate: x509.Certificate | None = None
    #: Why it cannot be read; "" otherwise.
    fault: str = ""

    @property
    def is_anchor(self) -> bool:
        """Whether it is a CA that others lead to."""
        return self.purpose.startswith("anchors.")

    def days_left(self, now: datetime) -> float:
        """Negative when it has ended or cannot be read."""
        return -1.0 if self.ends is None else (self.ends - now) / _DAY

    def level(self, now: datetime) -> int:
        """0: nothing is to be done, else 1 to 3."""
        if self.ends is None or self.begins is None:
            return len(LEVELS)
        return level_of(self.begins, self.ends, now)

    def told(self, now: datetime) -> str:
        """For a person."""
        if self.ends is None:
            return f"{self.purpose}: {self.fault}"
        days = self.days_left(now)
        when = f"ends in {days:.0f} days" if days >= 0 else f"ended {-days:.0f} days ago"
        return f"{self.purpose}: {when}, on {self.ends:%Y-%m-%d}: {self.subject}"

    def told_vi(self, now: datetime) -> str:
        """The same in Vietnamese."""
        if self.ends is None:
            return f"{self.purpose}: không đọc được: {self.fault}"
        days = self.days_left(now)
        when = f"còn {days:.0f} ngày, hết hạn ngày" if days >= 0 else f"đã hết hạn {-days:.0f} ngày, từ ngày"
        return f"{self.purpose}: {when} {self.ends:%d/%m/%Y}: {self.subject}"


def level_of(begins: datetime, ends: datetime, now: datetime) -> int:
    """0: nothing is to be done, else 1 to 3."""
    life, left = ends - begins, ends - now
    return sum(1 for days, part in LEVELS if left < min(days, life / part))


def endings(settings: Settings) -> list[Ending]:
    """All that are in use. Blocks."""
    files = [
        ("tls", settings.tls.certificate),
        ("seal", settings.seal.certificate),
        ("enrolment", settings.enrolment.certificate),
    ]
    if settings.institution.certificate.exists():
        files.append(("institution", settings.institution.certificate))
    found = [ending_of(purpose, path) for purpose, path in files]
    checks, stamps = settings.checks, settings.stamps
    stores = [
        ("tls", TrustPurpose.TLS, settings.tls.client_anchors),
        ("seal", TrustPurpose.SEAL, settings.seal.anchors),
    ]
    if stamps.servers:
        stores.append(("tsa", TrustPurpose.TSA, stamps.anchors))
    if checks.signers is not None:
        stores.append(("signers", TrustPurpose.SIGNERS, checks.signers))
    if checks.stamps is not None and not (stamps.servers and checks.stamps == stamps.anchors):
        stores.append(("checks.tsa", TrustPurpose.TSA, checks.stamps))
    for name, purpose, folder in stores:
        found += _of_store(f"anchors.{name}", purpose, folder)
    return found


def beside(settings: Settings) -> list[Ending]:
    """What is staged, and what was replaced."""
    pairs = (("seal", settings.seal.certificate), ("institution", settings.institution.certificate))
    return [
        ending_of(f"{purpose}{which}", path)
        for purpose, file in pairs
        for which in (NEXT, OLD)
        if (path := variant(file, which)).exists()
    ]


def ending_of(purpose: str, path: Path) -> Ending:
    """Of the first certificate of a file."""
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        return Ending(purpose=purpose, file=path, fault=f"{path} cannot be read: {error}")
    return _ending(purpose, path, certificate, certificate.not_valid_after_utc)


def warnings(found: Iterable[Ending], now: datetime) -> Iterator[Ending]:
    """Those about which something is to be done, the most urgent first."""
    yield from sorted((each for each in found if each.level(now)), key=lambda each: each.days_left(now))


def _ending(purpose: str, path: Path, certificate: x509.Certificate, ends: datetime) -> Ending:
    return Ending(
        purpose=purpose,
        file=path,
        subject=certificate.subject.rfc4514_string(),
        sha256=fingerprint(certificate).hex(),
        begins=certificate.not_valid_before_utc,
        ends=ends,
        certificate=certificate,
    )


def _of_store(name: str, purpose: TrustPurpose, folder: Path) -> list[Ending]:
    try:
        store = TrustStore.load(folder, purpose)
    except TrustStoreError as error:
        return [Ending(purpose=name, file=folder, fault=str(error))]
    found = []
    for anchor in store.anchors:
        ends = min(anchor.certificate.not_valid_after_utc, anchor.trusted_until)
        found.append(_ending(f"{name}.{anchor.name}", folder / f"{anchor.name}.pem", anchor.certificate, ends))
    return found


def without_replaced(found: Iterable[Ending], now: datetime) -> list[Ending]:
    """Leaves out the CAs that have ended while another one of their folder has not."""
    listed = list(found)
    alive = {each.file.parent for each in listed if each.is_anchor and each.days_left(now) >= 0}
    return [
        each for each in listed if not (each.is_anchor and each.days_left(now) < 0 and each.file.parent in alive)
    ]

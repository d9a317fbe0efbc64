"""What an examination found: a closed list of codes, each with a sentence and what to do, in two languages.

A finding never holds a secret and never a subject or name from a document: ids, digests, states, paths.
`Findings` keeps at most `MANY` findings of one code in full and counts the rest, so that examining a wholly
damaged ledger stays within its memory. It does NOT decide what is wrong: the examiners do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

#: Findings of one code that are kept in full.
MANY = 1000


class Severity(StrEnum):
    """How bad it is; only errors make an examination fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One thing that can be found."""

    severity: Severity
    vi: str
    en: str
    #: What to do.
    do_vi: str
    do_en: str


def kind(severity: Severity, vi: str, en: str, do_vi: str, do_en: str) -> Kind:
    """A line of a list of kinds."""
    return Kind(severity=severity, vi=vi, en=en, do_vi=do_vi, do_en=do_en)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing found."""

    code: str
    kind: Kind
    #: Id, digest, path or name of what it is about.
    subject: str
    #: What exactly differs.
    detail: str = ""
    #: The same and the subject in Vietnamese; "": there is none of its own.
    detail_vi: str = ""
    subject_vi: str = ""

    def as_json(self) -> dict[str, object]:
        """As `--json` prints it."""
        return {
            "severity": str(self.kind.severity),
            "code": self.code,
            "subject": self.subject,
            "detail": self.detail,
            "detail_vi": self.detail_vi or self.detail,
            "vi": self.kind.vi,
            "en": self.kind.en,
            "do": {"vi": self.kind.do_vi, "en": self.kind.do_en},
        }


class Findings:
    """Gathers findings of one table of kinds."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._kinds = kinds
        self._kept: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, code: str, subject: str, detail: str = "") -> None:
        """Record one; an unknown code is a programming error (KeyError)."""
        kind = self._kinds[code]
        self._counts[code] += 1
        if self._counts[code] <= MANY:
            self._kept.append(Finding(code=code, kind=kind, subject=subject, detail=detail))

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not any(self._kinds[code].severity is Severity.ERROR for code in self._counts)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each code was found, those not kept included."""
        return self._counts

    def listed(self) -> list[Finding]:
        """Errors first, then in the order found; a last one for each code that was cut short."""
        order = list(Severity)
        kept = sorted(self._kept, key=lambda item: order.index(item.kind.severity))
        cut = [
            Finding(code=code, kind=self._kinds[code], subject="…", detail=f"{count - MANY} more of these")
            for code, count in self._counts.items()
            if count > MANY
        ]
        return kept + cut

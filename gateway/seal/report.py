"""What a verification found: never a bare yes or no.

A report holds every check that was made, in the order of its making, and what was NOT examined. The verdicts
and the reasons are those of ETSI TS 119 102-1: FAILED is proved wrong, INDETERMINATE means that what is at
hand does not suffice, only PASSED may be relied on. A report judges nothing itself: its verdict is the worst
of its checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """The outcome of a check or of the whole."""

    PASSED = "PASSED"
    INDETERMINATE = "INDETERMINATE"
    FAILED = "FAILED"


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    """What several verdicts come to; INDETERMINATE when there is none."""
    found = set(verdicts) or {Verdict.INDETERMINATE}
    return next(worst for worst in (Verdict.FAILED, Verdict.INDETERMINATE, Verdict.PASSED) if worst in found)


class Indication(StrEnum):
    """Why a check did not pass [ETSI TS 119 102-1 5.1.3]."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    TRY_LATER = "TRY_LATER"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    NO_POE = "NO_POE"
    GENERIC = "GENERIC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing examined."""

    #: Such as `document.digest`; stable.
    name: str
    verdict: Verdict
    #: None exactly when the check passed.
    indication: Indication | None = None
    #: One sentence for a person; "" when the check passed.
    reason: str = ""
    #: Digests, instants, names: what the verdict rests on.
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that was found about one receipt."""

    checks: tuple[Check, ...]
    #: What nobody looked at, so that PASSED is not read as more than it is.
    not_examined: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of the checks; INDETERMINATE when there is none."""
        return worst_of(check.verdict for check in self.checks)

    @property
    def faults(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if check.verdict is not Verdict.PASSED)

    def check(self, name: str) -> Check:
        """The check of that name; KeyError when it was not made."""
        for each in self.checks:
            if each.name == name:
                return each
        raise KeyError(name)


def passed(name: str, **facts: str) -> Check:
    """A check that passed."""
    return Check(name=name, verdict=Verdict.PASSED, facts=facts)


def failed(name: str, indication: Indication, reason: str, **facts: str) -> Check:
    """A check proved wrong."""
    return Check(name=name, verdict=Verdict.FAILED, indication=indication, reason=reason, facts=facts)


def undecided(name: str, indication: Indication, reason: str, **facts: str) -> Check:
    """A check that what is at hand does not decide."""
    return Check(name=name, verdict=Verdict.INDETERMINATE, indication=indication, reason=reason, facts=facts)

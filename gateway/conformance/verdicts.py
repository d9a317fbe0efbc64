"""What the kit says about one step: the shapes that judges give and the report shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Grade(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    #: Not tried, or not asked of this system.
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    vi: str
    en: str


NOTHING = Words("", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A grade, and what was seen."""

    grade: Grade
    saw: Words = NOTHING


def passed(vi: str = "", en: str = "") -> Verdict:
    """As it should be."""
    return Verdict(grade=Grade.PASSED, saw=Words(vi, en or vi))


def failed(vi: str, en: str) -> Verdict:
    """Not as it should be."""
    return Verdict(grade=Grade.FAILED, saw=Words(vi, en))


def skipped(vi: str, en: str) -> Verdict:
    """Nothing to judge."""
    return Verdict(grade=Grade.SKIPPED, saw=Words(vi, en))


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One step of a report."""

    key: str
    title: Words
    #: What the developer was asked for, or what was sent.
    asked: Words
    verdict: Verdict
    #: How to mend it.
    mend: Words


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The last line for scripts."""

    passed: int
    failed: int
    skipped: int


def tally(results: Iterable[Result]) -> Tally:
    """How many of each."""
    grades = [result.verdict.grade for result in results]
    return Tally(
        passed=grades.count(Grade.PASSED), failed=grades.count(Grade.FAILED), skipped=grades.count(Grade.SKIPPED)
    )

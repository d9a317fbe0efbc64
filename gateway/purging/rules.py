"""What the rules of retention say is due, and when an order lapses. Pure code: it is given `now`, and does no I/O.

The narrowest rule that fits a document counts: its document type, else its business type, else `default`. Where
none fits, nothing is ever due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.clock import VIETNAM
from gateway.config.values import RetentionRule

_ORDER: Final = ("type", "business", "default")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """A document, as far as rules go."""

    id: str
    accepted_at: datetime
    #: 0 to 3.
    business_type: str
    #: Code of its document type; "" where it has none.
    doc_type: str


def rule_of(rules: Sequence[RetentionRule], document: Dated) -> RetentionRule | None:
    """The narrowest that fits; None where none does."""
    codes = {"type": document.doc_type, "business": document.business_type, "default": ""}
    for kind in _ORDER:
        for rule in rules:
            if rule.kind == kind and rule.code == codes[kind] and (kind == "default" or rule.code):
                return rule
    return None


def is_due(rules: Sequence[RetentionRule], document: Dated, now: datetime) -> bool:
    """Whether its time is over."""
    rule = rule_of(rules, document)
    return rule is not None and rule.after is not None and document.accepted_at + rule.after <= now


def earliest_due(rules: Sequence[RetentionRule], now: datetime) -> datetime | None:
    """What was accepted after this instant is due by no rule; None where no rule ever lets anything be due."""
    shortest = min((rule.after for rule in rules if rule.after is not None), default=None)
    return None if shortest is None else now - shortest


def month_of(now: datetime) -> str:
    """The month, Vietnam's, for which an order is made, as 2026-11."""
    return f"{now.astimezone(VIETNAM):%Y-%m}"


def lapsing(now: datetime, confirm_within: timedelta) -> datetime:
    """Orders that were made before this instant have lapsed, unless they are confirmed."""
    return now - confirm_within

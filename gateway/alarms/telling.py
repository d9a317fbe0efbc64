"""The words in which people are told of alarms. Pure: no subject of a document, no name of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.alarms.rules import RUNBOOK, rule_of
from gateway.clock import in_vietnam, instant, rfc3339
from gateway.ledger.alarms import About, Way

#: Alarms that one mail describes; of more it says the number.
_DESCRIBED: Final = 40
_STATES: Final[Mapping[bool, tuple[str, str]]] = {False: ("ĐANG CÓ", "OPEN"), True: ("ĐÃ HẾT", "OVER")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A row of `alarm_notice_list_due`: what somebody is to be told, and the alarm as it is now."""

    id: str
    way: Way
    target: str
    about: About
    failures: int
    doubted: int
    created_at: int
    alarm_id: str
    rule: str
    subject: str
    is_flash: int
    since: int
    opened_at: int
    facts: Mapping[str, Any]
    acknowledged_at: int | None
    closed_at: int | None


def described(facts: Mapping[str, Any], *, vi: bool) -> str:
    """Name, telephone, number and detail; what has no Vietnamese is told as it is."""
    parts = [str(_of(facts, "name", vi=vi))]
    if phone := facts.get("phone"):
        parts.append(f"{'ĐT' if vi else 'tel.'} {phone}")
    if count := facts.get("count"):
        least = ("ít nhất " if vi else "at least ") if facts.get("least") else ""
        parts.append(f"{least}{count} {'văn bản' if vi else 'document' if count == 1 else 'documents'}")
    if until := facts.get("until"):
        parts.append(f"{'đến' if vi else 'until'} {in_vietnam(instant(until))}")
    if text := _of(facts, "text", vi=vi):
        parts.append(str(text))
    return " · ".join(part for part in parts if part)


def _of(facts: Mapping[str, Any], name: str, *, vi: bool) -> object:
    return (vi and facts.get(f"{name}_vi")) or facts.get(name, "")


def letter(notices: Sequence[Notice], url: str) -> tuple[str, str]:
    """Subject and text of one mail about some alarms, each told once, as it is now."""
    newest = {each.alarm_id: each for each in notices}
    alarms = sorted(newest.values(), key=lambda each: (each.closed_at is not None, -each.is_flash, each.opened_at))
    still = [each for each in alarms if each.closed_at is None]
    flash = "HỎA TỐC: " if any(each.is_flash for each in still) else ""
    first = rule_of((still or alarms)[0].rule).kind
    subject = (
        f"[Trục văn bản] {flash}{first.vi}"
        if len(alarms) == 1
        else (
            f"[Trục văn bản] {flash}{len(still)} cảnh báo, {len(alarms) - len(still)} đã hết / {len(still)} alarms"
        )
    )
    lines = []
    for each in alarms[:_DESCRIBED]:
        lines += [*_lines(each), ""]
    if len(alarms) > _DESCRIBED:
        lines += [f"… {len(alarms) - _DESCRIBED} cảnh báo khác / more alarms", ""]
    if any(each.doubted for each in notices):
        lines += ["Thư này có thể là bản gửi lại. / You may have had this mail already.", ""]
    return subject, "\n".join([*lines, f"{url}/alerts", ""])


def _lines(each: Notice) -> list[str]:
    kind, place = rule_of(each.rule).kind, rule_of(each.rule).runbook
    vi, en = _STATES[each.closed_at is not None]
    since = in_vietnam(instant(each.since))
    lines = [
        f"{vi}: {kind.vi} {described(each.facts, vi=True)} · từ {since}",
        f"{en}: {kind.en} {described(each.facts, vi=False)} · since {since}",
    ]
    if each.closed_at is not None:
        return [*lines, f"  hết lúc / over at {in_vietnam(instant(each.closed_at))}"]
    return [*lines, f"  → {kind.do_vi}", f"  → {kind.do_en}", *([f"  {RUNBOOK}: {place}"] if place else [])]


def pushed(notice: Notice, url: str) -> dict[str, object]:
    """The JSON text about one alarm."""
    kind = rule_of(notice.rule).kind
    return {
        "alarm": notice.alarm_id,
        "about": notice.about,
        "is_open": notice.closed_at is None,
        "rule": notice.rule,
        "subject": notice.subject,
        "flash": bool(notice.is_flash),
        "severity": str(kind.severity),
        "since": rfc3339(instant(notice.since)),
        "opened_at": rfc3339(instant(notice.opened_at)),
        "text": f"{kind.vi} {described(notice.facts, vi=True)}",
        "text_en": f"{kind.en} {described(notice.facts, vi=False)}",
        "next": kind.do_vi,
        "next_en": kind.do_en,
        "url": f"{url}/alerts",
        "repeated": bool(notice.doubted),
    }

"""How agencies want to hear that documents wait, and the words in which they are told. Pure.

A notice says how many documents wait and where; number, sender and priority only where the agency's wish `details`
says so, and never a subject: mail is read by many. The document itself is in a mail only where `attach` says so. A
call says even less, since a telephone is read by whoever holds it.

The link of a call ends in `<alert id>.<HMAC-SHA256(secret, "acknowledge." + alert id), 32 hex digits>`: nobody can
make one for another alert, and nothing secret is stored for it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from gateway.clock import VIETNAM
from gateway.config.values import ADDRESS
from gateway.edxml.codes import PRIORITIES

_MAC_DIGITS = 32
_LISTED = 50

Address = Annotated[
    str,
    Meta(
        pattern=f"^{ADDRESS.pattern}$",
        max_length=254,
    ),
]

_PRIORITIES = {number: f"{each.vi} / {each.en}".lower() for number, each in PRIORITIES.items()}


class Person(Struct, kw_only=True, forbid_unknown_fields=True):
    """Somebody to call about an urgent document."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    number: Annotated[str, Meta(pattern=r"^\+?[0-9]{6,15}$")]
    #: How long after the document came, while nobody has fetched it or answered.
    after_minutes: Annotated[int, Meta(ge=0, le=1440)] = 0


class Wishes(Struct, kw_only=True, forbid_unknown_fields=True):
    """What one agency wants."""

    mail: Annotated[list[Address], Meta(max_length=10)] = field(default_factory=list)
    notices: Literal["each", "digest", "both"] = "both"
    details: bool = False
    attach: bool = False
    calls: Annotated[list[Person], Meta(max_length=10)] = field(default_factory=list)


def wishes_of(rows: Iterable[Sequence[str]]) -> dict[str, Wishes]:
    """By agency, from rows of `alerting_list_all`."""
    return {agency_id: msgspec.json.decode(text, type=Wishes) for agency_id, text in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A document that waits, as far as a notice may speak of it."""

    number: str
    sender_code: str
    priority: int
    came_at: datetime


def day_of(now: datetime, digest_at: str) -> tuple[str, datetime]:
    """The day (Vietnam) and the instant of its digest."""
    today = now.astimezone(VIETNAM)
    hour, _, minute = digest_at.partition(":")
    at = today.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return f"{today:%Y-%m-%d}", at


def pause_after(failures: int) -> timedelta:
    """How long after a failure it is tried again."""
    return min(timedelta(hours=1), timedelta(minutes=2 ** min(failures, 6)))


def notice(
    code: str,
    documents: Sequence[Waiting],
    *,
    details: bool,
    doubted: bool,
    url: str,
    reminded: bool = False,
    owed: bool = False,
) -> tuple[str, str]:
    """Subject and text of a mail about documents that wait for the agency with this code, or for its answer."""
    count = len(documents)
    subject = f"{count} văn bản chờ {code} nhận / {count} waiting"
    if owed:
        subject = f"{count} văn bản chờ {code} trả lời / {count} to be answered"
    if reminded:
        subject = f"Nhắc: {subject} (reminder)"
    lines = [
        f"Có {count} văn bản điện tử đã đến hạn mà cơ quan {code} chưa trả lời."
        if owed
        else f"Có {count} văn bản điện tử chờ cơ quan {code} nhận trên trục.",
        f"{count} official document(s) are due and wait for an answer of {code}."
        if owed
        else f"{count} official document(s) wait for {code} at the gateway.",
        "",
    ]
    for one in documents[:_LISTED] if details else ():
        came = f"{one.came_at.astimezone(VIETNAM):%d/%m/%Y %H:%M}"
        lines.append(f"- {one.number} · {one.sender_code} · {_PRIORITIES.get(one.priority, '')} · {came}")
    if owed:
        lines += ["", "Thư nhắc: xin trả lời hoặc báo 06. / A reminder: please answer, or report 06."]
    elif reminded:
        lines += ["", "Thư nhắc: xin tiếp nhận và vào sổ. / A reminder: please fetch and register."]
    if doubted:
        lines += ["", "Thư này có thể là bản gửi lại. / You may have had this mail already."]
    return subject, "\n".join([*lines, "", f"Nhận văn bản tại / Fetch them at: {url}", ""])


def digest(code: str, count: int, oldest_at: datetime, *, url: str) -> tuple[str, str]:
    """Subject and text of the digest of the day."""
    came = f"{oldest_at.astimezone(VIETNAM):%d/%m/%Y %H:%M}"
    subject = f"Tổng hợp: {count} văn bản chờ {code} / Digest: {count} waiting"
    text = (
        f"Cơ quan {code} còn {count} văn bản chưa nhận, cũ nhất từ {came}.\n"
        f"{code} has {count} document(s) to fetch, the oldest since {came}.\n\n"
        f"Nhận văn bản tại / Fetch them at: {url}\n"
    )
    return subject, text


def call_text(code: str, count: int, priority: int, *, reminded: bool = False, owed: bool = False) -> str:
    """What a person hears or reads on the telephone."""
    words = _PRIORITIES.get(priority, _PRIORITIES[1])
    text = f"{count} văn bản {words} đang chờ {code} nhận. {count} urgent document(s) wait."
    if owed:
        text = f"{count} văn bản {words} đã đến hạn, {code} chưa trả lời. {count} document(s) wait for an answer."
    return f"Nhắc lại: {text}" if reminded else text


def link_token(secret: bytes, alert_id: str) -> str:
    """The last part of the link that acknowledges an alert."""
    mac = hmac.new(secret, f"acknowledge.{alert_id}".encode(), hashlib.sha256).hexdigest()
    return f"{alert_id}.{mac[:_MAC_DIGITS]}"


def alert_of(secret: bytes, token: str) -> str | None:
    """The alert that a link is about; None where it is not one of ours."""
    alert_id, _, _ = token.partition(".")
    good = link_token(secret, alert_id) if alert_id.isascii() else ""
    return alert_id if good and hmac.compare_digest(good.encode(), token.encode("utf-8", "replace")) else None

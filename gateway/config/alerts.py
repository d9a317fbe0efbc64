"""The settings of `[mail]`, `[calls]` and `[alarms]`, beside those of `gateway.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from gateway.config.values import Addresses, DayTime, Size, Weekdays
from gateway.config.values import documented as _f


@dataclass(frozen=True, kw_only=True, slots=True)
class MailSettings:
    """Mails that tell an agency that documents wait (docs/mail.md); `gateway alerts set` says to whom."""

    host: str = _f("", "the mail server that takes them; empty: no mails")
    port: int = _f(587, "its port")
    tls: Literal["starttls", "tls", "none"] = _f("starttls", "none: plain, on loopback only")
    anchors: Path | None = _f(None, "file of CAs its certificate leads to; empty: the system's")
    username: str = _f("", "account there; empty: none")
    password_file: str = _f("", "name of a file in storage.secrets with its password; mode 0600")
    sender: str = _f("", "From, such as truc@vanban.example.vn")
    bounces: str = _f("", "address to which bounces go, as name+token@domain; empty: the sender's")
    bounce_folder: Path | None = _f(None, "Maildir into which the mail server puts them; empty: not read")
    wait: timedelta = _f(timedelta(minutes=5), "how long a document may wait before a mail; urgent ones: at once")
    digest_at: str = _f("07:30", "when the digest of the day goes out, Vietnam's time")
    per_hour: int = _f(20, "mails an hour to one agency; what is over waits")
    attach_most: Size = _f(Size(10 * 1024**2), "largest document in a mail, where an agency wants it there")


@dataclass(frozen=True, kw_only=True, slots=True)
class CallSettings:
    """A gateway that calls or texts persons about urgent documents (docs/mail.md)."""

    url: str = _f("", "where one request a call is pushed to; empty: no calls")
    secret_file: str = _f("", "name of a file in storage.secrets: signs the requests and the links in them")
    anchors: Path | None = _f(None, "file of CAs its certificate leads to; empty: the system's")
    priority: int = _f(2, "least priority that is called about: 2 very urgent (thượng khẩn), 3 express (hỏa tốc)")
    per_hour: int = _f(20, "calls an hour for one agency; what is over waits and shares one")


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmSettings:
    """Alarms to the people who look after the gateway (docs/console.md): from when on, and how they are told."""

    mail: Addresses = _f(Addresses(()), 'their addresses, such as ["truc@example.vn"]; needs [mail] host')
    url: str = _f("", "where alarms are pushed to besides, as one JSON text each; empty: nowhere")
    secret_file: str = _f("", "name of a file in storage.secrets: signs what is pushed, as webhooks are signed")
    anchors: Path | None = _f(None, "file of CAs its certificate leads to; empty: the system's")
    repeat: timedelta = _f(timedelta(hours=4), "told again after so long while nobody acknowledges; 0s: never")
    settle: timedelta = _f(timedelta(minutes=5), "for so long a trouble must be over before its alarm closes")
    quiet_from: DayTime = _f(
        DayTime(""), "from then on nothing but express (hỏa tốc) is told, Vietnam's time; empty: never"
    )
    quiet_until: DayTime = _f(DayTime("07:00"), "until then; what was held back is told then")
    quiet_days: Weekdays = _f(Weekdays(()), 'days that are quiet as a whole, such as ["sat", "sun"]')
    backlog: timedelta = _f(timedelta(hours=1), "the oldest document may wait so long to be sent over a channel")
    flash: timedelta = _f(
        timedelta(minutes=15),
        "express (hỏa tốc) may wait so long to be sent, fetched, and confirmed by an office whose system takes it",
    )
    unread: timedelta = _f(
        timedelta(hours=2), "khẩn and thượng khẩn may wait so long to be fetched, likewise to be confirmed"
    )
    office_silent: timedelta = _f(
        timedelta(hours=10), "an office may fetch nothing for so many hours of workdays while something waits"
    )
    down: timedelta = _f(timedelta(minutes=10), "a channel may be down, and its list unreadable, for so long")
    failing: int = _f(
        25,
        "alarm where so many of a hundred calls over a channel fail or are slow, for a quarter of an hour, or of "
        "the readings of its list fail; 0: none",
    )
    deadline: timedelta = _f(timedelta(hours=4), "documents that will be given up within this time")
    disk: Size = _f(Size(5 * 1024**3), "least free space below the data folder")

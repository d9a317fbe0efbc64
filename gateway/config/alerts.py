"""The settings of `[mail]` and `[calls]`, beside those of `gateway.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from gateway.config.values import Size
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
    priority: int = _f(2, "least priority that is called about: 2 thượng khẩn, 3 hỏa tốc")
    per_hour: int = _f(20, "calls an hour for one agency; what is over waits and shares one")

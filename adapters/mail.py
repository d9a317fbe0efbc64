"""Letters to a mail server by SMTP submission: TLS that is checked, an account, one letter at a time.

`tls` is starttls (required, never skipped where the server does not offer it), tls, or none, which is refused
except on loopback. The return path is `bounces` with the letter's token, as name+token@domain, so that a bounce
names what it is about. Headers are built by `email` under a policy that refuses line breaks, and an address that is
not plain ASCII without blanks is refused before anybody dials.

What an answer means: 5xx to RCPT is the address (`mail_address_refused`, for good), 5xx to the data is this letter
(`mail_refused`, for good), 4xx is `peer_busy`, any other 5xx `peer_error`, a rejected account
`peer_credential_rejected`. When the data was sent and no answer came, the outcome is unknown.

It does NOT retry and reads no mail. No part of the password enters an outcome.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

import aiosmtplib

from adapters.webhook_channel import Secrets
from adapters.webhook_reply import redacted
from gateway.clock import Clock
from gateway.errors import ConfigError
from gateway.model import Outcome, OutcomeKind
from gateway.ports import Letter

#: An address that can be in no header but as itself.
ADDRESS = re.compile(
    r"(?!\.)(?!.*\.\.)(?!.*\.@)[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?"
)
_TOKEN = re.compile(r"[A-Za-z0-9-]{1,64}")
_SECONDS = 60.0
_PERMANENT = 500
_TEMPORARY = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class MailServer:
    """Where letters are handed over."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    sender: str
    #: Where bounces go; "" as the sender.
    bounces: str = ""
    anchors: Path | None = None
    username: str = ""
    password_file: str = ""
    timeout_seconds: float = _SECONDS


class SmtpMailer:
    """Hands letters over."""

    def __init__(self, server: MailServer, *, secrets: Path, clock: Clock) -> None:
        self._server = server
        self._secrets = Secrets(secrets)
        self._clock = clock

    async def send(self, letter: Letter) -> Outcome:
        """One connection, one letter."""
        try:
            _require(letter)
            message = _message(self._server, letter, self._clock.now())
            path = _return_path(self._server, letter.token)
            client = self._client()
        except (ConfigError, OSError) as error:
            return _failed("connect_failed", str(error))
        progress = _Progress()
        try:
            await client.connect()
            await self._hand_over(client, path, letter.to, message, progress)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return _of_error(error, progress)
        finally:
            client.close()
        return Outcome(kind=OutcomeKind.DELIVERED)

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        if server.tls == "none" and not _is_loopback(server.host):
            raise ConfigError("mail.tls is none, which is allowed on loopback only")
        context = None
        if server.tls != "none":
            context = ssl.create_default_context(cafile=server.anchors)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            password = self._secrets.read(server.password_file).decode() if server.password_file else None
        except UnicodeDecodeError:
            raise ConfigError("the file in mail.password_file is not UTF-8") from None
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=context,
            username=server.username or None,
            password=password,
            timeout=server.timeout_seconds,
        )

    async def _hand_over(
        self, client: aiosmtplib.SMTP, path: str, to: str, message: bytes, progress: _Progress
    ) -> None:
        progress.step = "mail"
        await client.mail(path)
        progress.step = "rcpt"
        await client.rcpt(to)
        progress.step = "data"
        await client.data(message)


class _Progress:
    """How far the conversation came."""

    step = "connect"


def _require(letter: Letter) -> None:
    for text, form in ((letter.to, ADDRESS), (letter.token, _TOKEN), (letter.id, _TOKEN)):
        if not form.fullmatch(text):
            raise ConfigError("the letter has an address or id that no header can hold")
    if "\n" in letter.subject or "\r" in letter.subject:
        raise ConfigError("the letter's subject has more than one line")


def _message(server: MailServer, letter: Letter, now: datetime) -> bytes:
    if not ADDRESS.fullmatch(server.sender):
        raise ConfigError("mail.sender is not an address such as truc@vanban.example.vn")
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = Address(display_name="Trục văn bản", addr_spec=server.sender)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{letter.id}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # no answering machine replies to it
    message.set_content(letter.text, cte="quoted-printable")
    if letter.attachment is not None:
        name, content = letter.attachment
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def _return_path(server: MailServer, token: str) -> str:
    local, _, domain = (server.bounces or server.sender).rpartition("@")
    path = f"{local}+{token}@{domain}" if server.bounces else server.sender
    if not ADDRESS.fullmatch(path):
        raise ConfigError("mail.bounces is not an address such as bounce@vanban.example.vn")
    return path


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _of_error(error: Exception, progress: _Progress) -> Outcome:
    words = redacted(f"{type(error).__name__}: {error}")
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= _TEMPORARY:
        return _of_code(error, progress, words)
    if _is_tls(error):
        return _failed("peer_tls_failed", words)
    if progress.step == "data":
        return Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=words)
    return _failed("connect_failed" if progress.step == "connect" else "connection_lost", words)


def _of_code(error: aiosmtplib.SMTPResponseException, progress: _Progress, words: str) -> Outcome:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return _failed("peer_credential_rejected", words)
    if error.code < _PERMANENT:
        return _failed("peer_busy", words)
    reason = {"rcpt": "mail_address_refused", "data": "mail_refused"}.get(progress.step)
    if reason is None:
        return _failed("peer_error", words)
    return Outcome(kind=OutcomeKind.REFUSED, reason=reason, detail=words)


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError | ssl.CertificateError):
            return True
        if isinstance(error, aiosmtplib.SMTPException) and "STARTTLS" in str(error).upper():
            return True
        error = error.__cause__ or error.__context__
    return False


def _failed(reason: str, detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.DEFERRED, reason=reason, detail=redacted(detail))

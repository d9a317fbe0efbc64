"""A mail server on loopback: real SMTP, STARTTLS with a real certificate, an account, answers by script."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ACCOUNT, PASSWORD = "truc", "a password of the mail server"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """One mail that was taken."""

    sender: str
    to: list[str]
    message: EmailMessage
    tls: bool


@dataclass(kw_only=True)
class MailServer:
    """What it took, and how it answers."""

    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    #: Recipient -> answer to RCPT.
    refused: dict[str, str] = field(default_factory=dict)
    #: Answer to the data.
    answer: str = "250 OK"
    #: Called when a mail is there and not answered yet.
    taken: Callable[[], Awaitable[None]] | None = None
    connections: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait_for(self, count: int, seconds: float = 60) -> list[Mail]:
        """The first so many mails, as soon as they came."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: len(self.mails) >= count)
        return self.mails[:count]

    async def handle_RCPT(  # noqa: N802  # as aiosmtpd calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Refuse by script."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take it."""
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        mail = Mail(
            sender=envelope.mail_from, to=list(envelope.rcpt_tos), message=message, tls=session.ssl is not None
        )
        async with self.arrived:
            self.mails.append(mail)
            self.arrived.notify_all()
        if self.taken is not None:
            await self.taken()
        return self.answer


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (ACCOUNT.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@asynccontextmanager
async def serving(
    context: ssl.SSLContext | None, *, port: int = 0, account: bool = True
) -> AsyncIterator[MailServer]:
    """Listen on loopback; without a context the server offers no STARTTLS."""
    server = MailServer()

    def make() -> SMTP:
        server.connections += 1
        return SMTP(
            server,
            hostname="mail.example.vn",
            tls_context=context,
            require_starttls=context is not None,
            authenticator=_authenticate,
            auth_required=account,
            auth_require_tls=context is not None,
            loop=asyncio.get_running_loop(),
        )

    listening = await asyncio.get_running_loop().create_server(make, "127.0.0.1", port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()

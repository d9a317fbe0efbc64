"""A running gateway, a real mail server, a receiver of calls, and the duty that alerts, run by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway import channels
from gateway.acknowledging import Acknowledging
from gateway.admin.alerts import SetAlerts
from gateway.clock import SystemClock
from gateway.commands.acting import ask
from gateway.config.alerts import CallSettings, MailSettings
from gateway.config.settings import Settings
from gateway.maintenance.alerter import Alerter, AlerterParts
from gateway.ports import Teller
from gateway.seal.trust import TrustPurpose
from tests.adapters.mail_server import ACCOUNT, PASSWORD, MailServer, serving
from tests.journeys.installation import COMMUNE, Installation
from tests.journeys.receiver import Receiver

ADDRESS, OTHER = "vanthu@xa.example.vn", "chanh-van-phong@xa.example.vn"
CALL_SECRET = "secret-of-calls-0123456789abcdef"
#: A morning before the digest, Vietnam's time.
MORNING = datetime.fromisoformat("2026-03-02T06:00:00+07:00")


@dataclass(kw_only=True)
class Watch:
    """A clock that tests move."""

    at: datetime = MORNING

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def pass_by(self, **time: float) -> None:
        self.at += timedelta(**time)


@dataclass(kw_only=True)
class AlertLab:
    """All of it."""

    installation: Installation
    settings: Settings
    server: MailServer
    watch: Watch = field(default_factory=Watch)
    teller: Teller
    alerter: Alerter = field(init=False)

    def __post_init__(self) -> None:
        """The duty of a process that just started, and the other end of its links."""
        assert self.installation.app is not None
        base = self.installation.app.foundation
        acknowledging = Acknowledging(base.readers, base.pump, self.watch, CALL_SECRET.encode())
        object.__setattr__(self.installation.app.gateway, "acknowledging", acknowledging)
        _, calls = channels.make_teller(self.settings, base.clock)
        parts = AlerterParts(
            readers=base.readers,
            pump=base.pump,
            bodies=base.bodies,
            directory=base.directory,
            clock=self.watch,
            boot_id=base.boot_id,
            settings=self.settings,
            mailer=channels.make_mailer(self.settings, base.clock),
            teller=self.teller,
            calls=calls,
            secret=CALL_SECRET.encode(),
        )
        self.alerter = Alerter(parts)

    async def wish(self, **wishes: Any) -> None:
        """What the commune wants."""
        await ask(self.installation.settings, "alerts", SetAlerts(organ_id=COMMUNE, reason="kiểm thử", **wishes))

    async def run(self, **later: float) -> None:
        """Let the time pass, then the duty."""
        self.watch.pass_by(**later)
        await self.alerter.run_once()

    async def rows(self) -> list[tuple[Any, ...]]:
        """The alerts, newest first."""
        assert self.installation.app is not None
        readers = self.installation.app.foundation.readers
        return await readers.fetch("alert_list_recent", {"agency": "", "limit": 100})

    async def states(self) -> list[tuple[str, str, str]]:
        """Target, state and reason of each, by target."""
        return sorted((row[5], row[6], row[12] or "") for row in await self.rows())


@asynccontextmanager
async def alert_lab(
    installation: Installation, receiver: Receiver, *, mail: dict[str, Any] | None = None
) -> AsyncIterator[AlertLab]:
    """Open it over a running installation."""
    secrets = installation.settings.storage.secrets
    for name, content in (("mail", PASSWORD), ("calls", CALL_SECRET)):
        (secrets / name).write_text(content)
        (secrets / name).chmod(0o600)
    anchors = installation.pki.anchors(TrustPurpose.TLS) / "root.pem"
    async with serving(receiver.context()) as server:
        settings = dataclasses.replace(
            installation.settings,
            mail=MailSettings(
                host="localhost",
                port=server.port,
                anchors=anchors,
                username=ACCOUNT,
                password_file="mail",
                sender="truc@vanban.example.vn",
                bounces="bounce@vanban.example.vn",
                **(mail or {}),
            ),
            calls=CallSettings(url=receiver.url("/calls"), secret_file="calls", anchors=anchors),
        )
        teller, _ = channels.make_teller(settings, SystemClock())
        assert teller is not None
        lab = AlertLab(installation=installation, settings=settings, server=server, teller=teller)
        try:
            await lab.alerter.run_once()  # what is older than the first run is told to nobody
            yield lab
        finally:
            await teller.close()

"""The process that `test_killed` kills: two looks, and a mail about what they found.

Each line on standard output is written after the fact: `mail` when a mail was handed over, `open` after the looks.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from gateway.config import settings as config
from gateway.config.alerts import AlarmSettings
from gateway.config.values import Addresses
from gateway.foundation import open_foundation
from gateway.logs import configure_logs
from gateway.maintenance.alarm_teller import AlarmTeller, TellerParts
from gateway.maintenance.alarm_watch import AlarmWatch
from gateway.model import Endpoint, EndpointId, Outcome, OutcomeKind
from gateway.observe import Metrics
from gateway.ports import Letter

ADDRESSES = ("truc@example.vn", "lanh-dao@example.vn")


class Post:
    """A mail server that takes everything."""

    async def send(self, letter: Letter) -> Outcome:
        """Said in one write call, so that a kill cannot split it."""
        os.write(1, f"mail {letter.to} {'gửi lại' in letter.text}\n".encode())
        return Outcome(kind=OutcomeKind.DELIVERED)


async def work(folder: Path) -> None:
    """No server answers, so there is something to find."""
    configure_logs("error", "json")
    settings = replace(config.load(folder / "config.toml"), alarms=AlarmSettings(mail=Addresses(ADDRESSES)))
    async with open_foundation(settings, purpose="test") as base:
        watch = AlarmWatch(base, dict)
        await watch.run_once()
        await watch.run_once()
        os.write(1, b"open\n")
        endpoint = Endpoint(id=EndpointId("alarms"), name="alarms", kind="webhook", settings={})
        parts = TellerParts(mailer=Post(), teller=None, receiver=endpoint)
        await AlarmTeller(base, parts, Metrics()).run_once()


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))

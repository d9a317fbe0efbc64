"""The process that `test_killed` kills: two clerks register everything that waits, and papers between.

Each line on standard output is a promise, written after the call returned: `line NUMBER DELIVERY`, `paper NUMBER`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from gateway.app import run_application
from gateway.config import settings as config
from gateway.desk.clerk import Clerk
from gateway.desk.desk import Desk
from gateway.desk.register import PaperForm
from gateway.ledger.entries import Paper
from gateway.logs import configure_logs
from tests.desk.lab import clerk_of
from tests.journeys.installation import COMMUNE

PAPERS = 3


async def work(folder: Path) -> None:
    """Both clerks at once; what one was faster with is no trouble for the other."""
    logs = configure_logs("error", "json")
    async with run_application(config.load(folder / "config.toml"), folder / "config.toml", logs) as app:
        clerk = await clerk_of(app, COMMUNE)
        waiting = await app.desk.inbox.waiting(clerk)
        deliveries = [item.delivery_id for item in waiting.items]
        await asyncio.gather(
            _register(app.desk, clerk, deliveries),
            _register(app.desk, replace(clerk, user_id="minh"), deliveries[::-1]),
            _write_papers(app.desk, clerk),
        )


async def _register(desk: Desk, clerk: Clerk, deliveries: list[str]) -> None:
    for delivery in deliveries:
        entry = await desk.registering.register(clerk, delivery)
        _promise(f"line {entry.number} {delivery}")


async def _write_papers(desk: Desk, clerk: Clerk) -> None:
    (office,) = clerk.offices
    for number in range(PAPERS):
        paper = Paper(issuer="Sở Nội vụ", code_number=str(number + 1), subject="V/v")
        form = PaperForm(office_id=office, paper=paper, even_so=True)
        entry = await desk.registering.register_paper(clerk, form)
        _promise(f"paper {entry.number}")


def _promise(line: str) -> None:
    """One write call, so that a kill cannot split it."""
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))

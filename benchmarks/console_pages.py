"""Pages of the console over a ledger of a million deliveries: the time of each answer, TLS and template included.

The ledger is filled as `make ledger` fills its own (`benchmarks.ledger_fill`), its index is made whole, and the
gateway is started on it. An operator opens the overview, the ledger by one filter after another, and documents:
circulars to every office and others to one. A figure is the 95th percentile of what a client on this machine waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import aiohttp

from benchmarks.goals import Figure, aimed
from benchmarks.installation import COMMUNES, PROVINCE
from benchmarks.ledger_fill import LOG, Ledger, make_ledger
from benchmarks.ledger_messages import rows_of
from benchmarks.processes import gateway
from gateway.accounts.roles import Role
from gateway.config import settings as config
from gateway.foundation import open_foundation
from gateway.ledger.search_index import IndexLines, IndexLinesOperation
from gateway.simulate.layout import free_ports
from tests.console.site import PASSWORD, Browser

_LOGIN: Final = "bench"
_ROUNDS, _WARMING = 12, 2
_PORTION: Final = 500
_DOCUMENTS: Final = 12


def measure(folder: Path, *, deliveries: int, say: Callable[[str], None]) -> list[Figure]:
    """The figures; the pages of one kind are taken together."""
    ledger = make_ledger(folder, "console", deliveries, say)
    port = free_ports(1)[0]
    with ledger.config.open("a", encoding="utf-8") as file:
        file.write(f"[console]\nport = {port}\ntries_per_minute = 600\n")
    ids = asyncio.run(_prepared(ledger, say))
    with gateway(ledger, LOG):
        say(f"pages of a ledger of {ledger.deliveries} deliveries")
        times = asyncio.run(_opened(f"https://localhost:{port}", _pages(ledger, ids)))
    return [
        aimed("console_overview_p95", _p95(times["overview"]) * 1000),
        aimed("console_ledger_p95", _p95(times["ledger"]) * 1000),
        aimed("console_document_p95", _p95(times["document"]) * 1000),
    ]


async def _prepared(ledger: Ledger, say: Callable[[str], None]) -> dict[str, str]:
    """Index every line and add the person; code -> id of some offices."""
    async with open_foundation(config.load(ledger.config), purpose="setup") as base:
        take, began, lines = IndexLinesOperation(), time.process_time(), 0
        while found := await base.pump.submit(take, IndexLines(limit=_PORTION)):
            lines += found
        say(f"indexed, {(time.process_time() - began) / max(1, lines) * 1e6:.0f} µs of CPU a line")
        user, _ = await base.users.add(
            _LOGIN, name=_LOGIN, role=Role.OPERATOR, actor="operator:bench", now=base.clock.now()
        )
        await base.users.choose_password(user, PASSWORD, session="", now=base.clock.now())
        codes = [PROVINCE.code, COMMUNES[0].code, COMMUNES[7].code]
        agencies = await base.directory.resolve(codes, base.clock.now())
    return {code: agencies[code].id for code in codes}


def _pages(ledger: Ledger, ids: dict[str, str]) -> dict[str, list[str]]:
    province, first, other = ids.values()
    middle = rows_of(ledger, "SELECT MAX(seq) / 2 FROM delivery")[0][0]
    month = "since=2026-11-01&until=2026-11-20"
    filters = [
        "",
        f"before={middle}",
        "code=125%2FUBND-VX",
        "code=125",
        "subject=van+ban",
        f"recipient={first}",
        f"sender={province}&recipient={other}",
        f"recipient={first}&state=delivered",
        f"recipient={other}&state=refused",
        "state=held",
        "state=refused",
        month,
        f"{month}&sender={other}&type=cong+van",
        "text=van+ban+uy+ban",
    ]
    half = _DOCUMENTS // 2
    # a circular has many deliveries: those of single documents lie between
    newest = rows_of(
        ledger,
        "SELECT message_id, COUNT(*) FROM delivery WHERE seq > (SELECT MAX(seq) - 5000 FROM delivery)"
        " GROUP BY message_id",
    )
    many = [row[0] for row in newest if row[1] > 1][-half:]
    single = [row[0] for row in newest if row[1] == 1][-half:]
    return {
        "overview": ["/"],
        "ledger": [f"/ledger?{each}" for each in filters],
        "document": [f"/documents/{each}" for each in (*many, *single)],
    }


async def _opened(origin: str, pages: dict[str, list[str]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {kind: [] for kind in pages}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
        browser = Browser(origin=origin, session=session)
        answer = await browser.sign_in(_LOGIN)
        if answer.status != 303:
            raise RuntimeError(f"signing in was answered {answer.status}")
        for number in range(_WARMING + _ROUNDS):
            for kind, addresses in pages.items():
                for address in addresses:
                    began = time.perf_counter()
                    page = await browser.get(address)
                    took = time.perf_counter() - began
                    if page.status != 200:
                        raise RuntimeError(f"{address} was answered {page.status}")
                    if number >= _WARMING:
                        times[kind].append(took)
    return times


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]

"""What people do to a gateway of the kill sweep between two kills: bodies are destroyed, the bodies' key is turned.

Some orders are those that the rules of retention make, once a month: the clock of that duty is set so that they end
before the oldest document that must stay.

Two persons order that documents which all have be destroyed; the gateway's eraser does it at its next start, beside
the load, and may be killed over it. When all is quiet every order is carried out, and none of the bodies is there.
What a client may still repeat is left alone: sent again later, it is rightly another document (docs/retention.md).
"""

from __future__ import annotations

import random
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.admin.body_keys import TurnBodyKeys, turn
from gateway.admin.purges import ConfirmPurge, MakePurge, confirm_purge, make_purge
from gateway.clock import instant
from gateway.commands.acting import Desk
from gateway.config.retention import RetentionSettings
from gateway.config.values import RetentionRule
from gateway.foundation import open_foundation
from gateway.ledger.purged import needers_of
from gateway.maintenance.eraser import Eraser
from gateway.maintenance.retention import Retention
from gateway.observe import Metrics
from gateway.purging.rules import month_of
from gateway.storage.sqlite import connect_lookup
from tests.crash.kill_journal import Sent, read_journals
from tests.crash.kill_site import Site
from tests.journeys.purge_killed import NoUploads
from tests.journeys.purging import ONE, TWO

#: Documents of one order.
_MOST = 4
#: Of so many of the oldest some are chosen.
_OLDEST = 20
#: Documents that a sender has sent since, so that it repeats this one no more (`kill_clients`).
_SINCE = 25
#: All have them, nobody looks at them any more, nothing is ordered of them yet, nobody else has the same bytes.
_DONE = """
    SELECT m.id, EXISTS (SELECT 1 FROM offer AS f WHERE f.message_id = m.id)
    FROM message AS m WHERE m.kind = 'document'
    AND EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id)
    AND NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.message_id = m.id
        AND d.state NOT IN ('delivered', 'acknowledged', 'relayed'))
    AND NOT EXISTS (SELECT 1 FROM check_due AS c WHERE c.message_id = m.id)
    AND NOT EXISTS (SELECT 1 FROM purge_document AS p WHERE p.message_id = m.id)
    AND (SELECT count(*) FROM message AS o WHERE o.sha256 = m.sha256) = 1
    ORDER BY m.accepted_at
"""
_NOT_ORDERED = """
    SELECT m.id, m.accepted_at FROM message AS m WHERE m.kind = 'document'
    AND NOT EXISTS (SELECT 1 FROM purge_document AS p WHERE p.message_id = m.id)
    ORDER BY m.accepted_at, m.id
"""


def destroyable(site: Site) -> list[str]:
    """Documents, oldest first, that may be ordered to be destroyed."""
    with closing(connect_lookup(site.database)) as connection:
        found = {row[0]: bool(row[1]) for row in connection.execute(_DONE)}
    over = _over(site)
    return [message for message, is_brought in found.items() if is_brought or message in over]


async def order(site: Site, draw: random.Random) -> int:
    """Documents that two persons want destroyed from now on; the gateway is down."""
    done = destroyable(site)[:_OLDEST]
    if not done:
        return 0
    chosen = draw.sample(done, min(len(done), draw.randint(1, _MOST)))
    async with open_foundation(site.settings, purpose="sweep") as base:
        ask = MakePurge(documents=chosen, ref="QĐ 1", reason="sweep", with_envelope=draw.random() < 0.5)
        made = await make_purge(Desk(base), ask, ONE)
        confirmed = await confirm_purge(Desk(base), ConfirmPurge(order=made["order"], reason="sweep"), TWO)
    assert confirmed["confirmed"]
    return len(chosen)


async def order_by_rule(site: Site, number: int) -> int:
    """Likewise those that a rule of retention says are due, the month's order; the folder's first has number 1."""
    done, days = set(destroyable(site)), 31 * number
    with closing(connect_lookup(site.database)) as connection:
        rows = connection.execute(_NOT_ORDERED).fetchall()
    stays = next((at for message, at in rows if message not in done), None)
    if stays is None or stays == rows[0][1]:
        return 0
    clock = _Later(instant(stays) + timedelta(days=days) - timedelta(microseconds=1))
    rules = RetentionSettings(rules=(RetentionRule.parse(f"default {days}d"),))
    async with open_foundation(site.settings, purpose="sweep") as base:
        await Retention(base.readers, base.pump, settings=rules, clock=clock).run_once()
        with closing(connect_lookup(site.database)) as connection:
            made = connection.execute("SELECT id FROM purge WHERE month = ?", (month_of(clock.now()),)).fetchone()
        if made is None:  # others have the same bytes
            return 0
        for person in (ONE, TWO):
            confirmed = await confirm_purge(Desk(base), ConfirmPurge(order=made[0], reason="sweep"), person)
        documents = await base.readers.fetch("purge_document_list", (made[0],))
    assert confirmed["confirmed"]
    return len(documents)


@dataclass(frozen=True, slots=True)
class _Later:
    """A clock that stands."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def _over(site: Site) -> set[str]:
    """Messages of clients that none of them repeats any more."""
    sent = defaultdict[str, dict[str, str]](dict)
    for record in read_journals(site.journals):
        if isinstance(record, Sent) and not record.key.startswith("answer-"):
            sent[record.key[0]].setdefault(record.key, record.message)
    return {message for keys in sent.values() for message in list(keys.values())[:-_SINCE]}


async def turn_keys(site: Site) -> None:
    """A new data key for the bodies to come, all of them encrypted under the newest key; the gateway is down."""
    async with open_foundation(site.settings, purpose="sweep") as base:
        await turn(Desk(base), TurnBodyKeys(reason="sweep"), ONE)


async def look_at_orders(site: Site) -> tuple[int, list[str]]:
    """Documents that were destroyed, and what is wrong with that, when all is quiet."""
    async with open_foundation(site.settings, purpose="sweep") as base:
        # a body may have come back with a request that was repeated since
        await Eraser(base, NoUploads(), Metrics()).run_once()
        open_ones = await base.readers.fetch("purge_list_confirmed")
        rows = await base.readers.fetch("purged_list_page", {"after": "", "limit": 10_000})
        needed = await needers_of(base.readers, [row[1] for row in rows])
        there = [row[1] for row in rows if base.bodies.path_of(row[1]).exists() and row[1] not in needed]
    wrong = [f"{site.folder.name}: order {row[0]} was not carried out" for row in open_ones]
    return len(rows), [*wrong, *(f"{site.folder.name}: body {each} was destroyed and is there" for each in there)]

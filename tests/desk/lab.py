"""A gateway with a province that sends and offices that have a browser alone, and short ways to ask the ledger."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.app import Application
from gateway.desk.clerk import Clerk
from gateway.desk.desk import Desk
from gateway.directory.importer import import_agencies
from gateway.edxml.envelope import BusinessType
from gateway.foundation import database_of
from gateway.journey import Submission
from gateway.model import AgencyId, Caller, CredentialId
from gateway.storage.spool import SpooledBody
from gateway.storage.sqlite import connect_lookup
from tests.journeys.installation import PROVINCE, Installation, prepare
from tests.journeys.messages import document
from tests.unit.signatures.vector_cases import write_anchors

MOST_DRAFTS = 30
CHECKS = """
[checks]
policy = "record"
signers = "foreign/signers"
stamps = "foreign/stamps"
"""
_MORE = f"""
[limits]
desk_drafts = {MOST_DRAFTS}
{CHECKS}"""
_numbers = itertools.count(1)


@dataclass(kw_only=True)
class DeskLab:
    """The running gateway, and who is who."""

    site: Installation
    app: Application
    #: The office of this test, and its code.
    office: AgencyId
    code: str
    clerk: Clerk

    @property
    def desk(self) -> Desk:
        """The desk under test."""
        return self.app.desk

    async def send(
        self,
        number: str = "",
        *,
        sender: str = PROVINCE,
        to: str = "",
        subject: str = "V/v đăng ký",
        business: BusinessType = BusinessType.NEW,
        about: str = "",
        priority: int = 0,
        content: bytes = b"%PDF-1.4\nmot trang\n%%EOF\n",
    ) -> str:
        """The province sends a document; the delivery for the office."""
        number = number or str(next(_numbers))
        raw = document(
            sender,
            [to or self.code],
            number=number,
            subject=subject,
            business=business,
            about=about,
            priority=priority,
            content=content,
        )
        return (await self.accept(raw, sender))[1]

    async def accept(self, raw: bytes, sender: str) -> tuple[str, str]:
        """Have bytes accepted as its system would; message and its first delivery."""
        agency = await self.app.foundation.directory.require(sender, self.app.foundation.clock.now())
        async with self.app.foundation.bodies.open_spool() as spool:
            await spool.write(raw)
            body = await spool.finish()
        caller = Caller(
            credential_id=CredentialId("test"), agency_id=agency.id, speaks_for=frozenset({agency.id}),
            relay_endpoint_id=None, method="token", fingerprint="", address="127.0.0.1",
        )  # fmt: skip
        submission = Submission(
            caller=caller, body=body, trace_id="0" * 32, arrived_at=self.app.foundation.clock.now()
        )
        answer = msgspec.json.decode((await self.app.gateway.journey.accept(submission)).body)
        return answer["id"], answer["deliveries"][0]["id"] if answer["deliveries"] else ""

    async def spooled(self, content: bytes) -> SpooledBody:
        """A finished body."""
        async with self.app.foundation.bodies.open_spool() as spool:
            await spool.write(content)
            return await spool.finish()

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """What the tables hold now."""
        with closing(connect_lookup(database_of(self.site.settings))) as connection:
            return list(connection.execute(sql, params).fetchall())

    def numbers(self, office: AgencyId | None = None, direction: str = "in") -> list[int]:
        """The numbers of a register, in the order of their lines."""
        asked = "SELECT number FROM desk_entry WHERE office_id = ? AND direction = ? ORDER BY at, number"
        return [row[0] for row in self.rows(asked, office or self.office, direction)]

    def statuses(self, delivery_id: str) -> list[tuple[str, str]]:
        """Code and words of what was reported about a delivery, in order."""
        asked = "SELECT code, description FROM status WHERE delivery_id = ? ORDER BY rowid"
        return [(row[0], row[1]) for row in self.rows(asked, delivery_id)]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The leaves of one kind."""
        rows = self.rows("SELECT leaf FROM event WHERE kind = ? ORDER BY seq", kind)
        return [msgspec.json.decode(row[0]) for row in rows]


async def clerk_of(app: Application, *codes: str, user_id: str = "lan") -> Clerk:
    """A clerk of some offices."""
    base = app.foundation
    offices = [(await base.directory.require(code, base.clock.now())).id for code in codes]
    return Clerk(user_id=user_id, name="Trần Thị Lan", offices=frozenset(offices), address="127.0.0.1")


@asynccontextmanager
async def running(folder: Path, pki_folder: Path) -> AsyncIterator[Installation]:
    """Prepare an installation in a folder that is there, and run it."""
    write_anchors(folder / "foreign")
    site = await prepare(folder, pki_folder, more=_MORE)
    async with site.running():
        yield site


async def lab_of(site: Installation) -> DeskLab:
    """An office of its own, which has a browser alone, and its clerk."""
    app = site.app
    assert app is not None
    base, now = app.foundation, app.foundation.clock.now()
    code = f"{next(_numbers):03}.04.01.H33"
    csv = f"organ_id,qd20_code,name,kind,endpoint\n{code},,UBND xã {code},commune,commune\n"
    report = await import_agencies(
        base.directory, base.pump, base.readers, csv.encode(), actor="operator:test", now=now
    )
    assert not report.problems, report.problems
    office = await base.directory.require(code, base.clock.now())
    return DeskLab(site=site, app=app, office=office.id, code=code, clerk=await clerk_of(app, code))

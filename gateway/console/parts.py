"""What handlers of the console work with: the running server, and what browsers left here between two requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.accounts.provider import Leaving, Provider
from gateway.accounts.roles import Permission
from gateway.admin.conformance_runs import ConformanceRuns
from gateway.console.assets import Assets
from gateway.console.live import Live
from gateway.console.once import Marks
from gateway.console.outlook import Outlooks
from gateway.console.server import ConsoleServer
from gateway.console.turns import Turns
from gateway.directory.lru import Lru
from gateway.foundation import Foundation
from gateway.inquiry.bulk import BulkExports
from gateway.inquiry.checking import Checker
from gateway.lifecycle import Lifecycle
from gateway.ratelimit import AtOnce, RateLimit
from gateway.reports.desk import ReportDesk
from gateway.signatures.model import Examined

#: Browsers, and forms, of which something is remembered between two requests.
_REMEMBERED, _FILES = 2000, 8
#: Forms that one person sends a second, and at once: far more than hands do, far less than would fill a ledger.
_FORMS_A_SECOND, _FORMS_AT_ONCE = 10, 300
#: Pages, parts and files that one person asks for: with eight tabs in each of which everything changes every second
#: a browser asks for 24 a second, and for 24 at once when the server is back. At 4 ms of a processor each this
#: leaves three quarters of one to everybody else.
_READS_A_SECOND, _READS_AT_ONCE = 60, 400
#: Streams that one person opens: a browser opens one in two seconds where it breaks, and has one (`live`).
_STREAMS_A_SECOND, _STREAMS_AT_ONCE = 10, 64
#: Forms with files that one person sends at once.
_UPLOADS: Final = 4
#: Pages of documents that are open somewhere.
_SEEN: Final = 10_000
#: Drafts whose signatures were looked at.
_LOOKED: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Flash:
    """What the next page says at its top."""

    text: str
    kind: str = "done"


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """What was seen of a draft's signatures, as long as it has those files."""

    file_ids: tuple[str, ...]
    at: datetime
    examined: Examined


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownFile:
    """A file of agencies of which was shown what it would change, and that waits for a yes."""

    name: str
    data: bytes
    #: The file and what was shown, as a digest.
    mark: str


@dataclass(frozen=True, kw_only=True)
class ConsoleParts:
    """One per console."""

    server: ConsoleServer
    lifecycle: Lifecycle
    live: Live
    assets: Assets
    #: By browser in which somebody signed in, or address: tries to sign in, and all requests of strangers.
    tries: RateLimit
    strangers: RateLimit
    #: Path -> permission, of the pages that are opened by their address alone.
    pages: Mapping[str, Permission]
    #: What the overview shows.
    outlooks: Outlooks
    provider: Provider
    #: By user: forms; pages, their parts and files; streams that are opened.
    forms: RateLimit = field(default_factory=lambda: RateLimit(_FORMS_A_SECOND, _FORMS_AT_ONCE))
    reads: RateLimit = field(default_factory=lambda: RateLimit(_READS_A_SECOND, _READS_AT_ONCE))
    openings: RateLimit = field(default_factory=lambda: RateLimit(_STREAMS_A_SECOND, _STREAMS_AT_ONCE))
    #: Forms with files, by user: each has room on the disk promised while it comes, and may come slowly.
    uploads: AtOnce = field(default_factory=lambda: AtOnce(_UPLOADS, "forms with files"))
    #: Heavy pages.
    turns: Turns = field(default_factory=Turns)
    #: By state: who went to the provider.
    leaving: Lru[str, Leaving] = field(default_factory=lambda: Lru(_REMEMBERED))
    #: By session.
    flashes: Lru[str, list[Flash]] = field(default_factory=lambda: Lru(_REMEMBERED))
    #: Session and document (or "draft …", "file …"), and since when: who has the page of which open.
    seen: Lru[tuple[str, str], datetime] = field(default_factory=lambda: Lru(_SEEN))
    #: By draft: what was seen of its signatures.
    looked: Lru[str, Looked] = field(default_factory=lambda: Lru(_LOOKED))
    #: By session: a file of agencies that was shown.
    imports: Lru[str, ShownFile] = field(default_factory=lambda: Lru(_FILES))
    #: Forms whose answer shows a secret.
    once: Marks = field(default_factory=Marks)
    conformance: ConformanceRuns = field(default_factory=ConformanceRuns)
    reports: ReportDesk = field(default_factory=ReportDesk)
    checker: Checker = field(default_factory=Checker)
    exports: BulkExports = field(default_factory=BulkExports)

    @property
    def base(self) -> Foundation:
        """The data folder."""
        return self.server.foundation

    async def close(self) -> None:
        """End what goes on beside the requests."""
        await self.conformance.close()
        await self.reports.close()
        await self.exports.close()
        await self.checker.close()

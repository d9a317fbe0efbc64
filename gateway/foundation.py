"""The data folder, opened: database, bodies, directory, accounts. The server stands on it, and so do commands.

Opening takes the folder's lock, applies outstanding migrations, and gives this run its boot id. Everything is
closed in the reverse order of opening, also when a later step fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.accounts.accounts import Accounts
from gateway.accounts.credentials import Credentials
from gateway.authenticate import Authenticator
from gateway.clock import Clock, SystemClock
from gateway.config import Settings
from gateway.directory.directory import Directory
from gateway.enrolment import EnrolmentCa
from gateway.errors import EnvironmentRefusedError
from gateway.failpoints import failpoint, refuse_armed
from gateway.fsio import make_private_dir
from gateway.ids import uuid7
from gateway.ledger.boots import Boot, BootOperation
from gateway.ledger.reads import Reads
from gateway.model import BootId
from gateway.storage.bodies import Bodies
from gateway.storage.migrations import migrate
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.storage.sqlite import SqliteSettings, StoreReport, Writer, connect_writer
from gateway.storage.statements import Statements

DATABASE = "gateway.sqlite"
#: A file of this name says that a restore into this folder has not come to its end.
RESTORING = "RESTORING"
#: Packages whose folders hold statements.
SQL_SOURCES = ("gateway.ledger.sql", "gateway.directory", "gateway.accounts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Foundation:
    """What everything else is built on."""

    settings: Settings
    clock: Clock
    boot_id: BootId
    writer: Writer
    pump: Pump
    readers: Readers
    reads: Reads
    bodies: Bodies
    directory: Directory
    credentials: Credentials
    accounts: Accounts
    authenticator: Authenticator
    #: Migrations that this start applied.
    migrated: tuple[str, ...]

    @property
    def store(self) -> StoreReport:
        """What was found when the database was opened."""
        return self.writer.report


def database_of(settings: Settings) -> Path:
    """The database file."""
    return settings.storage.folder / DATABASE


def load_statements() -> Statements:
    """Every named statement of the gateway."""
    return Statements.load(*SQL_SOURCES)


def _refuse_half_restored(folder: Path) -> None:
    """A folder that is only partly there would look like a ledger that knows less than was promised."""
    if (folder / RESTORING).exists():
        raise EnvironmentRefusedError(
            f"a restore into {folder} did not come to its end, or fsck found errors in what it brought. Empty the "
            f"folder and run gateway restore again; to use it as it is: gateway fsck, then rm {folder / RESTORING}",
            path=str(folder),
        )


@asynccontextmanager
async def open_foundation(
    settings: Settings,
    *,
    clock: Clock | None = None,
    purpose: str = "serve",
    on_commit: Callable[[], None] | None = None,
    restoring: bool = False,
) -> AsyncIterator[Foundation]:
    """Open the data folder; one process at a time."""
    refuse_armed(settings.profile)
    clock = clock or SystemClock()
    storage = settings.storage
    async with AsyncExitStack() as stack:
        make_private_dir(storage.folder)
        if not restoring:
            _refuse_half_restored(storage.folder)
        boot_id = BootId(uuid7())
        sqlite = SqliteSettings(allow_affected_sqlite=storage.allow_affected_sqlite, boot_id=boot_id)
        writer = await connect_writer(database_of(settings), sqlite)
        stack.push_async_callback(writer.close)
        migrated = await migrate(writer)
        statements = load_statements()
        pump = Pump(writer, statements, clock=clock, max_waiting=storage.max_waiting_writes, on_commit=on_commit)
        await pump.start()
        stack.push_async_callback(pump.close)
        readers = Readers(
            database_of(settings),
            statements,
            count=storage.readers,
            allow_affected_sqlite=storage.allow_affected_sqlite,
        )
        await readers.start()
        stack.push_async_callback(readers.close)
        bodies = Bodies(storage.folder)
        stack.push_async_callback(bodies.close)
        directory = Directory(readers, clock=clock, served_by=settings.cutover.served_by)
        await directory.reload()
        credentials = Credentials(readers)
        authority = EnrolmentCa(key_file=settings.enrolment.key, certificate_file=settings.enrolment.certificate)
        stack.push_async_callback(authority.close)
        accounts = Accounts(pump, readers, directory, credentials, authority, settings.enrolment)
        failpoint("boot.record.before")
        await pump.submit(BootOperation(), Boot(id=boot_id, at=clock.now(), purpose=purpose))
        failpoint("boot.record.after")
        yield Foundation(
            settings=settings,
            clock=clock,
            boot_id=boot_id,
            writer=writer,
            pump=pump,
            readers=readers,
            reads=Reads(readers),
            bodies=bodies,
            directory=directory,
            credentials=credentials,
            accounts=accounts,
            authenticator=Authenticator(credentials, directory),
            migrated=tuple(migrated),
        )

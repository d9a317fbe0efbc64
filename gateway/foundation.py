"""The data folder, opened: database, bodies, directory, accounts. The server stands on it, and so do commands.

Opening takes the folder's lock, applies outstanding migrations, and gives this run its boot id. Everything is
closed in the reverse order of opening, also when a later step fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.accounts.accounts import Accounts
from gateway.accounts.credentials import Credentials
from gateway.accounts.late_forms import LateForms
from gateway.accounts.passwords import Passwords
from gateway.accounts.secret_box import SecretBox
from gateway.accounts.shared_secrets import SharedSecrets
from gateway.accounts.sign_in import SignIn
from gateway.accounts.users import Users
from gateway.authenticate import Authenticator, SecretAuthenticator
from gateway.clock import Clock, Steady, SystemClock, instant, rfc3339
from gateway.config.settings import LogSettings, Settings
from gateway.directory.directory import Directory
from gateway.directory.outages import Outages
from gateway.encrypting import open_body_keys
from gateway.enrolment import EnrolmentCa
from gateway.errors import EnvironmentRefusedError, RefusedError, SchemaVersionError, StorageError
from gateway.failpoints import failpoint, refuse_armed
from gateway.fsio import make_private_dir
from gateway.ids import uuid7
from gateway.ledger.boots import Boot, BootOperation
from gateway.ledger.reads import Reads
from gateway.model import BootId
from gateway.storage.bodies import Bodies
from gateway.storage.driver import DRIVER_ERRORS
from gateway.storage.migrations import migrate
from gateway.storage.pump import Pump
from gateway.storage.readers import Readers
from gateway.storage.sqlite import SqliteSettings, StoreReport, Writer, connect_writer
from gateway.storage.statements import Statements

DATABASE = "gateway.sqlite"
#: A file of this name says that a restore into this folder has not come to its end.
RESTORING = "RESTORING"
#: A file of this name says that the ledger has ended: nothing may be added to it.
ENDED = "ENDED"
#: A file of this name says that a handover may stand though `ENDED` does not: for whom, and in which folder.
ENDING = "ENDING"
#: A clock further behind the newest event than this is not worked with.
CLOCK_BEHIND = timedelta(minutes=5)
#: What a disk that is full, read-only or broken makes of opening a folder.
_OF_THE_DISK: tuple[type[Exception], ...] = (StorageError, RefusedError, OSError, *DRIVER_ERRORS)
#: Packages whose folders hold statements.
SQL_SOURCES = ("gateway.ledger.sql", "gateway.directory", "gateway.accounts")


@dataclass(frozen=True, kw_only=True, slots=True)
class Foundation:
    """What everything else is built on."""

    settings: Settings
    clock: Clock
    #: What leases of this run are kept in.
    steady: Steady
    boot_id: BootId
    writer: Writer
    pump: Pump
    readers: Readers
    reads: Reads
    bodies: Bodies
    directory: Directory
    outages: Outages
    credentials: Credentials
    accounts: Accounts
    authenticator: Authenticator
    shared_secrets: SharedSecrets
    secret_authenticator: SecretAuthenticator
    users: Users
    sign_in: SignIn
    late_forms: LateForms
    #: Migrations that this start applied.
    migrated: tuple[str, ...]

    @property
    def store(self) -> StoreReport:
        """What was found when the database was opened."""
        return self.writer.report


class Commits:
    """Called by the pump after every commit; whoever wants to hear of it begins to listen when it exists."""

    def __init__(self) -> None:
        self.listener: Callable[[], None] | None = None

    def __call__(self) -> None:
        """Something was committed."""
        if self.listener is not None:
            self.listener()


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


def end_of(settings: LogSettings) -> Path:
    """What `ENDED` says, outside of the data folder and of every backup: log.ended beside log.mark."""
    return settings.mark.with_suffix(".ended")


def end_marks(settings: Settings) -> tuple[Path, Path]:
    """Where it may stand that this ledger has ended: in its data folder, and outside of it."""
    return settings.storage.folder / ENDED, end_of(settings.log)


def _refuse_ended(settings: Settings, *, ending: bool) -> None:
    """What was handed over goes on elsewhere: another leaf would contradict the last one."""
    folder = settings.storage.folder
    is_ending = (folder / ENDING).exists()
    for place in end_marks(settings):
        if place.exists() and (place.name == ENDED or not is_ending):
            raise EnvironmentRefusedError(
                f"this ledger was handed over to another gateway and has ended; {place} says to which. It can "
                "be read (gateway show, archive list), not opened. See docs/handover.md",
                path=str(folder),
            )
    if is_ending and not ending:
        raise EnvironmentRefusedError(
            "gateway handover make broke off when its list was written, and a handover may stand: "
            f"{folder / ENDING} says for whom and in which folder. Run it again with these; where the folder holds "
            "no handover.json, into an empty one. Nothing else opens this ledger. See docs/handover.md",
            path=str(folder),
        )


async def _refuse_clock_behind(readers: Readers, now: datetime) -> None:
    """What is recorded with a clock that is behind would seem to have happened before what came first."""
    newest = await readers.fetch_one("event_newest_instant")
    if newest is not None and instant(newest[0]) > now + CLOCK_BEHIND:
        raise EnvironmentRefusedError(
            f"the clock says {rfc3339(now)}, but the ledger's newest event is of {rfc3339(instant(newest[0]))}. "
            "Set the clock right. If it is right now, and was wrong then: gateway serve --accept-clock, once"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opening:
    """How a folder is opened."""

    settings: Settings
    clock: Clock
    purpose: str
    on_commit: Callable[[], None] | None
    restoring: bool
    ending: bool
    accept_clock: bool


@asynccontextmanager
async def open_foundation(
    settings: Settings,
    *,
    clock: Clock | None = None,
    purpose: str = "serve",
    on_commit: Callable[[], None] | None = None,
    restoring: bool = False,
    ending: bool = False,
    accept_clock: bool = False,
) -> AsyncIterator[Foundation]:
    """Open the data folder; one process at a time. EnvironmentRefusedError when machine or disk forbid it."""
    refuse_armed(settings.profile)
    opening = _Opening(
        settings=settings,
        clock=clock or SystemClock(),
        purpose=purpose,
        on_commit=on_commit,
        restoring=restoring,
        ending=ending,
        accept_clock=accept_clock,
    )
    async with AsyncExitStack() as stack:
        try:
            base = await _open(stack, opening)
        except SchemaVersionError:
            raise
        except _OF_THE_DISK as error:
            folder = settings.storage.folder
            raise EnvironmentRefusedError(
                f"the data folder {folder} cannot be opened: {error}. Look at its disk: df -h, df -i, dmesg"
            ) from error
        yield base


async def _open(stack: AsyncExitStack, opening: _Opening) -> Foundation:
    settings, clock = opening.settings, opening.clock
    storage, path = settings.storage, database_of(settings)
    make_private_dir(storage.folder)
    if not opening.restoring:
        _refuse_half_restored(storage.folder)
        _refuse_ended(settings, ending=opening.ending)
    boot_id = BootId(uuid7())
    sqlite = SqliteSettings(allow_affected_sqlite=storage.allow_affected_sqlite, boot_id=boot_id)
    writer = await connect_writer(path, sqlite)
    stack.push_async_callback(writer.close)
    migrated = await migrate(writer)
    statements = load_statements()
    pump = Pump(
        writer, statements, clock=clock, max_waiting=storage.max_waiting_writes, on_commit=opening.on_commit
    )
    await pump.start()
    stack.push_async_callback(pump.close)
    readers = Readers(path, statements, count=storage.readers, allow_affected_sqlite=storage.allow_affected_sqlite)
    await readers.start()
    stack.push_async_callback(readers.close)
    if not (opening.restoring or opening.accept_clock):
        await _refuse_clock_behind(readers, clock.now())
    keys = await open_body_keys(pump, readers, settings, clock, make=not opening.restoring)
    bodies = Bodies(storage.folder, keys)
    stack.push_async_callback(bodies.close)
    directory = Directory(readers, clock=clock, served_by=settings.cutover.served_by)
    await directory.reload()
    outages = await Outages.opened(readers, clock)
    credentials = Credentials(readers)
    authority = EnrolmentCa(key_file=settings.enrolment.key, certificate_file=settings.enrolment.certificate)
    stack.push_async_callback(authority.close)
    accounts = Accounts(pump, readers, directory, credentials, authority, settings.enrolment)
    box = SecretBox(storage.secrets)
    shared_secrets = SharedSecrets(pump, readers, directory, box)
    users = Users(pump, readers, directory, box, Passwords())
    await _record(pump, Boot(id=boot_id, at=clock.now(), purpose=opening.purpose))
    return Foundation(
        settings=settings,
        clock=clock,
        steady=Steady(clock),
        boot_id=boot_id,
        writer=writer,
        pump=pump,
        readers=readers,
        reads=Reads(readers),
        bodies=bodies,
        directory=directory,
        outages=outages,
        credentials=credentials,
        accounts=accounts,
        authenticator=Authenticator(credentials, directory),
        shared_secrets=shared_secrets,
        secret_authenticator=SecretAuthenticator(shared_secrets, directory),
        users=users,
        sign_in=SignIn(pump, readers, users, settings.console),
        late_forms=LateForms(pump, readers, box),
        migrated=tuple(migrated),
    )


async def _record(pump: Pump, boot: Boot) -> None:
    """This run has begun."""
    failpoint("boot.record.before")
    await pump.submit(BootOperation(), boot)
    failpoint("boot.record.after")

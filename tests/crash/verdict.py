"""What does not hold in a data folder after a power cut, by the gateway's own code and by what was promised.

1. Every other time `fsck` examines the folder as the power cut left it, else after the next start.
2. The folder is opened as the server does at its start: lock, write-ahead log, migrations, boot.
3. Each promise that was given before the cut is looked for in the ledger and in the bodies: bytes and receipt of
   every 202, every offset of an upload, every confirmed acknowledgement, every attempt that a receiver saw. The
   history must be a beginning of what happened: nothing is missing in its middle, nothing is there that nobody did.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.audit.findings import Severity
from gateway.audit.fsck import examine
from gateway.config.settings import Settings
from gateway.errors import GatewayError
from gateway.foundation import DATABASE, open_foundation
from gateway.storage.body_keys import BodyKeys
from gateway.storage.driver import choose_driver
from tests.crash.load import Accepted, Processed, Promises, Receipt, Taken, Told
from tests.stored import body_bytes, body_keys, part_bytes

_MESSAGES = "SELECT id, sha256 FROM message"
_RECEIPTS = "SELECT message_id, transfer, xades FROM receipt"
_DELIVERIES = "SELECT id, state FROM delivery"
_ATTEMPTS = "SELECT dispatch_id, count(*) FROM attempt GROUP BY dispatch_id"
#: The server's own start at the end is not history yet.
_EVENTS = "SELECT seq, leaf_hash FROM event WHERE kind <> 'server.started' ORDER BY seq"
#: An item that left the inbox twice, or was given to a receiver with success twice.
_TWICE = """SELECT delivery_id, kind FROM event WHERE kind IN ('delivery.delivered', 'delivery.acknowledged')
            GROUP BY delivery_id, kind HAVING count(*) > 1"""


@dataclass(kw_only=True, slots=True)
class Verdict:
    """What was found; all empty when all holds."""

    #: Promises that were not kept.
    lost: list[str] = field(default_factory=list)
    #: What was done twice.
    duplicated: list[str] = field(default_factory=list)
    #: Anything else: what `fsck` or the start did not like.
    wrong: list[str] = field(default_factory=list)

    @property
    def is_violation(self) -> bool:
        """Whether anything does not hold."""
        return bool(self.lost or self.duplicated or self.wrong)

    def first(self) -> str:
        """The first of what does not hold, for a person."""
        return next(iter([*self.lost, *self.duplicated, *self.wrong]), "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The rows that are compared."""

    messages: dict[str, str]
    receipts: dict[str, tuple[bytes, bytes]]
    deliveries: dict[str, str]
    attempts: dict[str, int]
    events: list[tuple[int, bytes]]
    twice: list[tuple[str, str]]

    @classmethod
    def read(cls, folder: Path) -> Ledger:
        """Of a data folder that nobody has open."""
        module = choose_driver(allow_affected_sqlite=False).module
        with closing(module.connect(str(folder / DATABASE))) as connection:

            def rows(sql: str) -> list[Any]:
                found: list[Any] = connection.execute(sql).fetchall()
                return found

            return cls(
                messages=dict(rows(_MESSAGES)),
                receipts={row[0]: (row[1], row[2]) for row in rows(_RECEIPTS)},
                deliveries=dict(rows(_DELIVERIES)),
                attempts=dict(rows(_ATTEMPTS)),
                events=rows(_EVENTS),
                twice=rows(_TWICE),
            )


def judge(
    settings: Settings, folder: Path, promises: Promises, final: Ledger | None, *, at: int, first_fsck: bool
) -> Verdict:
    """The verdict on a data folder that a power cut left when the log had `at` bytes.

    `final` is how it all ended; None where more may have happened than what was confirmed.
    Before the data folder was ready nothing was promised but that the next start mends it.
    """
    verdict = Verdict()
    settings = replace(
        settings,
        storage=replace(settings.storage, folder=folder),
        server=replace(settings.server, admin_socket=folder / settings.server.admin_socket.name),
        log=replace(settings.log, mark=folder.parent / settings.log.mark.name),
    )
    first_fsck = first_fsck and at >= promises.prepared_at
    if first_fsck:
        _examine(settings, verdict)
    try:
        asyncio.run(_start(settings))
    except (GatewayError, OSError) as error:
        verdict.wrong.append(f"the gateway does not start: {type(error).__name__}: {error}")
        return verdict
    if not first_fsck:
        _examine(settings, verdict)
    if at >= promises.prepared_at:
        _compare(folder, body_keys(settings.storage), promises, final, at, verdict)
    return verdict


async def _start(settings: Settings) -> None:
    async with open_foundation(settings):
        pass


def _examine(settings: Settings, verdict: Verdict) -> None:
    """What makes `gateway fsck` exit with 1."""
    report = asyncio.run(examine(settings, settings.storage.folder / DATABASE))
    for finding in report.findings:
        if finding.kind.severity is Severity.ERROR:
            verdict.wrong.append(f"fsck: {finding.code} {finding.subject} {finding.detail}")


def _compare(
    folder: Path, keys: BodyKeys, promises: Promises, final: Ledger | None, at: int, verdict: Verdict
) -> None:
    try:
        found = Ledger.read(folder)
    except choose_driver(allow_affected_sqlite=False).module.Error as error:
        verdict.wrong.append(f"the ledger cannot be read: {error}")
        return
    for accepted in promises.accepted:
        if accepted.at <= at:
            verdict.lost += _missing_of_accepted(folder, keys, found, accepted)
    others: list[Receipt | Taken | Processed] = [*promises.receipts, *promises.taken, *promises.processed]
    for given in others:
        if given.at <= at and (missing := _missing(found, given)):
            verdict.lost.append(missing)
    documents = set(found.messages.values())
    verdict.lost += [
        f"told to be there, but gone: {each.offset} bytes of upload {each.upload_id}"
        for each in promises.told
        if each.at <= at and each.document not in documents and not _is_kept(folder, keys, each)
    ]
    verdict.duplicated += [f"{kind} twice: {delivery}" for delivery, kind in found.twice]
    if final is None:
        return
    if found.events != final.events[: len(found.events)]:
        verdict.wrong.append("the history is no beginning of what happened")
    if not final.receipts.items() >= found.receipts.items():
        verdict.wrong.append("a receipt is another one than was made")


def _missing_of_accepted(folder: Path, keys: BodyKeys, found: Ledger, promise: Accepted) -> list[str]:
    missing = []
    if found.messages.get(promise.message_id) != promise.sha256:
        missing.append(f"accepted, but not in the ledger: {promise.message_id}")
    if promise.message_id not in found.receipts:
        missing.append(f"accepted, but without receipt: {promise.message_id}")
    missing += [
        f"accepted, but without delivery: {each}" for each in promise.deliveries if each not in found.deliveries
    ]
    path = folder / "bodies" / promise.sha256[:2] / promise.sha256
    try:
        content = body_bytes(path, keys)
    except (OSError, GatewayError):
        content = b""
    if hashlib.sha256(content).hexdigest() != promise.sha256:
        missing.append(f"accepted, but its bytes are gone: {promise.message_id}")
    return missing


def _is_kept(folder: Path, keys: BodyKeys, promise: Told) -> bool:
    path = folder / "uploads" / f"{promise.upload_id}.part"
    if not path.with_suffix(".json").exists() or not path.exists():
        return False
    try:
        kept = part_bytes(path, keys)[: promise.offset]
    except GatewayError:
        return False
    return hashlib.sha256(kept).hexdigest() == promise.sha256


def _missing(found: Ledger, promise: Receipt | Taken | Processed) -> str:
    """What one promise lacks, in words; empty when it was kept."""
    match promise:
        case Receipt():
            if found.receipts.get(promise.message_id) != (promise.transfer, promise.xades):
                return f"handed out, but not in the ledger: receipt of {promise.message_id}"
        case Taken():
            if found.deliveries.get(promise.delivery_id) not in {"delivered", "acknowledged"}:
                return f"acknowledged, but still in the inbox: {promise.delivery_id}"
        case Processed():
            if promise.dispatch_id not in found.attempts:
                return f"sent, but no attempt is recorded: {promise.dispatch_id}"
    return ""

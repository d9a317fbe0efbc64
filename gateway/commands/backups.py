"""backup, backup-key, restore, gap, drill: copies of the data folder and the way back. See docs/backup.md."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from gateway.admin.backups import NoteBackup
from gateway.backup import gap
from gateway.backup.drill import drill
from gateway.backup.make import Asked, Made, make_copy
from gateway.backup.restore import Restored, Wanted, restore, verify_copy
from gateway.backup.sealed import BackupKey
from gateway.backup.shelf import Shelf
from gateway.clock import SystemClock, rfc3339
from gateway.commands.acting import ask, is_running, open_for_reading, own_name, require_database
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_json, add_reason
from gateway.commands.inputs import require_readable
from gateway.errors import EnvironmentRefusedError, InputError
from gateway.foundation import database_of, end_marks
from gateway.fsio import require_owner
from gateway.purging.listed import list_of, read_list
from gateway.storage.body_token import body_key_place

_SHOWN = 50
#: What is to be done after a restore.
_NEXT = """\
Ask them to send the same files again. What people changed after it is as before: credentials, agencies, channels.
1. gateway check, then start the server: it accepts, and sends none of what is held.
2. gateway gap --journal FILE: compare with what receivers and the axis say they have.
3. gateway confirm DELIVERY… --reason TEXT: what has arrived is not sent again.
4. gateway release --because held_after_restore [--endpoint CHANNEL] --reason TEXT: send the rest, same ids.
5. gateway log declare --reason TEXT: the transparency log was signed beyond the copy, and goes on by another name.
""".splitlines()
_BACKUP_NICE, _DRILL_NICE = 10, 19


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    _add_backup(parsers)
    new_key = add_command(
        parsers,
        "backup-key",
        _backup_key,
        "make a key file that encrypts copies",
        more="Keep it away from the backups and from this machine too: without it they cannot be read.",
    )
    new_key.add_argument("file", type=Path, metavar="FILE", help="a new file; its mode is 0600")
    _add_restore(parsers)
    listed = add_command(
        parsers,
        "gap",
        _gap,
        "list what the last restore holds, and what journals of receivers tell of the time after the copy",
        more="Any text in which ids stand is a journal: a receiver's log, an export. Exit code 1 when a journal "
        "has what was lost here.",
    )
    listed.add_argument("--journal", type=Path, action="append", default=[], metavar="FILE", help="may be repeated")
    add_json(listed)
    practised = add_command(
        parsers,
        "drill",
        _drill,
        "restore a copy aside, examine it with fsck, throw it away",
        more="The server does it every backup.drill_every. Exit code 1 when the copy could not be restored.",
    )
    _add_from(practised)
    _add_key(practised)
    add_json(practised)


def _add_backup(parsers: Subparsers) -> None:
    made = add_command(
        parsers,
        "backup",
        _backup,
        "make a verified copy of the data folder, beside the running server or without it",
        more="Bodies that the backup folder has are not copied again. Exit code 1 when bodies are missing.",
    )
    made.add_argument(
        "--to", type=Path, metavar="FOLDER", help="backup folder (default: the setting backup.folder)"
    )
    made.add_argument("--quick", action="store_true", help="do not read bodies again that are there already")
    made.add_argument("--keep", type=int, metavar="N", help="leave N copies (default: the setting backup.keep)")
    made.add_argument(
        "--database",
        type=Path,
        metavar="FILE",
        help="copy this one, which another tool such as Litestream restored",
    )
    made.add_argument(
        "--bodies", type=Path, metavar="FOLDER", help="with --database: the folder that holds bodies/"
    )
    other = made.add_mutually_exclusive_group()
    other.add_argument("--list", action="store_true", help="only list the copies")
    other.add_argument("--verify", metavar="COPY", help="only read a copy and compare it with its manifest")
    _add_key(made)
    add_json(made)


def _add_restore(parsers: Subparsers) -> None:
    back = add_command(
        parsers,
        "restore",
        _restore,
        "bring a copy back into an empty data folder, and hold whatever waits in it",
        more="The server must be stopped. Nothing is sent until it is released: gateway release --because "
        "held_after_restore. Exit code 1 when fsck finds errors.",
    )
    _add_from(back)
    back.add_argument(
        "--quick", action="store_true", help="fsck without parsing the bodies again: run gateway fsck later"
    )
    back.add_argument("--accept-missing", action="store_true", help="take a copy that is known to lack bodies")
    _add_key(back)
    add_reason(back)
    add_json(back)


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", type=Path, metavar="FILE", help="key file (default: the setting backup.key)")


def _add_from(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="to", type=Path, metavar="FOLDER", help="backup folder (default: the setting backup.folder)"
    )
    parser.add_argument("--copy", default="", metavar="COPY", help="which copy (default: the newest)")


def _shelf(context: Context, args: argparse.Namespace) -> Shelf:
    settings = context.settings
    folder = args.to.resolve() if args.to else settings.backup.folder
    if folder is None:
        raise InputError("name the backup folder: --to/--from FOLDER, or [backup] folder in the configuration")
    if folder.is_relative_to(settings.storage.folder):
        raise InputError(f"{folder} lies in the data folder, which it is there to replace; take another disk")
    file = args.key or settings.backup.key
    return Shelf(folder, BackupKey.load(file) if file else None)


def _backup(context: Context, args: argparse.Namespace) -> int:
    shelf = _shelf(context, args)
    if args.list:
        return _list(context, args, shelf)
    if args.verify:
        with context.progress() as progress:
            purged = read_list(list_of(context.settings.log))
            manifest = verify_copy(shelf, args.verify, body_key_place(context.settings), progress, purged)
        return _verified(context, args, msgspec.to_builtins(manifest))
    settings = context.settings
    if args.bodies and not args.database:
        raise InputError("--bodies goes with --database")
    asked = Asked(
        folder=(args.bodies or settings.storage.folder).resolve(),
        database=(args.database or database_of(settings)).resolve(),
        quick=args.quick,
        keep=settings.backup.keep if args.keep is None else args.keep,
        allow_affected_sqlite=settings.storage.allow_affected_sqlite,
        foreign=args.database is not None,
        body_key=body_key_place(settings),
    )
    require_database(asked.database)
    require_owner(shelf.folder)
    os.nice(_BACKUP_NICE)
    with context.progress() as progress:
        made = make_copy(shelf, asked, SystemClock(), progress)
    if is_running(settings) and not asked.foreign:
        asyncio.run(ask(settings, "backup-made", _note(made)))
    _tell_made(context, args, made)
    if settings.storage.folder.exists() and shelf.folder.stat().st_dev == settings.storage.folder.stat().st_dev:
        context.note("The copy lies on the same disk as the data: a dead disk takes both.")
    return FINE if made.is_whole else ANSWER_IS_NO


def _note(made: Made) -> NoteBackup:
    manifest = made.manifest
    return NoteBackup(
        reason="gateway backup",
        copy=manifest.copy,
        taken_at=manifest.taken_at,
        last_event=manifest.last_event,
        bodies=manifest.bodies,
        missing=len(manifest.missing),
        encrypted=bool(manifest.key),
    )


def _tell_made(context: Context, args: argparse.Namespace, made: Made) -> None:
    manifest = made.manifest
    told = {
        "copy": manifest.copy,
        "path": str(made.path),
        "whole": made.is_whole,
        "new_bodies": made.new_bodies,
        "new_bytes": made.new_bytes,
        "mended": made.mended,
        "dropped": list(made.dropped),
        "manifest": msgspec.to_builtins(manifest),
    }
    if args.json:
        context.print_json(told)
        return
    seconds = (manifest.finished_at - manifest.taken_at).total_seconds()
    context.say(
        f"{made.path}: {manifest.messages} messages, {manifest.bodies} bodies ({made.new_bodies} new, "
        f"{made.new_bytes} bytes), up to event {manifest.last_event}; verified, in {seconds:.1f} s"
    )
    for name in manifest.missing[:_SHOWN]:
        context.say(f"MISSING  {name}: neither here nor in the data folder whole; see gateway fsck")
    if made.dropped:
        context.note(f"Older copies removed: {', '.join(made.dropped)}")


def _list(context: Context, args: argparse.Namespace, shelf: Shelf) -> int:
    found = shelf.glimpses()
    if args.json:
        context.print_json([{"copy": name, "manifest": msgspec.to_builtins(each)} for name, each in found])
        return FINE
    rows = ((name, "damaged") if each is None else _row(name, each) for name, each in found)
    context.table(("copy", "taken", "program", "messages", "last event", "missing", "key"), rows)
    return FINE


def _row(name: str, each: Any) -> tuple[object, ...]:
    taken = rfc3339(each.taken_at)
    return (name, taken, each.program, each.messages, each.last_event, len(each.missing), each.key or "none")


def _verified(context: Context, args: argparse.Namespace, manifest: dict[str, Any]) -> int:
    if args.json:
        context.print_json({"ok": not manifest["missing"], "manifest": manifest})
    else:
        context.say(f"{manifest['copy']}: all of it is as it was written.")
        if manifest["key"]:
            context.note("Its database was decrypted and compared; its bodies are read by gateway drill.")
    return ANSWER_IS_NO if manifest["missing"] else FINE


def _backup_key(context: Context, args: argparse.Namespace) -> int:
    key = BackupKey.make(args.file)
    context.say(f"{args.file}: key {key.id}. Put a copy of it where neither this machine nor the backups are.")
    return FINE


def _restore(context: Context, args: argparse.Namespace) -> int:
    settings, shelf = context.settings, _shelf(context, args)
    if is_running(settings):
        raise EnvironmentRefusedError("the server is running; stop it first: systemctl stop gateway")
    require_owner(settings.storage.folder)
    wanted = Wanted(
        copy=_chosen(shelf, args.copy),
        actor=own_name(),
        note=args.reason,
        accept_missing=args.accept_missing,
        quick=args.quick,
    )
    with context.progress() as progress:
        done = asyncio.run(restore(shelf, settings, wanted, SystemClock(), progress))
    if args.json:
        context.print_json(_restored(done))
    else:
        _tell_restored(context, done)
    return FINE if done.report.ok else ANSWER_IS_NO


def _chosen(shelf: Shelf, name: str) -> str:
    names = shelf.names()
    if not name and not names:
        raise InputError(f"there is no copy in {shelf.folder}")
    return name or names[-1]


def _restored(done: Restored) -> dict[str, object]:
    return {
        "ok": done.report.ok,
        "copy": done.manifest.copy,
        "taken_at": rfc3339(done.manifest.taken_at),
        "epoch": msgspec.to_builtins(done.epoch),
        "migrations": list(done.migrated),
        "fsck": done.report.as_json(),
    }


def _tell_restored(context: Context, done: Restored) -> None:
    epoch, taken = done.epoch, rfc3339(done.manifest.taken_at)
    context.findings(done.report.findings[:_SHOWN])
    context.say(f"Restored {done.manifest.copy}; fsck: {'all is well' if done.report.ok else 'ERRORS, see above'}.")
    if any(each.exists() for each in end_marks(context.settings)):
        context.say(
            "This ledger was handed over and has ended: it can be read (gateway show), and is never opened."
        )
        return
    context.say(f"Epoch {epoch.number} begins after event {epoch.after}, at number {epoch.first}.")
    context.say(
        f"{epoch.held} deliveries are held ({epoch.in_flight} of them were under way): the copy does not know what "
        "became of them."
    )
    context.say(
        f"{epoch.sessions} sessions of the console have ended: everybody signs in anew. Compare "
        "`gateway users list` with what you know: who was disabled after the copy was made may sign in again."
    )
    context.say(f"What was accepted after {taken} is not here: its senders hold a 202 and a receipt for it.")
    for line in _NEXT:
        context.say(line)


def _gap(context: Context, args: argparse.Namespace) -> int:
    for file in args.journal:
        require_readable(file, "--journal")
    epoch, held, compared = asyncio.run(_examined_gap(context, args.journal))
    if args.json:
        told = {"epoch": epoch, "held": held, "journals": compared}
        context.print_json(msgspec.to_builtins(told))
    elif epoch is None:
        context.say("No restore has opened an epoch here: there is no gap.")
    else:
        _tell_gap(context, epoch, held, compared)
    return ANSWER_IS_NO if compared is not None and compared.lost else FINE


async def _examined_gap(
    context: Context, journals: list[Path]
) -> tuple[gap.Epoch | None, list[gap.HeldLine], gap.Compared | None]:
    async with open_for_reading(context.settings) as ledger:
        epoch = await gap.read_epoch(ledger.readers)
        held = await gap.held_lines(ledger.readers)
        if epoch is None or not journals:
            return epoch, held, None
        ids = await asyncio.to_thread(gap.ids_in, journals)
        return epoch, held, await gap.compare(ledger.readers, epoch, held, ids)


def _tell_gap(context: Context, epoch: gap.Epoch, held: list[gap.HeldLine], found: gap.Compared | None) -> None:
    context.facts(
        (
            ("epoch", epoch.number),
            ("restored from", f"{epoch.copy}, taken {rfc3339(epoch.taken_at)}"),
            ("restored", f"{rfc3339(epoch.opened_at)} by {epoch.actor}: {epoch.why}"),
            ("not known here", f"whatever happened between {rfc3339(epoch.taken_at)} and the restore"),
            ("held", f"{len(held)} deliveries"),
        )
    )
    columns = ("delivery", "recipient", "channel", "number", "was", "attempts", "reported since")
    picked: Callable[[gap.HeldLine], tuple[object, ...]] = lambda line: (  # noqa: E731 - a row, named
        line.delivery, line.recipient, line.channel, line.number, line.was, line.attempts, line.business_status
    )  # fmt: skip
    context.table(columns, map(picked, held[:_SHOWN]))
    if len(held) > _SHOWN:
        context.say(f"… {len(held) - _SHOWN} more: gateway gap --json")
    if found is None:
        context.say("Without journals of the receivers nobody here can say which of them arrived.")
        return
    meanings = (
        ("arrived", found.arrived, "held here, and the receiver has it: releasing it is deduped by its id"),
        ("unconfirmed", found.unconfirmed, "held here, and in no journal that was given"),
        ("lost", found.lost, "accepted after the copy: not in this ledger; its sender must send it again"),
        ("through", found.through, "known here and not waiting"),
        ("foreign", found.foreign, "not of this ledger"),
    )
    for name, ids, meaning in meanings:
        context.say(f"{name}: {len(ids)} ({meaning})")
        for each in ids[:_SHOWN] if name == "lost" else ():
            context.say(f"  {each}  made {rfc3339(gap.made_at(each))}")
    if found.confirmable:
        context.say("What has arrived need not be sent again; record it, so that it is not:")
        context.say(f"  gateway confirm {' '.join(found.confirmable[:_SHOWN])} --reason TEXT")
    if len(found.confirmable) > _SHOWN:
        context.say(f"  … {len(found.confirmable) - _SHOWN} more: gateway gap --json, confirmable")


def _drill(context: Context, args: argparse.Namespace) -> int:
    shelf = _shelf(context, args)
    os.nice(_DRILL_NICE)
    with context.progress() as progress:
        report = asyncio.run(drill(shelf, context.settings, args.copy, SystemClock(), progress))
    if args.json:
        context.print_json(report)
    elif report.ok:
        context.say(
            f"{report.copy}: restored and examined in {report.seconds:.1f} s: {report.documents} documents, "
            f"{report.deliveries} deliveries, {report.events} events; a real restore would hold {report.held}."
        )
    else:
        context.say(f"FAILED  {report.copy or shelf.folder}: {report.code}: {report.detail}")
    return FINE if report.ok else ANSWER_IS_NO

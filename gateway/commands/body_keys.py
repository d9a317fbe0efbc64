"""keys bodies: the key that bodies are encrypted with. Making it, turning it, letting an old one go.

What opens a data folder is imported when it is asked for: `gateway keys serve` shares these commands' parser, and
is a small process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.clock import rfc3339
from gateway.commands.context import (
    ANSWER_IS_NO,
    FINE,
    Context,
    Subparsers,
    add_command,
    add_group,
    add_json,
    add_reason,
)
from gateway.config.settings import Settings
from gateway.errors import BodyDamagedError, InputError
from gateway.fsio import require_owner
from gateway.storage.body_format import MOST_HEADER_BYTES, header_of
from gateway.storage.body_keys import KeyFile

if TYPE_CHECKING:
    from gateway.ledger.body_keys import KnownKey


def add(parsers: Subparsers) -> None:
    """The commands below `gateway keys bodies`."""
    group = add_group(parsers, "bodies", "the key that bodies are encrypted with (docs/encryption.md)")
    add_command(
        group,
        "init",
        _init,
        "make the key file, once; from the next start on new bodies are encrypted",
        more="[storage] body_key, mode 0600. Put a copy of it in a safe, away from machine and backups.",
    )
    show = add_command(
        group,
        "show",
        _show,
        "which keys there are, what needs them, and whether new bodies are encrypted",
        more="Exit code 1 when they are not.",
    )
    show.add_argument(
        "--count", action="store_true", help="count the bodies of each key, by a look at every header"
    )
    add_json(show)
    rotate = add_command(
        group,
        "rotate",
        _rotate,
        "put a new key into the file and encrypt the data keys under it; new bodies get a data key of their own",
        more="No body is written anew. Broken off anywhere, run it again. Copy the file into the safe, then make a "
        "backup; the old key stays in the file until `gateway keys bodies retire`.",
    )
    add_reason(rotate)
    add_json(rotate)
    retire = add_command(
        group,
        "retire",
        _retire,
        "take a key out of the file that nothing needs any more",
        more="Refused while a data key is encrypted under it, or a copy in the backup folder may be.",
    )
    retire.add_argument("key", metavar="KEY", help="its id, as `gateway keys bodies show` prints it")
    retire.add_argument("--accept-old-copies", action="store_true", help="older copies may become unreadable")


def _init(context: Context, _args: argparse.Namespace) -> int:
    path = context.settings.storage.body_key
    require_owner(path)
    KeyFile.make(path)
    context.say(f"{path}: the key {KeyFile.load(path).newest}. Bodies are encrypted from the next start on.")
    context.say(
        "Put a copy of it in a safe, away from this machine and from the backups: without it neither the data"
    )
    context.say("folder nor any backup can be read.")
    return FINE


def _show(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    from gateway.foundation import database_of

    known = asyncio.run(_known(settings)) if database_of(settings).exists() else []
    path = settings.storage.body_key
    held = KeyFile.load(path).ids if path.exists() else ()
    counts = _counted(settings.storage.folder / "bodies") if args.count else None
    told: dict[str, Any] = {
        "encrypting": bool(known) and settings.storage.encrypt_bodies,
        "file": str(path),
        "keys": [_told_key(settings, key, known, is_newest=key == held[0]) for key in held],
        "data_keys": [
            {
                "id": each.key.id,
                "made_at": rfc3339(each.made_at),
                "under": each.key.wrapper,
                "since": rfc3339(each.wrapped_at),
                "bodies": None if counts is None else counts[each.key.id],
            }
            for each in known
        ],
        "plain_bodies": None if counts is None else counts[""],
    }
    if args.json:
        context.print_json(told)
    else:
        context.facts(
            (name, told[name]) for name in ("encrypting", "file", "plain_bodies") if told[name] is not None
        )
        context.table(("key", "newest", "needed by"), (tuple(row.values()) for row in told["keys"]))
        context.table(
            ("data key", "made", "under", "since", "bodies"), (tuple(row.values()) for row in told["data_keys"])
        )
    return FINE if told["encrypting"] else ANSWER_IS_NO


def _told_key(settings: Settings, key: str, known: list[KnownKey], *, is_newest: bool) -> dict[str, object]:
    return {"id": key, "newest": is_newest, "needed_by": "; ".join(_needs(settings, key, known)) or "nothing"}


def _needs(settings: Settings, key: str, known: list[KnownKey]) -> list[str]:
    """What cannot be read without a key."""
    from gateway.backup.shelf import Shelf

    found = [f"data key {each.key.id}" for each in known if each.key.wrapper == key]
    newest = all(each.key.wrapper == key for each in known)
    folder = settings.backup.folder
    if not newest and folder is not None:
        since = min(each.wrapped_at for each in known)
        older = [
            name for name, copy in Shelf(folder, None).glimpses() if copy is not None and copy.taken_at < since
        ]
        if older:
            found.append(f"perhaps {len(older)} copies up to {older[-1]}")
    return found


def _rotate(context: Context, args: argparse.Namespace) -> int:
    from gateway.admin.body_keys import TurnBodyKeys
    from gateway.commands.acting import perform

    settings = context.settings
    path = settings.storage.body_key
    require_owner(path)
    known = asyncio.run(_known(settings))
    if not known:
        raise InputError("nothing is encrypted here yet: gateway keys bodies init, then restart the server")
    if KeyFile.load(path).newest == known[-1].key.wrapper:  # else an earlier try ended here
        KeyFile.add(path)
    reply = asyncio.run(perform(context, "turn-body-keys", TurnBodyKeys(reason=args.reason)))
    if args.json:
        context.print_json(reply)
        return FINE
    context.say(
        f"{path}: {reply['keys']} data keys are encrypted under {reply['wrapper']}, the newest is {reply['key']}."
    )
    context.say("Copy the file into the safe, then make a backup: gateway backup. Older copies need the old key.")
    return FINE


def _retire(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    path = settings.storage.body_key
    require_owner(path)
    file, known = KeyFile.load(path), asyncio.run(_known(settings))
    if args.key not in file.ids:
        raise InputError(f"{path} holds {', '.join(file.ids)}")
    needs = [
        each for each in _needs(settings, args.key, known) if not (args.accept_old_copies and "copies" in each)
    ]
    if args.key == file.newest:
        needs.append("it is the newest")
    if needs:
        raise InputError(f"{args.key} is still needed: {'; '.join(needs)}")
    KeyFile.remove(path, args.key)
    context.say(f"{path}: {args.key} is gone. Keep its copy in the safe as long as there are copies that need it.")
    return FINE


async def _known(settings: Settings) -> list[KnownKey]:
    from gateway.commands.acting import open_for_reading
    from gateway.ledger.body_keys import known_keys

    async with open_for_reading(settings) as ledger:
        return await known_keys(ledger.readers)


def _counted(folder: Path) -> Counter[str]:
    """Bodies by data key; "" are the plain ones."""
    found: Counter[str] = Counter()
    for path in folder.glob("??/*"):
        try:
            with path.open("rb", buffering=0) as file:
                header = header_of(file.read(MOST_HEADER_BYTES), path.name)
        except (OSError, BodyDamagedError):
            continue
        found[header.key_id.hex() if header.is_encrypted else ""] += 1
    return found

"""keys bodies: the key that bodies are encrypted with, in a file or on a token; made, turned, tried, retired.

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
from gateway.errors import BodyDamagedError, InputError, KeyFileError, TokenError
from gateway.fsio import require_owner
from gateway.storage.body_format import MOST_HEADER_BYTES, header_of
from gateway.storage.body_keys import KeyFile
from gateway.storage.body_token import BodyKeyPlace, body_key_place

if TYPE_CHECKING:
    from gateway.ledger.body_keys import KnownKey


def add(parsers: Subparsers) -> None:
    """The commands below `gateway keys bodies`."""
    group = add_group(parsers, "bodies", "the key that bodies are encrypted with (docs/encryption.md)")
    add_command(
        group,
        "init",
        _init,
        "make the key file, or the key on the token, once; from the next start on new bodies are encrypted",
        more="[storage] body_key, mode 0600: put a copy of it in a safe, away from machine and backups. With "
        "[storage] body_token the key is made on the token and cannot leave it: see to the token's own backup.",
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
        "make a new key and encrypt the data keys under it; new bodies get a data key of their own",
        more="In the file, or on the token where there is one; what lies under the file's key moves to the token. "
        "No body is written anew. Broken off anywhere, run it again. Copy the file into the safe, then make a "
        "backup; the old key stays where it is until `gateway keys bodies retire`.",
    )
    rotate.add_argument(
        "--into-file", action="store_true", help="back under a key of the file, to leave a token or change it"
    )
    add_reason(rotate)
    add_json(rotate)
    retire = add_command(
        group,
        "retire",
        _retire,
        "take a key out of the file, or off the token, that nothing needs any more",
        more="Refused while a data key is encrypted under it, or a copy in the backup folder may be.",
    )
    retire.add_argument("key", metavar="KEY", help="its id, as `gateway keys bodies show` prints it")
    retire.add_argument("--accept-old-copies", action="store_true", help="older copies may become unreadable")
    trial = add_command(
        group,
        "try",
        _try,
        "have the token encrypt and decrypt something, and say what is wrong with it",
        more="Exit code 1 when it does not. A PIN that was refused is tried again with --pin-again alone: tokens "
        "lock after a few.",
    )
    trial.add_argument("--pin-again", action="store_true", help="try the PIN although a wrong one was given before")


def _init(context: Context, _args: argparse.Namespace) -> int:
    place = body_key_place(context.settings)
    path = place.file
    with place.token_opened(writes=True) as token:
        if token is not None:
            if held := token.ids:
                raise InputError(
                    f"{place} holds {', '.join(held)} already; another one: gateway keys bodies rotate"
                )
            context.say(f"{place}: the key {token.make()}, which cannot leave the token.")
            context.say("New bodies are encrypted from the next start on; what is under a key file moves with")
            context.say("`gateway keys bodies rotate`. Without the token or its own backup nothing can be read.")
            return FINE
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
    place = body_key_place(settings)
    held = _held(place)
    counts = _counted(settings.storage.folder / "bodies") if args.count else None
    told: dict[str, Any] = {
        "encrypting": bool(known) and settings.storage.encrypt_bodies,
        "file": str(place.file),
        "token": str(place.token or ""),
        "keys": [
            {"id": key, "at": at, "newest": number == 0, "needed_by": _needed_by(settings, key, known)}
            for number, (key, at) in enumerate(held.items())
        ],
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
            (name, told[name])
            for name in ("encrypting", "file", "token", "plain_bodies")
            if told[name] not in {None, ""}
        )
        context.table(("key", "at", "newest", "needed by"), (tuple(row.values()) for row in told["keys"]))
        context.table(
            ("data key", "made", "under", "since", "bodies"), (tuple(row.values()) for row in told["data_keys"])
        )
    return FINE if told["encrypting"] else ANSWER_IS_NO


def _held(place: BodyKeyPlace) -> dict[str, str]:
    """Every key and where it is, the one that encrypts first."""
    with place.token_opened() as token:
        found = {} if token is None else dict.fromkeys(token.ids, "token")
    if place.file.exists():
        found |= dict.fromkeys(KeyFile.load(place.file).ids, "file")
    return found


def _needed_by(settings: Settings, key: str, known: list[KnownKey]) -> str:
    return "; ".join(_needs(settings, key, known)) or "nothing"


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
    place = body_key_place(settings)
    known = asyncio.run(_known(settings))
    if not known:
        raise InputError("nothing is encrypted here yet: gateway keys bodies init, then restart the server")
    wanted = _turned_key(place, known[-1].key.wrapper, into_file=args.into_file)
    asked = TurnBodyKeys(reason=args.reason, wanted=wanted, into_file=args.into_file)
    reply = asyncio.run(perform(context, "turn-body-keys", asked))
    if args.json:
        context.print_json(reply)
        return FINE
    at = place.file if args.into_file else place
    context.say(
        f"{at}: {reply['keys']} data keys are encrypted under {reply['wrapper']}, the newest is {reply['key']}."
    )
    if at == place.file or place.token is None:
        context.say("Copy the file into the safe, then `gateway backup`. Older copies need the old key.")
    else:
        context.say("Now `gateway backup`. Older copies need the old key: keep it as long as there are any.")
    return FINE


def _turned_key(place: BodyKeyPlace, used: str, *, into_file: bool) -> str:
    """The key to encrypt under: a new one, unless what is newest is not in use yet, as an earlier try left it."""
    if not into_file:
        with place.token_opened(writes=True) as token:
            if token is not None:
                return token.make() if token.newest == used else token.newest
    require_owner(place.file)
    if into_file and not place.file.exists():
        KeyFile.make(place.file)
    elif into_file or KeyFile.load(place.file).newest == used:
        KeyFile.add(place.file)
    return KeyFile.load(place.file).newest


def _retire(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    place = body_key_place(settings)
    require_owner(place.file)
    held, known = _held(place), asyncio.run(_known(settings))
    if args.key not in held:
        raise InputError(f"{place} holds {', '.join(held) or 'no key'}")
    needs = [
        each for each in _needs(settings, args.key, known) if not (args.accept_old_copies and "copies" in each)
    ]
    if args.key == next(iter(held)):
        needs.append("it is the newest")
    if needs:
        raise InputError(f"{args.key} is still needed: {'; '.join(needs)}")
    if held[args.key] == "file":
        _remove_from_file(place.file, args.key)
        context.say(
            f"{place.file}: {args.key} is gone. Keep its copy in the safe as long as there are copies that need it."
        )
    else:
        with place.token_opened(writes=True) as token:
            assert token is not None, "it was just asked"
            token.remove(args.key)
        context.say(f"{place}: {args.key} is gone for good.")
    return FINE


def _remove_from_file(path: Path, key: str) -> None:
    """The last one goes with its file."""
    if KeyFile.load(path).ids == (key,):
        path.unlink()
    else:
        KeyFile.remove(path, key)


def _try(context: Context, args: argparse.Namespace) -> int:
    place = body_key_place(context.settings)
    if place.token is None:
        raise InputError("[storage] body_token is not set: the key is a file")
    try:
        with place.token_opened(again=args.pin_again) as token:
            assert token is not None
            key = token.trial()
    except KeyFileError as error:
        code = f"{error.code}: " if isinstance(error, TokenError) else ""
        context.say(f"It does not serve: {code}{error}")
        return ANSWER_IS_NO
    context.say(f"It serves; the key {key} is the newest.")
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

"""witness: cosign the checkpoints of transparency logs, for whoever does not run them. See docs/witness.md."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from gateway import loop
from gateway.clock import SystemClock, rfc3339
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.errors import ConfigError, InputError, ProofError, WitnessRecordError
from gateway.transparency.keys import read_vkeys
from gateway.transparency.note import VerifierKey
from gateway.witness.making import follow, make
from gateway.witness.records import Records
from gateway.witness.service import read_logs
from gateway.witness.settings import PORT, load


def add(parsers: Subparsers) -> None:
    """The command with its subcommands; none needs the gateway's configuration."""
    group = add_group(parsers, "witness", "cosign the checkpoints of transparency logs that others run")
    init = add_command(
        group,
        "init",
        _init,
        "make a witness: its key, its certificate, its folder",
        more="Hand witness.vkey and tls.pem to whoever runs the log, witness.vkey to whoever verifies.",
    )
    _add_folder(init)
    init.add_argument("--name", required=True, help='for ever, as in "thanhtra.example.vn/witness"')
    init.add_argument("--log", action="append", default=[], type=Path, metavar="FILE", help="log.vkey of a log")
    init.add_argument(
        "--host", action="append", default=[], metavar="NAME", help="names in its certificate (default: localhost)"
    )
    init.add_argument(
        "--listen", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: %(default)s)"
    )
    init.add_argument("--port", type=int, default=PORT, help="port to listen on (default: %(default)s)")
    followed = add_command(
        group,
        "follow",
        _follow,
        "know a further log, or the new name of one that declared a gap",
        more="Only a person may do so, who was told by the log's operator and knows why. No restart is needed.",
    )
    _add_folder(followed)
    followed.add_argument("file", type=Path, metavar="FILE", help="log.vkey of a log, a line for each of its names")
    show = add_command(
        group,
        "show",
        _show,
        "what it cosigned last of each log",
        more="Exit code 1 when a record is missing or damaged.",
    )
    _add_folder(show)
    add_json(show)
    serve = add_command(group, "serve", _serve, "run the witness until it is told to stop")
    _add_folder(serve)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the witness's own; on a local disk")


def _init(context: Context, args: argparse.Namespace) -> int:
    folder, clock = args.folder.resolve(), SystemClock()
    logs = [key for file in args.log for key in _keys(file)]
    names = args.host or ["localhost", "127.0.0.1"]
    key = make(folder, args.name, names=names, host=args.listen, port=args.port, clock=clock)
    if logs:
        follow(folder, logs, clock)
    context.say(f"{folder / 'witness.key'}: its key. It is in no backup: a copy that is put back could sign twice.")
    context.say(f"{folder / 'witness.vkey'}, {folder / 'tls.pem'}: hand both to whoever runs the log:")
    context.say(str(key))
    for each in logs:
        context.say(f"Knows the log {each.name}.")
    return FINE


def _follow(context: Context, args: argparse.Namespace) -> int:
    fresh = follow(args.folder.resolve(), _keys(args.file), SystemClock())
    for origin in fresh:
        context.say(f"Knows the log {origin} from now on.")
    if not fresh:
        context.say("Every one of them is known already.")
    return FINE


def _show(context: Context, args: argparse.Namespace) -> int:
    folder = args.folder.resolve()
    settings = load(folder)
    witness = _keys(folder / "witness.vkey")[0]
    try:
        logs = read_logs(settings.logs)
    except WitnessRecordError as error:
        raise ConfigError(str(error)) from error
    rows = [_row(Records(folder, witness), origin) for origin in logs]
    if args.json:
        context.print_json({"vkey": str(witness), "logs": rows})
    else:
        context.say(str(witness))
        columns = ("origin", "size", "root", "at", "fault")
        context.table(columns, ([row[name] for name in columns] for row in rows))
    return ANSWER_IS_NO if any(row["fault"] for row in rows) else FINE


def _row(records: Records, origin: str) -> dict[str, object]:
    try:
        record = records.read(origin)
    except WitnessRecordError as error:
        return {"origin": origin, "size": None, "root": None, "at": None, "fault": str(error)}
    at = rfc3339(datetime.fromtimestamp(record.at, UTC))
    return {
        "origin": origin,
        "size": record.checkpoint.size,
        "root": record.checkpoint.root.hex(),
        "at": at,
        "fault": "",
    }


def _serve(_context: Context, args: argparse.Namespace) -> int:
    from gateway.witness.server import serve  # servers are of no use to other commands

    loop.run(serve(args.folder.resolve()))
    return FINE


def _keys(file: Path) -> list[VerifierKey]:
    try:
        return read_vkeys(file.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    except ProofError as error:
        raise InputError(f"{file}: {error}") from error

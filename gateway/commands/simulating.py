"""simulate axis, simulate axis-control: a national axis to connect to, and orders for it while it runs."""

from __future__ import annotations

import argparse
import asyncio
import base64
from pathlib import Path
from typing import Any

from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group
from gateway.commands.simulating_lgsp import add_lgsp
from gateway.commands.simulating_tsa import add_tsa
from gateway.errors import InputError

_FOLDER = Path("build/axis")


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    group = add_group(parsers, "simulate", "play a peer, to connect to in tests")
    axis = add_command(
        group,
        "axis",
        _axis,
        "run a national axis (VXP) of its own until SIGTERM",
        more="It remembers what is sent, keeps lists until they are acknowledged, and misbehaves on order.",
    )
    _add_folder(axis, "its memory, journal, control socket; systems.toml and secrets are made there at first")
    axis.add_argument("--settings", type=Path, metavar="FILE", help="systems and habits, TOML or JSON")
    axis.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    axis.add_argument("--port", type=int, default=8443, help="port; 0 takes a free one (default: %(default)s)")
    axis.add_argument("--certificate", type=Path, metavar="FILE", help="TLS certificate, PEM, with its chain")
    axis.add_argument("--key", type=Path, metavar="FILE", help="its key, unless it is in the same file")
    axis.add_argument("--plain", action="store_true", help="HTTP without TLS; on loopback only")
    axis.add_argument(
        "--agencies", type=int, default=1000, metavar="N", help="make up so many agencies (default: %(default)s)"
    )
    axis.add_argument("--seed", type=int, default=20, help="same seed, same agencies (default: %(default)s)")
    axis.add_argument("--catalogue", type=Path, metavar="FILE", help="agencies from a CSV instead")
    axis.add_argument("--faults", type=Path, metavar="FILE", help="JSON array of orders that hold from the start")
    axis.add_argument("--answers", action="store_true", help="the offices behind it answer, whatever the file says")
    _add_control(add_group(group, "axis-control", "give orders to a running axis"))
    add_lgsp(group)
    add_tsa(group)


def _add_control(group: Subparsers) -> None:
    order = add_command(group, "order", _order, "order a fault")
    order.add_argument("kind", help="html, empty, slow, cut_before, cut_after, … (docs/axis-simulator.md)")
    order.add_argument("--operation", action="append", default=[], dest="operations", help="only this one")
    order.add_argument("--system", default="", help="only this system id")
    order.add_argument("--calls", type=int, default=0, metavar="N", help="for N calls (0: no limit)")
    order.add_argument("--seconds", type=float, default=0.0, metavar="S", help="for S seconds (0: no limit)")
    order.add_argument("--skip", type=int, default=0, metavar="N", help="let N calls pass first")
    order.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="delay, offset, code, …")
    calm = add_command(group, "calm", _calm, "take orders back")
    calm.add_argument("id", nargs="?", help="one order; all when left out")
    send = add_command(group, "send", _send, "make documents and send them")
    send.add_argument("sender", help="organ id of the sending office")
    send.add_argument("to", nargs="+", help="organ ids of the receiving offices")
    send.add_argument("--count", type=int, default=1, metavar="N", help="how many (default: %(default)s)")
    send.add_argument("--size", type=int, default=20_000, metavar="BYTES", help="about (default: %(default)s)")
    report = add_command(group, "report", _report, "send a status about a message")
    report.add_argument("reporter", help="organ id of the reporting office")
    report.add_argument("code", help="01 … 16")
    report.add_argument("doc_id", help="the DocId that the message's sender got")
    report.add_argument("--words", default="", help="its description")
    put = add_command(group, "put", _put, "put any file into a system's list")
    put.add_argument("system", help="whose list")
    put.add_argument("file", type=Path, help="the bytes")
    put.add_argument("--message-type", default="edoc", help="edoc or status (default: %(default)s)")
    secret = add_command(group, "secret", _secret, "change a system's secret")
    secret.add_argument("system", help="whose")
    secret.add_argument("file", type=Path, help="holds the new one")
    change = add_command(group, "catalogue", _catalogue, "change agencies, as between two syncs")
    for name in ("rename", "add", "delete"):
        change.add_argument(f"--{name}", type=int, default=0, metavar="N", help=f"how many to {name}")
    change.add_argument("--seed", type=int, default=1, help="same seed, same choice")
    state = add_command(group, "state", _state, "print counts and standing orders")
    for parser in (order, calm, send, report, put, secret, change, state):
        _add_folder(parser, "of the running axis")


def _add_folder(parser: argparse.ArgumentParser, more: str) -> None:
    parser.add_argument("--folder", type=Path, default=_FOLDER, help=f"{more} (default: %(default)s)")


def _axis(_context: Context, args: argparse.Namespace) -> int:
    from gateway.loop import run
    from gateway.simulate.axis.process import Options, announce, run_axis

    options = Options(
        folder=args.folder,
        settings=args.settings,
        host=args.host,
        port=args.port,
        certificate=args.certificate,
        key=args.key,
        plain=args.plain,
        agencies=args.agencies,
        seed=args.seed,
        catalogue=args.catalogue,
        faults=args.faults,
        answers=args.answers,
    )
    run(run_axis(options, announce))
    return FINE


def _ask(context: Context, args: argparse.Namespace, method: str, path: str, body: object = None) -> int:
    from gateway.simulate.axis.controlling import ask

    context.print_json(asyncio.run(ask(args.folder, method, path, body)))
    return FINE


def _order(context: Context, args: argparse.Namespace) -> int:
    order: dict[str, Any] = {
        name: getattr(args, name) for name in ("kind", "operations", "system", "calls", "skip")
    }
    order["seconds"] = args.seconds
    for each in args.set:
        name, equals, value = each.partition("=")
        if not equals:
            raise InputError(f"--set takes NAME=VALUE, not {each}")
        order[name] = value.split(",") if name == "doc_ids" else _value(name, value)
    return _ask(context, args, "POST", "/orders", order)


def _value(name: str, value: str) -> object:
    try:
        return {"delay": float, "offset": float, "http_status": int}.get(name, str)(value)
    except ValueError as error:
        raise InputError(f"{name} is a number") from error


def _calm(context: Context, args: argparse.Namespace) -> int:
    return _ask(context, args, "DELETE", f"/orders?id={args.id}" if args.id else "/orders")


def _send(context: Context, args: argparse.Namespace) -> int:
    wanted = {name: getattr(args, name) for name in ("sender", "to", "count", "size")}
    return _ask(context, args, "POST", "/send", wanted)


def _report(context: Context, args: argparse.Namespace) -> int:
    told = {name: getattr(args, name) for name in ("reporter", "code", "doc_id", "words")}
    return _ask(context, args, "POST", "/report", told)


def _put(context: Context, args: argparse.Namespace) -> int:
    content = base64.b64encode(args.file.read_bytes()).decode()
    told = {"system": args.system, "message_type": args.message_type, "content": content}
    return _ask(context, args, "POST", "/put", told)


def _secret(context: Context, args: argparse.Namespace) -> int:
    told = {"system": args.system, "secret": args.file.read_text("utf-8").strip()}
    return _ask(context, args, "POST", "/secret", told)


def _catalogue(context: Context, args: argparse.Namespace) -> int:
    told = {name: getattr(args, name) for name in ("rename", "add", "delete", "seed")}
    return _ask(context, args, "POST", "/catalogue", told)


def _state(context: Context, args: argparse.Namespace) -> int:
    _ask(context, args, "GET", "/state")
    return _ask(context, args, "GET", "/orders")

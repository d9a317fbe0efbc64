"""simulate tsa, simulate tsa-control: a time-stamping authority for development, and orders for it."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from gateway import loop
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group
from gateway.errors import InputError

_URL = "http://127.0.0.1:3161/"


def add_tsa(group: Subparsers) -> None:
    """The commands, in the group `simulate`."""
    tsa = add_command(
        group,
        "tsa",
        _tsa,
        "run a time-stamping authority (RFC 3161) for development, with faults to order",
        more="Who runs both ledger and authority proves nothing to others: it is no substitute for a real one.",
    )
    tsa.add_argument(
        "--pki",
        type=Path,
        default=Path("build/tsa/pki"),
        metavar="FOLDER",
        help="development PKI, made there if there is none (default: %(default)s)",
    )
    tsa.add_argument("--host", default="127.0.0.1", help="address it listens on (default: %(default)s)")
    tsa.add_argument("--port", type=int, default=3161, help="port; 0 takes a free one (default: %(default)s)")
    tsa.add_argument(
        "--fault", action="append", default=[], metavar="KIND[:CALLS]", help="an order that holds from the start"
    )
    control = add_group(group, "tsa-control", "give orders to a running time-stamping authority")
    order = add_command(control, "order", _order, "order a fault")
    order.add_argument(
        "kind", help="down, slow, busy, page, garbage, expired, clock, wrong_imprint, wrong_nonce, …"
    )
    order.add_argument("--calls", type=int, default=0, metavar="N", help="for N requests (0: no limit)")
    order.add_argument("--seconds", type=float, default=0.0, metavar="S", help="for slow and clock")
    calm = add_command(control, "calm", _calm, "take all orders back")
    state = add_command(control, "state", _state, "print counts and standing orders")
    for parser in (order, calm, state):
        parser.add_argument("--url", default=_URL, help="of the running authority (default: %(default)s)")


def _tsa(_context: Context, args: argparse.Namespace) -> int:
    from gateway.simulate.tsa.process import run_authority  # servers are of no use to other commands
    from gateway.simulate.tsa.server import KINDS, Order

    orders = []
    for each in args.fault:
        kind, _, calls = each.partition(":")
        if kind not in KINDS or not (calls or "0").isdecimal():
            raise InputError(f"--fault takes KIND[:CALLS], not {each}; kinds: {', '.join(KINDS)}")
        orders.append(Order(kind=kind, calls=int(calls or 0)))
    loop.run(run_authority(args.pki.resolve(), host=args.host, port=args.port, orders=orders))
    return FINE


def _order(context: Context, args: argparse.Namespace) -> int:
    return _ask(context, args, "POST", {"kind": args.kind, "calls": args.calls, "seconds": args.seconds})


def _calm(context: Context, args: argparse.Namespace) -> int:
    return _ask(context, args, "DELETE", None)


def _state(context: Context, args: argparse.Namespace) -> int:
    return _ask(context, args, "GET", None)


def _ask(context: Context, args: argparse.Namespace, method: str, body: object) -> int:
    from gateway.simulate.tsa.controlling import ask

    context.print_json(asyncio.run(ask(args.url, method, "state" if method == "GET" else "orders", body)))
    return FINE

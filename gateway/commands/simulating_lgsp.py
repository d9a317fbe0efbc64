"""simulate lgsp: a provincial facade to connect to."""

from __future__ import annotations

import argparse
from pathlib import Path

from gateway import loop
from gateway.clock import SystemClock
from gateway.commands.context import FINE, Context, Subparsers, add_command


def add_lgsp(group: Subparsers) -> None:
    """The command, in the group `simulate`."""
    lgsp = add_command(
        group,
        "lgsp",
        _lgsp,
        "run a provincial facade (LGSP) with memory, real TLS and faults to order",
        more="Makes accounts, secrets and a certificate in a new folder; keeps those of an old one.",
    )
    lgsp.add_argument(
        "--folder", type=Path, default=Path("build/lgsp"), help="where it lives (default: %(default)s)"
    )
    lgsp.add_argument("--host", default="localhost", help="address it listens on (default: %(default)s)")
    lgsp.add_argument("--port", type=int, default=18443, help="port it listens on; 0: any (default: %(default)s)")
    lgsp.add_argument(
        "--ours",
        action="append",
        metavar="CODE",
        help="code of an agency behind the gateway's account, * for any text (default: *.H33, H33, H33.*)",
    )
    lgsp.add_argument(
        "--theirs",
        action="append",
        metavar="CODE",
        help="the same for the account of the other system (default: *.H99, H99, H99.*)",
    )


def _lgsp(_context: Context, args: argparse.Namespace) -> int:
    from gateway.simulate.lgsp.process import run_facade  # servers are of no use to other commands
    from gateway.simulate.lgsp.starting import make_folder

    folder = args.folder.resolve()
    ours, theirs = args.ours or ["*.H33", "H33", "H33.*"], args.theirs or ["*.H99", "H99", "H99.*"]
    make_folder(folder, ours=ours, theirs=theirs, now=SystemClock().now())
    loop.run(run_facade(folder, host=args.host, port=args.port))
    return FINE

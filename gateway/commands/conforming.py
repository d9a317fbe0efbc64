"""conformance: a sandbox for a system under development, or checks of a receiver or server."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_json
from gateway.conformance.verdicts import Result, tally
from gateway.errors import InputError

_SERVE = "serve"


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    parser = add_command(
        parsers,
        "conformance",
        _conformance,
        "check a vendor's system: `serve` runs a sandbox that tells it what to do; a URL is called and judged",
        more="Ends with a report in HTML and JSON: what passed, what failed, how to mend it. Exit code 0 "
        "when nothing failed. Needs no configuration.",
    )
    parser.add_argument("target", metavar="serve|URL", help="`serve`, or the receiver or server to check")
    parser.add_argument(
        "--binding",
        choices=["rest", "vxp", "webhook", "folder", "sftp", "lgsp", "xroad"],
        default="",
        help="protocol (default: rest; of a URL, webhook; folder and sftp with `serve` only)",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FOLDER",
        help="where report.html and report.json go (default: the sandbox's, else .)",
    )
    add_json(parser)
    _sandbox(parser)
    _called(parser)


def _sandbox(parser: argparse.ArgumentParser) -> None:
    serve = parser.add_argument_group("serve")
    serve.add_argument(
        "--as", dest="organ_id", default="000.00.90.H33", metavar="ORGAN_ID", help="whom the system speaks for"
    )
    serve.add_argument(
        "--host",
        default="localhost",
        metavar="NAME",
        help="name or address of this machine by which the system's reaches it; only there it listens (default: "
        "%(default)s, this machine only)",
    )
    serve.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="CIDR",
        help="with --host: where the sandbox's token and secret count; may be repeated",
    )
    serve.add_argument("--port", type=int, default=0, metavar="N", help="port of the sandbox (default: a free one)")
    serve.add_argument(
        "--folder", type=Path, metavar="FOLDER", help="where the sandbox is made (default: a temporary folder)"
    )
    serve.add_argument(
        "--receiver",
        default="",
        metavar="URL",
        help="with --binding webhook: where the sandbox pushes to; with xroad: the system's service, which the "
        "sandbox calls (else the system calls the sandbox's)",
    )
    serve.add_argument(
        "--exit-after",
        type=float,
        metavar="SECONDS",
        help="end when every step is judged, after so many seconds at the latest (default: Ctrl-C)",
    )


def _called(parser: argparse.ArgumentParser) -> None:
    driven = parser.add_argument_group("URL")
    driven.add_argument(
        "--secret-file", type=Path, metavar="FILE", help="the secret shared with it, or a bearer token"
    )
    driven.add_argument(
        "--anchors", type=Path, metavar="FILE", help="CA that its certificate leads to (default: the system's)"
    )
    driven.add_argument(
        "--code",
        action="append",
        default=[],
        metavar="ORGAN_ID",
        help="code of an agency behind it; may be repeated",
    )
    driven.add_argument(
        "--system-id", default="", metavar="ID", help="vxp, lgsp: the system id that the secret belongs to"
    )
    driven.add_argument("--username", default="", metavar="NAME", help="lgsp: the account")
    driven.add_argument("--password-file", type=Path, metavar="FILE", help="lgsp: its password")
    driven.add_argument("--application-code", default="", metavar="CODE", help="lgsp: what the login names besides")
    driven.add_argument(
        "--timeout", type=float, default=60.0, metavar="SECONDS", help="for an answer (default: %(default)s)"
    )


def _conformance(context: Context, args: argparse.Namespace) -> int:
    is_called = args.target != _SERVE and args.binding != "xroad"
    results = _drive(context, args) if is_called else _serve(context, args)
    count = tally(results)
    if args.json:
        context.print_json(count)
    else:
        context.say(
            f"Đạt / passed: {count.passed}, chưa đạt / failed: {count.failed}, bỏ qua / skipped: {count.skipped}"
        )
    return ANSWER_IS_NO if count.failed else FINE


def _serve(context: Context, args: argparse.Namespace) -> list[Result]:
    from gateway.conformance.serving import Wanted, serve  # it brings the simulators along

    if args.receiver and args.binding not in {"webhook", "xroad"}:
        raise InputError("--receiver goes with --binding webhook or xroad")
    # a member's service answers statuses by calls of its own: it needs the sandbox, which calls it
    receiver = args.receiver if args.target == _SERVE else args.target
    wanted = Wanted(
        organ_id=args.organ_id,
        binding="xroad-service" if receiver and args.binding == "xroad" else args.binding or "rest",
        host=args.host,
        networks=tuple(args.network),
        port=args.port,
        folder=args.folder,
        receiver=receiver,
        secret_file=args.secret_file,
        anchors=args.anchors,
        seconds=args.exit_after,
        report=args.report,
    )
    return asyncio.run(serve(wanted, context.err))


def _drive(context: Context, args: argparse.Namespace) -> list[Result]:
    if args.binding in {"folder", "sftp"}:
        raise InputError(f"--binding {args.binding} goes with `serve`: a folder is called by nobody")
    from gateway.conformance.checking import Checked, check  # it brings an HTTP client along

    checked = Checked(
        url=args.target,
        binding=args.binding or "webhook",
        secret_file=args.secret_file,
        anchors=args.anchors,
        codes=tuple(args.code),
        system_id=args.system_id,
        username=args.username,
        password_file=args.password_file,
        application_code=args.application_code,
        seconds=args.timeout,
        report=args.report or Path(),
    )
    return asyncio.run(check(checked, context.err))

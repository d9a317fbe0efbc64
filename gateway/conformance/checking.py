"""`gateway conformance URL`: calls a receiver or server, judges its answers, leaves the report."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console

from gateway.admin.conformance_runs import REPORT
from gateway.clock import Clock, SystemClock
from gateway.conformance.driving import Listed, drive
from gateway.conformance.lgsp_checks import CHECKS as LGSP_CHECKS
from gateway.conformance.lgsp_trials import LgspBench, Login
from gateway.conformance.pushing import Pusher
from gateway.conformance.report import Report, as_html, as_json
from gateway.conformance.rest_checks import CHECKS as REST_CHECKS
from gateway.conformance.rest_trials import RestBench
from gateway.conformance.verdicts import Result, skipped
from gateway.conformance.vxp_checks import CHECKS as VXP_CHECKS
from gateway.conformance.vxp_trials import VxpBench
from gateway.conformance.webhook_checks import CHECKS as WEBHOOK_CHECKS
from gateway.conformance.webhook_trials import Bench
from gateway.errors import InputError

_NOT_RUN: Final = skipped("Dừng trước khi tới lượt", "Ended before its turn")
#: Whom documents are for where no --code says it.
_NOBODY: Final = "000.00.91.H33"
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What is checked, as the command line says it."""

    url: str
    binding: str
    secret_file: Path | None
    anchors: Path | None
    codes: tuple[str, ...]
    system_id: str
    username: str
    password_file: Path | None
    application_code: str
    seconds: float
    report: Path


async def check(checked: Checked, console: Console) -> list[Result]:
    """All checks of the binding; Ctrl-C ends them with what there is."""
    if not checked.url.startswith(("https://", "http://")):
        raise InputError(f"{checked.url[:80]}: neither `serve` nor a URL that begins with https:// or http://")
    parts = urlsplit(checked.url)
    if parts.username or parts.password:
        raise InputError("the URL holds a name or password, and would stand in the report: use --secret-file")
    if checked.binding in {"rest", "lgsp"} and parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
        raise InputError("https://: over http what proves who calls would cross the network for anybody to read")
    if checked.secret_file is None:
        raise InputError("--secret-file: name the file with the secret (or, for rest, the token)")
    try:
        secret = checked.secret_file.read_bytes().strip()
        tls = ssl.create_default_context(cafile=checked.anchors)
    except (OSError, ssl.SSLError) as error:
        raise InputError(str(error)) from error
    clock, results = SystemClock(), list[Result]()
    began = clock.now()
    driving = asyncio.create_task(_RUNS[checked.binding](checked, secret, tls, clock, results, console))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, driving.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await driving
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    left = _CHECKS[checked.binding][len(results) :]
    results += [
        Result(key=one.key, title=one.title, asked=one.asked, verdict=_NOT_RUN, mend=one.mend) for one in left
    ]
    report = Report(
        subject=checked.url, binding=checked.binding, began_at=began, ended_at=clock.now(), results=tuple(results)
    )
    leave(report, checked.report, console)
    return results


def leave(report: Report, folder: Path, console: Console) -> None:
    """Write report.html and report.json, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPORT).write_bytes(as_html(report))
    (folder / "report.json").write_bytes(as_json(report))
    console.print(f"Báo cáo / report: {folder / REPORT}", markup=False, highlight=False)


async def _webhook(
    checked: Checked, secret: bytes, tls: ssl.SSLContext, clock: Clock, results: list[Result], console: Console
) -> None:
    pusher = Pusher(checked.url, secret=secret, tls=tls, seconds=checked.seconds)
    try:
        bench = Bench(pusher=pusher, clock=clock, codes=checked.codes or (_NOBODY,))
        await drive(WEBHOOK_CHECKS, bench, results, console)
    finally:
        await pusher.close()


async def _rest(
    checked: Checked, secret: bytes, tls: ssl.SSLContext, clock: Clock, results: list[Result], console: Console
) -> None:
    if not checked.codes:
        raise InputError("--code: name the agency that the token is for, then one that may be sent to")
    bench = RestBench.open(
        checked.url, token=secret.decode("ascii", "replace"), tls=tls, codes=checked.codes, clock=clock
    )
    try:
        await drive(REST_CHECKS, bench, results, console)
    finally:
        await bench.close()


async def _vxp(
    checked: Checked, secret: bytes, tls: ssl.SSLContext, clock: Clock, results: list[Result], console: Console
) -> None:
    if not checked.system_id:
        raise InputError("--system-id: name the system that the secret belongs to")
    bench = VxpBench.open(
        checked.url,
        system_id=checked.system_id,
        secret=secret,
        tls=tls,
        code=checked.codes[0] if checked.codes else "",
        clock=clock,
    )
    try:
        await drive(VXP_CHECKS, bench, results, console)
    finally:
        await bench.close()


async def _lgsp(
    checked: Checked, secret: bytes, tls: ssl.SSLContext, clock: Clock, results: list[Result], console: Console
) -> None:
    if not (checked.username and checked.password_file and checked.system_id and checked.codes):
        raise InputError("lgsp needs --username, --password-file, --system-id and --code, an agency behind it")
    try:
        password = checked.password_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(error)) from error
    login = Login(
        username=checked.username,
        password=password,
        application_code=checked.application_code,
        system_id=checked.system_id,
        secret=secret.decode("utf-8", "replace"),
        code=checked.codes[0],
    )
    bench = LgspBench.open(checked.url, login, tls=tls, clock=clock)
    try:
        await drive(LGSP_CHECKS, bench, results, console)
    finally:
        await bench.close()


_CHECKS: Final[dict[str, Sequence[Listed]]] = {
    "webhook": WEBHOOK_CHECKS,
    "rest": REST_CHECKS,
    "vxp": VXP_CHECKS,
    "lgsp": LGSP_CHECKS,
}
_RUNS: Final = {"webhook": _webhook, "rest": _rest, "vxp": _vxp, "lgsp": _lgsp}

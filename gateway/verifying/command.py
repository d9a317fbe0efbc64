"""`gateway-verify`: the auditors' command. Reads files, prints what it found, and touches nothing else.

Exit code 0 when every bundle PASSED, 1 when one did not, 2 for wrong use.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time
from functools import cache, partial
from pathlib import Path
from typing import Final

from gateway import __version__
from gateway.errors import GatewayError
from gateway.seal.report import Verdict
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import REASONS, Verification
from gateway.verifying.verify import Progress, verify_file

FINE: Final = 0
ANSWER_IS_NO: Final = 1
WRONG_USE: Final = 2
#: From so many bundles on, several processes are worth their start.
_MANY: Final = 64
#: Lines of a report that a screen shows.
_SCREEN: Final = 40
#: Characters of the bar that shows how far it is.
_BAR: Final = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    args = _parser().parse_args(arguments)
    try:
        return _run(args)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWER_IS_NO


def _run(args: argparse.Namespace) -> int:
    try:
        _anchors(args.anchors)
        files = list(_files(args.files))
    except GatewayError as error:
        sys.stderr.write(f"gateway-verify: {error}\n")
        return WRONG_USE
    if not files or ((args.html or args.document) and len(files) > 1):
        sys.stderr.write("gateway-verify: name a bundle; with --html or --document exactly one\n")
        return WRONG_USE
    at = args.at or datetime.now(UTC)
    worst = FINE
    work = partial(_verified, anchors=args.anchors, at=at, require_time=args.require_time, with_pdf=args.pdf)
    if args.document:
        work = partial(work, original=args.document)
    if len(files) == 1 and sys.stderr.isatty():
        work = partial(work, progress=lambda done, total: sys.stderr.write(_bar(done, total)) and None)
    for number, (path, found) in enumerate(zip(files, _mapped(work, files), strict=True), 1):
        if len(files) > 1 and sys.stderr.isatty():
            sys.stderr.write(_bar(number, len(files)))
        worst = max(worst, FINE if found.verdict is Verdict.PASSED else ANSWER_IS_NO)
        if args.html:
            from gateway.verifying.page import page_of  # only who wants a page pays for it

            args.html.write_text(page_of(path.name, found), "utf-8")
        if args.json:
            shape = found.shape() | ({"file": str(path)} if len(files) > 1 else {})
            print(json.dumps(shape, ensure_ascii=False))
        else:
            _print(path, found, is_brief=len(files) > 1)
    return worst


def _bar(done: int, total: int) -> str:
    """How far it is, drawn over itself; the line goes with the last one."""
    full = _BAR * done // total
    return f"\r[{'#' * full}{'.' * (_BAR - full)}] {done}/{total} " if done < total else f"\r{' ' * (_BAR + 24)}\r"


@cache
def _anchors(folder: Path | None) -> Anchors | None:
    """Once in each process: certificates do not travel between them."""
    return None if folder is None else Anchors.load(folder)


def _verified(
    path: Path,
    *,
    anchors: Path | None,
    at: datetime,
    require_time: bool,
    with_pdf: bool,
    original: Path | None = None,
    progress: Progress = lambda _done, _total: None,
) -> Verification:
    found = verify_file(
        path, _anchors(anchors), at, require_time=require_time, original=original, progress=progress
    )
    if not with_pdf:
        return found
    from gateway.verifying.signed import with_signatures  # most of a second

    return with_signatures(found, path, anchors, original)


def _mapped(work: Callable[[Path], Verification], files: Sequence[Path]) -> Iterator[Verification]:
    """In the order of the files; of many, on every processor."""
    if len(files) < _MANY:
        yield from map(work, files)
        return
    from concurrent.futures import ProcessPoolExecutor  # few verify so many

    with ProcessPoolExecutor() as pool:
        yield from pool.map(work, files, chunksize=_MANY // 2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gateway-verify",
        description="Verify bundles of evidence (.asice) without a network, from the file and the anchors alone.",
        epilog="Exit codes: 0 every bundle PASSED, 1 one did not, 2 wrong use. See docs/bundle.md.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a bundle, or a folder of them")
    parser.add_argument(
        "--anchors", type=Path, metavar="DIR", help="what you trust, handed over apart from the bundle"
    )
    parser.add_argument("--at", type=_instant, metavar="DATE", help="verify as of that day or instant (now)")
    parser.add_argument("--require-time", action="store_true", help="without a time stamp nothing PASSED")
    parser.add_argument("--pdf", action="store_true", help="verify signatures within the document, too (signers/)")
    parser.add_argument(
        "--document", type=Path, metavar="FILE", help="the original, where the bundle's was destroyed by order"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a bundle")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page")
    parser.add_argument("--version", action="version", version=__version__)
    return parser


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a date such as 2036-01-31, or an instant with its offset") from error
    if len(text) <= len("2036-01-31"):
        return datetime.combine(at.date(), time.max, UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _files(named: Sequence[Path]) -> Iterator[Path]:
    for path in named:
        yield from sorted(path.rglob("*.asice")) if path.is_dir() else (path,)


def _print(path: Path, found: Verification, *, is_brief: bool) -> None:
    print(f"{found.verdict}  {path}")
    for check in found.checks:
        if is_brief and check.verdict is Verdict.PASSED:
            continue
        meaning = REASONS.get(check.reason, ("", ""))
        text = " ".join(part for part in (check.reason, check.detail or meaning[1]) if part)
        mark = "" if check.counts else " (does not count)"
        print(f"  {check.verdict:13} {check.name}{mark}  {text}".rstrip())
        if check.verdict is not Verdict.PASSED and meaning[0]:
            print(f"                {meaning[0]}")
    if not is_brief:
        for each in found.not_examined:
            print(f"  not examined: {each}")
    if not is_brief and len(found.checks) > _SCREEN:  # the first line is out of sight by now
        print(f"{found.verdict}  {path}")

"""`make crash`: the kill sweep. The last line on standard output is one JSON object, for scripts.

    python -m tests.crash.kill --kills 1000 --rows 1000000 --seed 7

Either part may be left out (`--kills 0`, `--rows 0`); the report then has the other part of the last run.

Exit 0 when there was no violation. The report goes to `docs/crash.md`; a folder that shows a violation is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from pathlib import Path

from gateway.simulate.layout import free_ports
from tests.crash.found import Violations, say
from tests.crash.kill_million import Large, measure_million
from tests.crash.kill_report import keep, last_line, write_report
from tests.crash.kill_site import Places, make_template
from tests.crash.kill_sweep import Sweep, Tally

_ROOT = Path(__file__).parents[2]
_LARGE_KILLS = 10
#: As many as are published.
_KILLS = 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make crash", description="Kill the gateway again and again.")
    parser.add_argument("--kills", type=int, default=_KILLS, help="how often (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=0, help="end after so long, with fewer (default: never)")
    parser.add_argument(
        "--rows", type=int, default=1_000_000, help="deliveries of the large ledger, 0: none (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of what is random")
    parser.add_argument(
        "--report", type=Path, help="where it goes (default: docs/crash.md; build/ with fewer kills)"
    )
    return parser.parse_args()


class _Progress:
    """A line a minute or so, and every violation as soon as it is seen."""

    def __init__(self, kills: int) -> None:
        self._kills = kills
        self._violations = Violations("kills")

    def sweep(self, tally: Tally) -> None:
        self._violations.say(tally, tally.runs)
        if tally.runs % 20 == 0:
            say(f"{tally.runs} of {self._kills} kills, {len(tally.violations)} violations")


async def _run(args: argparse.Namespace, folder: Path) -> tuple[Tally, Large | None]:
    say(f"seed {args.seed}, in {folder}")
    for name in ("large", "small"):
        (folder / name).mkdir()
    large = None
    if args.rows:
        alone = await make_template(folder / "large")
        large = await measure_million(alone, args.rows, kills=_LARGE_KILLS, progress=say)
    template = await make_template(folder / "small", places=Places(member_port=free_ports(1)[0]))
    sweep = Sweep(template, seed=args.seed, progress=_Progress(args.kills).sweep)
    return await sweep.run(args.kills, seconds=args.minutes * 60), large


def main() -> int:
    """Sweep, report, say."""
    args = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="gw-kill.", dir="/tmp"))  # sockets below it need a short name
    tally, large = asyncio.run(_run(args, folder))
    # what was measured apart (no kills: the large ledger alone) belongs to what is published
    home = _ROOT / ("build" if 0 < args.kills < _KILLS else "docs")
    write_report(
        args.report or home / "crash.md",
        keep(_ROOT / "build", tally if args.kills else None, large, seed=args.seed),
    )
    is_fine = not tally.violations and not (large and large.violations)
    if is_fine:
        shutil.rmtree(folder)
    print(last_line(tally, large))  # noqa: T201 - the output
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())

"""`make diskfaults`: the fault sweep. The last line on standard output is one JSON object, for scripts.

    python -m tests.crash.diskfaults --faults 137 --seed 7

Exit 0 when there was no violation, 1 when there was, 3 without a compiler. The report goes to docs/diskfaults.md,
or to build/diskfaults.md with fewer faults than are published; a folder that shows a violation is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.crash.fault_report import last_line, write_report
from tests.crash.fault_sweep import FaultSweep, Tally, plan
from tests.crash.faulty import Fault, build_faults
from tests.crash.found import Violations, say
from tests.crash.kill_site import make_template

_ROOT = Path(__file__).parents[2]
#: Every combination once.
_FAULTS = 137


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make diskfaults", description="Let the disk fail again and again.")
    parser.add_argument("--faults", type=int, default=_FAULTS, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of what is random")
    return parser.parse_args()


class _Progress:
    """A line now and then, and every violation as soon as it is seen."""

    def __init__(self, faults: int) -> None:
        self._faults = faults
        self._violations = Violations("faults")

    def __call__(self, tally: Tally, fault: Fault) -> None:
        self._violations.say(tally, tally.runs)
        if tally.runs % 10 == 0:
            say(f"{tally.runs} of {self._faults} faults, {len(tally.violations)} violations; last: {fault}")


async def _run(args: argparse.Namespace, library: Path, folder: Path) -> Tally:
    sweep = FaultSweep(await make_template(folder), library, progress=_Progress(args.faults))
    say(f"seed {args.seed}, in {folder}")
    return await sweep.run(list(itertools.islice(plan(random.Random(args.seed)), args.faults)))


def main() -> int:
    """Sweep, report, say."""
    args = _arguments()
    compiler = shutil.which("cc")
    if compiler is None:
        sys.stderr.write("diskfaults: no C compiler (cc); install the Debian packages gcc and libc6-dev\n")
        return 3
    folder = Path(tempfile.mkdtemp(prefix="gw-disk.", dir="/tmp"))  # sockets below it need a short name
    tally = asyncio.run(_run(args, build_faults(compiler), folder))
    report = _ROOT / ("docs" if args.faults >= _FAULTS else "build") / "diskfaults.md"
    write_report(report, tally, seed=args.seed)
    if not tally.violations:
        shutil.rmtree(folder)
    print(f"The report is {report.relative_to(_ROOT)}.\n{last_line(tally)}")  # noqa: T201 - the output
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the size of the ledger costs: python -m benchmarks.ledger_size [--deliveries 10000000].

Two ledgers, of 10,000 and of 10,000,000 deliveries (`benchmarks.ledger_fill`), are opened in this process as the
gateway opens them, and the same is done with both in turn, many times: messages are recorded, claimed and finished
through the pump, pages are read through the readers. The medians are compared. Then `gateway serve` is started on
both, in turn.

Writes build/ledger.json and docs/ledger.md and ends with one JSON line. A ratio that is missed is shown as missed,
and the exit code is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import ledger_report
from benchmarks.ledger_fill import make_ledgers
from benchmarks.ledger_measure import measure
from benchmarks.ledger_starts import starts

_BEGAN = time.monotonic()


def main() -> int:
    """Fill, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deliveries", type=int, default=10_000_000, help="of the large one (default 10000000)")
    parser.add_argument("--small", type=int, default=10_000, help="of the small one (default 10000)")
    parser.add_argument("--rounds", type=int, default=60, help="how often each is measured (default 60)")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on the disk to fill")
    parser.add_argument(
        "--ledgers", type=Path, help="make the ledgers in this folder and keep them; use what is there"
    )
    parser.add_argument("--no-report", action="store_true", help="leave docs/ledger.md as it is")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-ledger-", dir=asked.folder) as folder:
        ledgers = make_ledgers(
            (asked.ledgers or Path(folder)).resolve(), {"small": asked.small, "large": asked.deliveries}, _say
        )
        figures = asyncio.run(measure(ledgers, rounds=asked.rounds, say=_say))
        figures += starts(ledgers, _say)
    ledger_report.write(ledgers, figures, page=None if asked.no_report else Path("docs/ledger.md"))
    missed = [each.name for each in figures if each.met is False]
    print(json.dumps({"deliveries": ledgers[1].deliveries, "figures": len(figures), "missed": missed}))
    return 1 if missed else 0


def _say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.0f}  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

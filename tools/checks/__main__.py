"""Runs every check over a tree: `python -m tools.checks [ROOT]`. Exit 0 fine, 1 something is to be done."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.checks import clauses, machine, registries, sizes, vendors, wording

CHECKS = {
    "sizes": sizes.problems,
    "wording": wording.problems,
    "vendors": vendors.problems,
    "clauses": clauses.problems,
    "registries": registries.problems,
    "state machine": machine.problems,
}


def main(root: Path) -> int:
    """Print what is to be done, check by check."""
    wrong = 0
    for name, check in CHECKS.items():
        for problem in check(root):
            wrong += 1
            print(f"{name}: {problem}")
    print(f"checks: {wrong} to mend" if wrong else f"checks: {len(CHECKS)} fine")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))

"""`gateway serve` under a profiler: python -m benchmarks.server CONFIG FILE. Profiles the event loop's thread."""

from __future__ import annotations

import cProfile
import sys
import time
from pathlib import Path

from gateway.app import serve
from gateway.config import settings as config
from gateway.loop import run


def main() -> None:
    """Run until SIGTERM, then write the profile."""
    path, profile = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    profiler = cProfile.Profile(time.thread_time)
    profiler.enable()
    try:
        run(serve(config.load(path), path))
    finally:
        profiler.disable()
        profiler.dump_stats(profile)


if __name__ == "__main__":
    main()

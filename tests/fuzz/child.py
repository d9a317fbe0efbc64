"""One parser under atheris: `python -m tests.fuzz.child TARGET LIBFUZZER-ARGUMENT…`.

Ends with a code other than 0 at a finding.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

from tests.fuzz.targets import TARGETS

_PACKAGES = ["gateway", "adapters", "asn1crypto", "pyhanko", "pyhanko_certvalidator"]
#: One input may take so long of the processor; a busy machine makes nothing slow by that.
SLOW_SECONDS = 10.0


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    name = sys.argv.pop(1)
    logging.disable()
    warnings.simplefilter("ignore")  # of what foreign bytes are; tests treat them as errors
    with atheris.instrument_imports(include=_PACKAGES):
        run = TARGETS[name].open()
    atheris.Setup(sys.argv, _timed(run))
    atheris.Fuzz()


def _timed(run: Callable[[bytes], object]) -> Callable[[bytes], None]:
    def timed(data: bytes) -> None:
        began = time.process_time()
        run(data)
        used = time.process_time() - began
        assert used < SLOW_SECONDS, f"{used:.1f} s for one input"

    return timed


if __name__ == "__main__":
    main()

"""One parser under atheris: `python -m tests.fuzz.child TARGET LIBFUZZER-ARGUMENT…`.

Ends with a code other than 0 at a finding.
"""

from __future__ import annotations

import logging
import sys
import warnings

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

from tests.fuzz.targets import TARGETS

_PACKAGES = ["gateway", "adapters", "asn1crypto", "pyhanko", "pyhanko_certvalidator"]


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    name = sys.argv.pop(1)
    logging.disable()
    warnings.simplefilter("ignore")  # of what foreign bytes are; tests treat them as errors
    with atheris.instrument_imports(include=_PACKAGES):
        run = TARGETS[name].open()
    atheris.Setup(sys.argv, run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

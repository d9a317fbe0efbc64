"""`gateway-verify`, which is `python -m gateway.verifying` too: starts the command in as little time as it can."""

import gc
import sys
from typing import Any

# A start makes no garbage: looking for some in it takes a twentieth of the time.
gc.disable()
# msgspec takes typing_extensions where it lies about, for nothing that Python 3.11 lacks: a tenth of the time.
_modules: dict[str, Any] = sys.modules
_spared = _modules.setdefault("typing_extensions", None) is None

from gateway.verifying.command import main  # noqa: E402 - after what makes it quick

if _spared:
    del _modules["typing_extensions"]
gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())

"""The package `gateway` learns no vendor's name: what is one peer's own or one protocol's stands in `adapters/`.

Exempt are the places whose trade the names are: the composition root, the simulators and the conformance kit with
their commands. A name in a comment counts too, for it shows that the code beside it was thought for one peer.
"""

from __future__ import annotations

import re
from pathlib import Path

from tools.checks.source import sources

_NAMES = re.compile(r"vxp|vnpt|viettel|lgsp|x-?road", re.IGNORECASE)
_EXEMPT = (
    "gateway/app.py",
    "gateway/channels.py",
    "gateway/commands/conforming.py",
    "gateway/commands/simulating.py",
    "gateway/commands/simulating_lgsp.py",
    "gateway/conformance/",
    "gateway/simulate/",
)


def problems(root: Path) -> list[str]:
    """Every line that names one."""
    found: list[str] = []
    for source in sources(root, ".py", ".sql", folders=("gateway",)):
        if source.name.startswith(_EXEMPT):
            continue
        for number, line in enumerate(source.text.splitlines(), 1):
            if match := _NAMES.search(line):
                found.append(
                    f"{source.name}:{number}: names {match[0]}; declare it in adapters/, gateway/ knows ports"
                )
    return found

"""The demo's three witnesses: of the inspectorate, of an agency, and of the province's office.

Each is a process of its own with a folder of its own, as each would be on a machine of its own. That they all run
here shows how it is done; it makes nobody independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.fsio import write_durably
from gateway.simulate.layout import Layout
from gateway.transparency.keys import read_vkeys
from gateway.transparency.note import VerifierKey
from gateway.witness.making import follow, make

#: Short name -> name in cosignatures.
NAMES: Final = {
    "thanh-tra": "thanhtra.kiengiang.example/witness",
    "so-tttt": "so-tttt.kiengiang.example/witness",
    "ubnd-tinh": "ubnd.kiengiang.example/witness",
}
#: Of them an auditor asks for two: one may be away.
QUORUM: Final = 2

_SETTING: Final = '  "https://localhost:{port}/ {key} {anchors}",\n'


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoWitness:
    """One of them."""

    #: Of its process.
    name: str
    folder: Path
    port: int
    key: VerifierKey

    @property
    def arguments(self) -> list[str]:
        """What runs it."""
        return ["gateway", "witness", "serve", str(self.folder)]


def make_witnesses(layout: Layout, log_vkey: Path, ports: Sequence[int], clock: Clock) -> list[DemoWitness]:
    """Their folders, and the file of their keys among the demo's anchors."""
    logs, found = read_vkeys(log_vkey.read_bytes()), []
    for (name, full), port in zip(NAMES.items(), ports, strict=True):
        folder = layout.witnesses / name
        key = make(
            folder, full, names=["localhost"], host="127.0.0.1", port=port, clock=clock, profile="development"
        )
        follow(folder, logs, clock)
        found.append(DemoWitness(name=name, folder=folder, port=port, key=key))
    lines = [f"# quorum {QUORUM}", *(str(each.key) for each in found)]
    write_durably(layout.anchors / "witnesses.vkey", "".join(f"{line}\n" for line in lines).encode(), 0o644)
    return found


def settings_of(witnesses: Sequence[DemoWitness]) -> str:
    """What `[log]` of the gateway says of them."""
    entries = (
        _SETTING.format(port=each.port, key=each.key, anchors=f"witnesses/{each.name}/tls.pem")
        for each in witnesses
    )
    return f"witnesses = [\n{''.join(entries)}]\nquorum = {QUORUM}\n"

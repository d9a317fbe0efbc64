"""What the demo's axis is told: who is registered there, with which secrets, and which faults it has.

The axis knows two systems: our gateway, with every office of the province behind it, and the one that plays the
ministries and provinces behind the axis. The agency that it no longer carries for is known to neither.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gateway.fsio import write_durably
from gateway.simulate.axis.faults import FaultKind, Order
from gateway.simulate.axis.settings import AxisSettings, System
from gateway.simulate.layout import Layout

_OURS = ("*.H33", "H33", "H33.*")
_SETTINGS, _FAULTS, _MEMORY = "systems.json", "faults.json", "memory"


def write_axis(layout: Layout, *, own_system: str, member: str, codes: Sequence[str]) -> bytes:
    """Its files; the secret that it shares with the gateway."""
    systems = []
    for system, hosts in ((own_system, _OURS), (member, codes)):
        path = layout.axis / f"{system}.secret"
        write_durably(path, secrets.token_hex(24).encode())
        systems.append(System(id=system, secret_file=path.name, hosts=tuple(hosts)))
    write_durably(layout.axis / _SETTINGS, msgspec.json.encode(AxisSettings(systems=tuple(systems))))
    return (layout.axis / f"{own_system}.secret").read_bytes()


def write_axis_faults(layout: Layout, system: str) -> None:
    """A proxy's page instead of an answer, twice each way; one document taken whose answer is lost."""
    orders = [
        Order(kind=FaultKind.HTML, system=system, operations=("sendEdoc",), calls=2),
        Order(kind=FaultKind.HTML, system=system, operations=("getReceivedEdocList",), calls=2, skip=3),
        Order(kind=FaultKind.CUT_AFTER, system=system, operations=("sendEdoc",), calls=1, skip=2),
    ]
    write_durably(layout.axis / _FAULTS, msgspec.json.encode(orders))


def axis_arguments(layout: Layout, port: int, certificate: Path, key: Path) -> list[str]:
    """The command that starts it."""
    arguments = [
        "gateway", "simulate", "axis", "--folder", str(layout.axis / _MEMORY), "--port", str(port),
        "--settings", str(layout.axis / _SETTINGS), "--certificate", str(certificate), "--key", str(key),
    ]  # fmt: skip
    faults = layout.axis / _FAULTS
    return [*arguments, "--faults", str(faults)] if faults.is_file() else arguments

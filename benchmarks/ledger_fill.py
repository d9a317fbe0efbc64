"""The two ledgers that are compared, each in an installation of its own.

`ledger_rows.multiply` fills them from two documents that went through a real gateway to real receivers: a circular
to every office, and one to a single office.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from benchmarks.installation import COMMUNES, PROVINCE, fill, prepare
from benchmarks.ledger_rows import Filled, Models, Weights, multiply, weigh
from benchmarks.papers import Office, circular
from benchmarks.processes import Gateway, Worker, gateway, receivers, senders
from gateway.foundation import DATABASE

LOG = Path("build/ledger-gateway.log")
_KEPT = "ledger.json"
_DRAIN_SECONDS = 60.0


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """One of them."""

    name: str
    #: The installation's folder.
    place: str
    operations_port: int
    models: Models
    filled: Filled
    weights: Weights

    @property
    def deliveries(self) -> int:
        """How many lines it has."""
        return self.filled.deliveries

    @property
    def folder(self) -> Path:
        """The installation."""
        return Path(self.place)

    @property
    def config(self) -> Path:
        """The configuration of its installation."""
        return self.folder / "config.toml"

    @property
    def database(self) -> Path:
        """Its file."""
        return self.folder / "data" / DATABASE


def make_ledgers(folder: Path, sizes: Mapping[str, int], say: Callable[[str], None]) -> tuple[Ledger, Ledger]:
    """Those of these sizes below the folder, smaller first; one that is there already is taken as it is."""
    LOG.parent.mkdir(exist_ok=True)
    folder.mkdir(exist_ok=True)
    made = [make_ledger(folder, name, size, say) for name, size in sizes.items()]
    return made[0], made[1]


def make_ledger(folder: Path, name: str, deliveries: int, say: Callable[[str], None]) -> Ledger:
    """One of them."""
    LOG.parent.mkdir(exist_ok=True)
    return _kept(folder / name) or _made(folder, name, deliveries, say)


def _kept(folder: Path) -> Ledger | None:
    file = folder / _KEPT
    return msgspec.json.decode(file.read_bytes(), type=Ledger) if file.exists() else None


def _made(folder: Path, name: str, deliveries: int, say: Callable[[str], None]) -> Ledger:
    target = folder / name
    target.mkdir()
    site = prepare(target)
    with receivers(site) as (_, port):
        asyncio.run(fill(site, receiver_port=port, agencies=0, progress=lambda *_: None))
        with senders(site) as sender, gateway(site, LOG) as served:
            models = Models(circular=_sent(sender, COMMUNES), single=_sent(sender, COMMUNES[:1]))
            _drain(served, len(COMMUNES) + 1)
    weights = weigh(target / "data" / DATABASE, models)
    filled = multiply(target / "data" / DATABASE, models, deliveries, lambda text: say(f"{name}: {text}"))
    ledger = Ledger(
        name=name,
        place=str(target),
        operations_port=site.operations_port,
        models=models,
        filled=filled,
        weights=weights,
    )
    (target / _KEPT).write_bytes(msgspec.json.encode(ledger))
    return ledger


def _sent(sender: Worker, recipients: tuple[Office, ...]) -> str:
    sender.order(circular(PROVINCE, recipients, f"{len(recipients)}{time.time_ns()}"))
    answer = None
    while not isinstance(answer, tuple):
        answer = sender.hear(1.0)
    _, status, body = answer
    if status != 202:
        raise RuntimeError(f"a document was answered {status} {body[:500]!r}")
    return str(msgspec.json.decode(body)["id"])


def _drain(served: Gateway, expected: int) -> None:
    until = time.monotonic() + _DRAIN_SECONDS
    while served.delivered() < expected:
        if time.monotonic() > until:
            raise RuntimeError("the documents did not arrive")
        time.sleep(0.1)

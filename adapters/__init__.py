"""The ways to reach a peer: name of an endpoint's kind -> factory of its adapter.

Each adapter fills `gateway.ports.Adapter`. Only the composition root reads this table; the package `gateway`
names no adapter. `loopback` is the shortest and read first.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.loopback import LoopbackAdapter
from adapters.webhook import WebhookAdapter
from gateway.ports import Adapter

#: `Endpoint.kind` -> what makes the adapter; its own arguments are its own.
FACTORIES: dict[str, Callable[..., Adapter]] = {"loopback": LoopbackAdapter, "webhook": WebhookAdapter}

"""The ways to reach a peer: name of an endpoint's kind -> factory of its adapter.

Each adapter fills `gateway.ports.Adapter`, each source `gateway.ports.Source`. Only the composition root reads
these tables; the package `gateway` names no adapter. `loopback` is the shortest and read first.
"""

from __future__ import annotations

from collections.abc import Callable

from adapters.loopback import LoopbackAdapter
from adapters.vxp.reader import VxpReader
from adapters.webhook import WebhookAdapter
from gateway.ports import Adapter, Source

#: `Endpoint.kind` -> what makes the adapter; its own arguments are its own.
FACTORIES: dict[str, Callable[..., Adapter]] = {"loopback": LoopbackAdapter, "webhook": WebhookAdapter}

#: The setting `source` of an endpoint -> what makes the client that lists and fetches there.
SOURCES: dict[str, Callable[..., Source]] = {"vxp": VxpReader}

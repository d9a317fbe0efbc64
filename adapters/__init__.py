"""The ways to reach a peer, by the kind of a channel; `loopback` is the shortest and read first.

Each adapter fills `gateway.ports.Adapter`, each source `gateway.ports.Source`. Only the composition root reads
these tables; the package `gateway` names no adapter.

A channel of a kind in SOURCES is polled, too; its setting `source` names another one, or "" for none. One whose
setting `catalogue` names a kind in CATALOGUES teaches the directory its agencies, every night.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adapters.vxp.catalogue import VxpCatalogue
from adapters.vxp.reader import VxpReader
from adapters.webhook import WebhookAdapter
from gateway.model import Endpoint
from gateway.ports import Adapter, Catalogue, Source, Surroundings

#: `Endpoint.kind` -> what makes the adapter. One object serves all channels of its kind.
FACTORIES: dict[str, Callable[[Surroundings], Adapter]] = {"webhook": WebhookAdapter}

#: What makes the client that lists and fetches at one channel.
SOURCES: dict[str, Callable[[Endpoint, Surroundings], Source]] = {"vxp": VxpReader}

#: What makes the client that knows all agencies behind a channel.
CATALOGUES: dict[str, Callable[[Endpoint, Surroundings], Catalogue]] = {"vxp": VxpCatalogue}

#: `Endpoint.kind` -> what is wrong with a channel's settings and files, in sentences for operators; dials nobody.
PROBLEMS: dict[str, Callable[[Endpoint, Surroundings], Sequence[str]]] = {}

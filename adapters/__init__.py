"""The ways to reach a peer, by the kind of a channel; `loopback` is the shortest and read first.

Each adapter fills `gateway.ports.Adapter`, each source `gateway.ports.Source`. Only `gateway.channels` reads these
tables; the package `gateway` names no adapter.

`BINDINGS` makes the application of the protocols that peers speak to us, over `gateway.broker.Broker`; `SERVED`
names them, and `BindingOptions` declares the keys of `[bindings]` that belong to one of them.

A channel of a kind in SOURCES is polled, too; its setting `source` names another one, or "" for none. One whose
setting `catalogue` names a kind in CATALOGUES teaches the directory its agencies, every night.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from adapters.bindings import SERVED, BindingOptions, answer_unreadable, build_bindings, build_plain
from adapters.folder import channel as folder_channel
from adapters.lgsp import session as lgsp
from adapters.lgsp.adapter import LgspAdapter
from adapters.lgsp.catalogue import LgspCatalogue
from adapters.lgsp.source import LgspSource
from adapters.sftp import channel as sftp_channel
from adapters.vxp.catalogue import open_catalogue
from adapters.vxp.client import VxpAdapter
from adapters.vxp.counterpart import VxpCounterpart
from adapters.vxp.reader import open_source
from adapters.vxp.settings import problems_of as problems_of_vxp
from adapters.webhook import WebhookAdapter
from adapters.webhook import problems as webhook_problems
from adapters.xroad import client_session as xroad
from adapters.xroad.client import XroadAdapter
from adapters.xroad.client_source import XroadSource
from gateway.broker import Broker
from gateway.clock import Clock
from gateway.errors import RefusedError
from gateway.model import Endpoint
from gateway.ports import Adapter, Catalogue, CatalogueEditor, Counterpart, Source, Surroundings

__all__ = [
    "BINDINGS",
    "CATALOGUES",
    "CATALOGUE_EDITORS",
    "COUNTERPARTS",
    "FACTORIES",
    "PLAIN_BINDINGS",
    "PROBLEMS",
    "SERVED",
    "SOURCES",
    "UNREADABLE",
    "BindingOptions",
]

#: `Endpoint.kind` -> what makes the adapter. One object serves all channels of its kind.
FACTORIES: dict[str, Callable[[Surroundings], Adapter]] = {
    "folder": folder_channel.make_adapter,
    "lgsp": LgspAdapter,
    "sftp": sftp_channel.make_adapter,
    "vxp": VxpAdapter,
    "webhook": WebhookAdapter,
    "xroad": XroadAdapter,
}

#: What makes the client that lists and fetches at one channel.
SOURCES: dict[str, Callable[[Endpoint, Surroundings], Source]] = {
    "folder": folder_channel.make_source,
    "lgsp": LgspSource,
    "sftp": sftp_channel.make_source,
    "vxp": open_source,
    "xroad": XroadSource,
}

#: What makes the client that knows all agencies behind a channel.
CATALOGUES: dict[str, Callable[[Endpoint, Surroundings], Catalogue]] = {
    "lgsp": LgspCatalogue,
    "vxp": open_catalogue,
}

#: `Endpoint.kind` -> what makes the client that reads a peer's own books about us.
COUNTERPARTS: dict[str, Callable[[Endpoint, Surroundings], Counterpart]] = {"vxp": VxpCounterpart}

#: `Endpoint.kind` -> what makes the client that enters agencies of ours in a peer's catalogue.
CATALOGUE_EDITORS: dict[str, Callable[[Endpoint, Surroundings], CatalogueEditor]] = {"vxp": VxpCounterpart}

#: `Endpoint.kind` -> what is wrong with a channel's settings and files, in sentences for operators; dials nobody.
PROBLEMS: dict[str, Callable[[Endpoint, Surroundings], Sequence[str]]] = {
    "folder": folder_channel.problems,
    "lgsp": lgsp.problems,
    "sftp": sftp_channel.problems,
    "vxp": problems_of_vxp,
    "webhook": webhook_problems,
    "xroad": xroad.problems,
}

#: What makes the application of the protocols that are served; their names are in SERVED.
BINDINGS: Callable[[Broker, Clock, BindingOptions], web.Application] = build_bindings

#: The same for a listener without TLS, which serves fewer.
PLAIN_BINDINGS: Callable[[Broker, Clock, BindingOptions], web.Application] = build_plain

#: How the listener of those protocols answers what is no HTTP, for a refusal and a trace id.
UNREADABLE: Callable[[RefusedError, str], web.Response] = answer_unreadable

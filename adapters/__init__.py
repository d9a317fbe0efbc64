"""The ways to reach a peer, by the kind of a channel; `loopback` is the shortest and read first.

Each adapter fills `gateway.ports.Adapter`, each source `gateway.ports.Source`. Only the composition root reads
these tables; the package `gateway` names no adapter.

A channel of a kind in SOURCES is polled, too; its setting `source` names another one, or "" for none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adapters.folder import channel as folder_channel
from adapters.sftp import channel as sftp_channel
from adapters.vxp.reader import VxpReader
from adapters.webhook import WebhookAdapter
from gateway.model import Endpoint
from gateway.ports import Adapter, Source, Surroundings

#: `Endpoint.kind` -> what makes the adapter. One object serves all channels of its kind.
FACTORIES: dict[str, Callable[[Surroundings], Adapter]] = {
    "folder": folder_channel.make_adapter,
    "sftp": sftp_channel.make_adapter,
    "webhook": WebhookAdapter,
}

#: What makes the client that lists and fetches at one channel.
SOURCES: dict[str, Callable[[Endpoint, Surroundings], Source]] = {
    "folder": folder_channel.make_source,
    "sftp": sftp_channel.make_source,
    "vxp": VxpReader,
}

#: `Endpoint.kind` -> what is wrong with a channel's settings and files, in sentences for operators; dials nobody.
PROBLEMS: dict[str, Callable[[Endpoint, Surroundings], Sequence[str]]] = {
    "folder": folder_channel.problems,
    "sftp": sftp_channel.problems,
}

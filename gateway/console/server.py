"""The running server, as the console sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gateway.admin.server import Server
from gateway.desk.desk import Desk as ClerksDesk
from gateway.facade import LocalGateway
from gateway.observe import Metrics
from gateway.windows import LineView


class ConsoleServer(Server, Protocol):
    """The running server: also a `Desk` for the acts of `gateway.admin`."""

    @property
    def gateway(self) -> LocalGateway:
        """Journey, mailbox, outbox and their neighbours."""
        ...

    def line_view(self, endpoint_id: str) -> LineView | None:
        """How the line to a channel is; None where nothing was sent to it since the start."""
        ...

    @property
    def desk(self) -> ClerksDesk:
        """The clerk's desk."""
        ...

    @property
    def metrics(self) -> Metrics:
        """What is counted."""
        ...

    @property
    def config_path(self) -> Path:
        """The file of its settings."""
        ...

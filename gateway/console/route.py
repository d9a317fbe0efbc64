"""One route of the console: method, path, handler, and the permission without which nobody comes in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from aiohttp import web

from gateway.accounts.roles import Permission

if TYPE_CHECKING:
    from gateway.console.visit import Visit

Handler: TypeAlias = "Callable[[Visit], Awaitable[web.StreamResponse]]"


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the table."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    permission: Permission
    #: The handler reads the body itself (`visit.request`): files. The token of the form is in the address then, as
    #: `visit.upload_url` makes it.
    uploads: bool = False
    #: Its work takes a processor or a reader for long: people take turns (`gateway.console.turns`). A `print` takes
    #: seconds, a `page` is looked at all day.
    heavy: Literal["", "page", "print"] = ""
    #: Whoever must choose a password or set a second factor first may come here all the same.
    before_ready: bool = False

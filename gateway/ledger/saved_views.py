"""Filters that people keep under a name, each for himself; no act on the ledger, so no event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.clock import instant, micros
from gateway.errors import RefusedError
from gateway.storage.pump import Transaction
from gateway.storage.readers import Readers

#: Views that one person keeps at most.
MOST: Final = 50
_LONGEST_NAME: Final = 80
_LONGEST_FILTER: Final = 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedView:
    """One of them."""

    name: str
    #: The filter as an address has it.
    filter: str
    #: Names of the columns shown; () for the usual ones.
    columns: tuple[str, ...] = ()
    saved_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepView:
    """Keep a view, in the place of one of the same name."""

    owner: str
    view: SavedView
    now: datetime


class KeepViewOperation:
    """None, or why not."""

    name = "keep_view"

    async def apply(self, tx: Transaction, payloads: Sequence[KeepView]) -> Sequence[RefusedError | None]:
        """One result per payload."""
        return [await self._keep(tx, payload) for payload in payloads]

    async def _keep(self, tx: Transaction, ask: KeepView) -> RefusedError | None:
        view = ask.view
        name = "".join(each if each.isprintable() else " " for each in view.name).strip()
        if not 0 < len(name) <= _LONGEST_NAME:
            return RefusedError("parameter_invalid", f"name: 1 to {_LONGEST_NAME} characters")
        if len(view.filter) > _LONGEST_FILTER:
            return RefusedError(
                "parameter_invalid", f"filter: longer than {_LONGEST_FILTER} characters as an address"
            )
        ((others,),) = await tx.fetch("saved_view_count_others", (ask.owner, name))
        if others >= MOST:
            return RefusedError("parameter_invalid", f"name: there are {MOST} views already")
        row = {
            "owner": ask.owner,
            "name": name,
            "filter": view.filter,
            "columns": ",".join(view.columns),
            "now": micros(ask.now),
        }
        await tx.fetch("saved_view_keep", row)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetView:
    """A view goes."""

    owner: str
    name: str


class ForgetViewOperation:
    """Whether there was one."""

    name = "forget_view"

    async def apply(self, tx: Transaction, payloads: Sequence[ForgetView]) -> Sequence[bool]:
        """One result per payload."""
        return [bool(await tx.fetch("saved_view_forget", (each.owner, each.name))) for each in payloads]


async def saved_views(readers: Readers, owner: str) -> list[SavedView]:
    """Somebody's views, by name."""
    rows = await readers.fetch("saved_view_list", (owner,))
    return [
        SavedView(name=name, filter=kept, columns=tuple(filter(None, columns.split(","))), saved_at=instant(at))
        for name, kept, columns, at in rows
    ]

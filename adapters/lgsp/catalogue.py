"""The facade as a `Catalogue`: its one list of agencies, asked with the token alone.

    GET /v1/getAgenciesList     {"success": true, "data": [{orgCode, orgName, parentCode, email, …}, …]}

The list may also come bare, or as the only one inside `data`: a client of this facade reads three shapes. It is
held in memory, up to `BYTES_MAX`. A list without an entry is no list: a facade that has lost its table must not
look like one that knows nobody. Codes are the facade's ids too, since it gives no others; those with a `W00` are
nodes of the axis's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from adapters.lgsp.reply import require_data, require_few
from adapters.lgsp.session import Session
from adapters.lgsp.settings import facade_of
from adapters.webhook_channel import Contexts
from adapters.webhook_names import Names
from gateway.errors import SourceError
from gateway.model import Endpoint
from gateway.ports import CatalogueEntry, Surroundings

BYTES_MAX: Final = 96 * 1024 * 1024
#: The national catalogue has some 125,000.
ENTRIES_MAX: Final = 300_000

_LISTING = "agencies"
_AT_ONCE = 500
_SHOWN = 200
_VIRTUAL = "W00"


class _Row(msgspec.Struct, gc=False):
    code: str = msgspec.field(name="orgCode")
    name: str | None = msgspec.field(name="orgName", default=None)
    parent: str | None = msgspec.field(name="parentCode", default=None)
    email: str | None = None


class LgspCatalogue:
    """Reads one facade's list."""

    def __init__(self, endpoint: Endpoint, surroundings: Surroundings, *, bytes_max: int = BYTES_MAX) -> None:
        self._facade, self._surroundings, self._most = (
            facade_of(endpoint, surroundings.folder),
            surroundings,
            bytes_max,
        )
        self._rows: list[_Row] = []

    async def fetch(self) -> str:
        """Bring the list over; a digest of its bytes."""
        await self.close()
        session = Session(self._facade, self._surroundings, contexts=Contexts(), names=Names(), connections=1)
        try:
            answer = await session.call("GET", "getAgenciesList", most=self._most, token_alone=True)
        finally:
            await session.close()
        self._rows = read_agencies(answer.status, answer.content)
        return sha256(answer.content).hexdigest()

    async def entries(self) -> AsyncIterator[Sequence[CatalogueEntry]]:
        """The list, in parts."""
        for start in range(0, len(self._rows), _AT_ONCE):
            yield [_entry(row) for row in self._rows[start : start + _AT_ONCE]]

    async def close(self) -> None:
        """Forget what was fetched."""
        self._rows = []


def read_agencies(status: int, content: bytes) -> list[_Row]:
    """The rows of an answer in any of its three shapes."""
    require_few(content, ENTRIES_MAX)
    bare = content.lstrip()[:1] == b"[" and status == 200  # noqa: PLR2004
    try:
        found = _inner(msgspec.Raw(content) if bare else require_data(status, content))
        rows = msgspec.json.decode(found, type=list[_Row])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError("peer_reply_invalid", f"not a list of agencies: {error}"[:_SHOWN]) from error
    if not rows:
        raise SourceError("peer_reply_invalid", "the list of agencies is empty")
    return rows


def _inner(data: msgspec.Raw) -> Any:
    """The list itself, or the only one that an object holds."""
    if bytes(data).lstrip()[:1] != b"{":
        return data
    values = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).values()
    lists = [value for value in values if bytes(value).lstrip()[:1] == b"["]
    if len(lists) != 1:
        raise SourceError("peer_reply_invalid", "the answer holds no list of agencies, or several")
    return lists[0]


def _entry(row: _Row) -> CatalogueEntry:
    code, parent = row.code.strip(), (row.parent or "").strip()
    return CatalogueEntry(
        listing=_LISTING,
        ref=code,
        parent_ref="" if parent == code else parent,
        code=code,
        name=(row.name or "").strip(),
        email=(row.email or "").strip(),
        kind="virtual" if _VIRTUAL in code else "agency",
    )

"""What waits for us at the axis: `VxpReader` only looks, `VxpSource` also says what became of it.

Documents and statuses come in one list, each asked for by its message type. A document is fetched by `getEdoc`;
one whose answer is longer than we take into memory, or that cannot be had so, comes by `downloadEdoc` in pieces.
That one answers with bare bytes, so what looks like a page or an error in JSON is refused there.

`VxpReader` is for shadow mode, beside another client of the same system id: it is made of `Looking`, which has no
way to ask for anything that changes the list, and `settle` says that it cannot. `VxpSource` tells `done`, or
`fail` where a person or a rule has decided that an entry will never be ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal

import aiohttp

from adapters.vxp.calls import REPLY_BYTES_MAX, Acting, Looking
from adapters.vxp.reply import accept_settled, read_document, read_list
from adapters.vxp.wire import Act, Look
from gateway.errors import SourceError
from gateway.model import Endpoint
from gateway.ports import Listed, Settlement, Surroundings

_KINDS: Final[tuple[tuple[str, Literal["document", "status"]], ...]] = (("edoc", "document"), ("status", "status"))
#: How a page or an error in JSON begins, and edXML does not.
_NO_DOCUMENT = (b"{", b"[", b"<!doctype html", b"<html")
_PIECE = 256 * 1024
_DESCRIPTION = 200
#: What `getEdoc` says where the axis is well and this entry is not.
_OF_THE_ENTRY = frozenset({"peer_error", "peer_reply_invalid"})

Write = Callable[[bytes], Awaitable[None]]


class VxpReader:
    """Looks at one system id's list."""

    def __init__(
        self, endpoint: Endpoint, surroundings: Surroundings, *, reply_bytes_max: int = REPLY_BYTES_MAX
    ) -> None:
        self._calls: Looking = Looking(endpoint, surroundings, prefix="source_", connections=2)
        self._most = reply_bytes_max

    async def listed(self) -> tuple[Listed, ...]:
        """Documents and statuses that wait."""
        found: dict[str, Listed] = {}
        for message_type, kind in _KINDS:
            parameters = {"servicetype": "eDoc", "messagetype": message_type}
            for item in read_list(await self._calls.look(Look.LIST_RECEIVED, parameters, most=self._most), kind):
                found.setdefault(item.ref, item)
        return tuple(found.values())

    async def fetch(self, ref: str, write: Write) -> None:
        """The document's bytes."""
        try:
            content = await self._calls.look_up_to(Look.GET, {"docId": ref}, self._most)
            document = None if content is None else read_document(content)
        except SourceError as error:
            if error.code not in _OF_THE_ENTRY:
                raise
            try:
                await self._download(ref, write)
            except SourceError:
                raise error from None  # the first way's words say more
            return
        if document is None:
            await self._download(ref, write)
        else:
            await write(document)

    async def _download(self, ref: str, write: Write) -> None:
        async with self._calls.opened(Look.DOWNLOAD, {"docId": ref}) as response:
            await _pass_on(response, write)

    async def settle(self, ref: str, settlement: Settlement) -> bool:  # noqa: ARG002
        """Never: this client only looks."""
        return False

    async def close(self) -> None:
        """Close the connections."""
        await self._calls.close()


class VxpSource(VxpReader):
    """The client of a member."""

    def __init__(
        self, endpoint: Endpoint, surroundings: Surroundings, *, reply_bytes_max: int = REPLY_BYTES_MAX
    ) -> None:
        self._acting = Acting(endpoint, surroundings)
        self._calls = self._acting
        self._most = reply_bytes_max

    async def settle(self, ref: str, settlement: Settlement) -> bool:
        """Take the entry off the list: `done`, or `fail` with the reason's code."""
        parameters = {"docId": ref, "status": "done" if settlement.done else "fail"}
        if not settlement.done and settlement.reason:
            parameters["description"] = settlement.reason[:_DESCRIPTION]
        accept_settled(await self._acting.act(Act.UPDATE_STATUS, parameters))
        return True


def open_source(endpoint: Endpoint, surroundings: Surroundings) -> VxpReader:
    """A channel that names a source is only looked at; a member's own says what became of what it got."""
    return (
        VxpReader(endpoint, surroundings) if endpoint.settings.get("source") else VxpSource(endpoint, surroundings)
    )


async def _pass_on(response: aiohttp.ClientResponse, write: Write) -> None:
    """Bare bytes, unless their beginning shows that they are no document."""
    empty = True
    async for chunk in response.content.iter_chunked(_PIECE):
        if empty and chunk.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_NO_DOCUMENT):
            raise SourceError("peer_reply_invalid", "a page or an error came instead of the document")
        empty = False
        await write(chunk)
    if empty:
        raise SourceError("peer_reply_invalid", "the document is empty")

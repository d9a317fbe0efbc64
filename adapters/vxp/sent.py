"""All that the axis says we sent in some days, page by page and line by line: what is not in it was not there.

Whether an axis heeds fromDate, toDate, pageSize and pageIndex is not known, so nothing is believed of them.
Whoever asks compares times by himself. Pages are asked for until one is empty or was there before: an axis that
ignores pageIndex gives the same one twice. Some count pages from 0, so page 0 is asked for as well. More
documents in a page than were asked for are the whole list, and no further page is needed. Where the days have no
line at all, the list is asked for once without them: an axis may read dates in another form than ours.

A line may be seen more than once. One answer is in memory in small pieces only; LINES_MAX ends a list without an
end.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from adapters.vxp.calls import Looking
from adapters.vxp.sent_reply import UNREADABLE_MOST, SentLine, SentReply
from adapters.vxp.wire import Look
from gateway.errors import SourceError

#: Documents of a page, where a channel states nothing else.
PAGE: Final = 1000
#: Lines of all pages; the whole axis sent 163,000 documents in its first half year.
LINES_MAX: Final = 2_000_000

_PIECE = 256 * 1024

See = Callable[[SentLine], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What is asked for."""

    message_type: str
    first: date
    last: date
    #: Documents of a page; 0: everything at once.
    page: int = PAGE


async def walk_sent(calls: Looking, span: Span, see: See, *, most: int = LINES_MAX) -> None:
    """Show every line to `see`; returns only if that were all of them."""
    parameters = {"servicetype": "eDoc", "messagetype": span.message_type}
    days = {"fromDate": f"{span.first:%Y/%m/%d}", "toDate": f"{span.last:%Y/%m/%d}"}
    if not await _walk(calls, parameters | days, span.page, see, most):
        await _walk(calls, parameters, span.page, see, most)


async def _walk(calls: Looking, parameters: Mapping[str, str], size: int, see: See, most: int) -> int:
    """How many lines there were, repeated ones counted."""
    if not size:
        return (await _read(calls, parameters, size, see, most)).lines
    lines, before = 0, set[bytes]()
    for index in itertools.count(1):
        asked = {**parameters, "pageSize": str(size), "pageIndex": str(index)}
        page = await _read(calls, asked, size, see, most - lines)
        lines += page.lines
        if page.is_more_than_asked:
            return lines
        if not page.lines or page.digest in before:
            break
        before.add(page.digest)
    try:
        asked = {**parameters, "pageSize": str(size), "pageIndex": "0"}
        lines += (await _read(calls, asked, size, see, most - lines)).lines
    except SourceError as error:
        # where pages are counted from 1, a refusal is a fair answer; one of HTTP may be an outage
        if error.code != "peer_error" or error.detail.startswith("HTTP"):
            raise
    return lines


@dataclass(frozen=True, kw_only=True, slots=True)
class _Page:
    lines: int
    digest: bytes
    is_more_than_asked: bool


async def _read(calls: Looking, parameters: Mapping[str, str], size: int, see: See, most: int) -> _Page:
    reply, digest = SentReply(), hashlib.sha256()
    lines, unread, refs = 0, 0, set[str]()

    def take(found: list[SentLine]) -> None:
        nonlocal lines, unread
        for line in found:
            digest.update(f"{line.ref} {line.recipient_code} {line.unread};".encode())
            unread += bool(line.unread)
            if len(refs) <= size:
                refs.add(line.ref)
            see(line)
        lines += len(found)
        if lines > most:
            raise SourceError("peer_reply_invalid", "the list of what we sent has no end")
        if unread > UNREADABLE_MOST:
            raise SourceError("peer_reply_invalid", f"the list has {unread} lines that cannot be read")

    async with calls.opened(Look.LIST_SENT, parameters) as response:
        async for chunk in response.content.iter_chunked(_PIECE):
            for found in reply.feed(chunk):
                take(found)
        for found in reply.end():
            take(found)
    return _Page(lines=lines, digest=digest.digest(), is_more_than_asked=len(refs) > size)

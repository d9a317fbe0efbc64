"""Query strings and paths: what they are checked against and what the OpenAPI document says of them.

JSON names are camelCase of the fields. A parameter that is not declared is refused.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gateway.states import State

Cursor = Annotated[str, Meta(max_length=500, description="from the page before")]
PageSize = Annotated[int, Meta(ge=1, le=500)]
Reader = Annotated[str, Meta(max_length=64, description="a name of your choice for the holder of the lease")]


class Query(Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Base of query strings."""


class ById(Query):
    """A path with one id."""

    #: Ours, UUIDv7; anything else is simply not found.
    id: Annotated[str, Meta(min_length=1, max_length=64)]


class ByCode(Query):
    """A path with an agency's code."""

    code: Annotated[str, Meta(min_length=1, max_length=64, description="a code of the agency, or its id")]


class ByTile(Query):
    """`GET /log/tile/{tile}`."""

    tile: Annotated[
        str, Meta(min_length=5, max_length=60, description="level, index and width, as in 0/x001/234.p/17")
    ]


class ProofPart(Query):
    """`GET /documents/{id}/proof`."""

    part: Annotated[
        Literal["proof", "leaf", "stamp", "times"],
        Meta(
            description="the proof; the bytes of the leaf that it is about; the time stamp (RFC 3161) over its "
            "checkpoint; or when it was recorded, and not later than when it was there, as an authority proves"
        ),
    ] = "proof"


class PushedFrom(Query):
    """`GET /pushed`."""

    since: Annotated[
        int, Meta(ge=0, le=10**18, description="a `cursor` of a page before; 0: from the beginning")
    ] = 0
    limit: PageSize = 100


class ByToken(Query):
    """A path with the token of a link."""

    token: Annotated[str, Meta(min_length=1, max_length=128)]


class ByNumber(ById):
    """An attachment of an item."""

    #: 1, 2, 3 … as in the item's `attachments`.
    number: Annotated[int, Meta(ge=1, le=100_000)]


class DocumentFilter(Query):
    """`GET /documents`."""

    kind: Literal["document", "status"] | None = None
    document_id: Annotated[str, Meta(max_length=200)] = ""
    number: Annotated[str, Meta(max_length=50)] = ""
    notation: Annotated[str, Meta(max_length=50)] = ""
    state: State | None = None
    from_: Annotated[date | None, Meta(description="accepted on this day (Vietnam) or later")] = field(
        name="from", default=None
    )
    to: Annotated[date | None, Meta(description="accepted on this day (Vietnam) or earlier")] = None
    cursor: Cursor = ""
    limit: PageSize = 100


class InboxFilter(Query):
    """`GET /inbox`."""

    agency: Annotated[str, Meta(max_length=50, description="a code of one agency you speak for")] = ""
    cursor: Cursor = ""
    limit: PageSize = 100
    wait: Annotated[float, Meta(ge=0, le=60, description="seconds to wait for a first item")] = 0.0
    lease: Annotated[float, Meta(ge=0, le=3600, description="seconds during which no other reader gets them")] = 0.0
    reader: Reader = ""


class ByReader(Query):
    """Acts on one item of the inbox."""

    reader: Reader = ""


class ReceiptPart(Query):
    """`GET /documents/{id}/receipt`."""

    part: Annotated[
        Literal["xades", "transfer"], Meta(description="the signature file, or the transfer.json that it covers")
    ] = "xades"


class AgencyFilter(Query):
    """`GET /agencies`."""

    q: Annotated[str, Meta(max_length=200, description="words of the name, with or without diacritics")] = ""
    organ_id: Annotated[str, Meta(max_length=50, description="one exact code")] = ""
    cursor: Cursor = ""
    limit: PageSize = 100


class EventsFrom(Query):
    """`GET /events`."""

    since: (
        Annotated[int, Meta(ge=0, le=2**62, description="send what came after this number; Last-Event-ID wins")]
        | None
    ) = None

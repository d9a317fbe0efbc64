"""`evidence/purge.json`: which bodies are not in a bundle since they were destroyed by order.

Without this entry every message of a bundle has its bytes. With it those that it names have none: their digests
stand here, in `bundle.json` and in the leaf `body.purged`, and receipts are verified against them. Whoever still
has the original can show that it is the one.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.bundle.facts import Part
from gateway.bundle.format import DOCUMENT, PURGE
from gateway.errors import BundleError


class Destroyed(Part, kw_only=True, frozen=True):
    """A message whose bytes were destroyed."""

    message: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    size: int
    #: Of the order, as its leaf has it.
    order: str
    purged_at: str


class Purge(Part, kw_only=True, frozen=True):
    """The whole."""

    destroyed: list[Destroyed]


def read(file: bytes) -> Purge:
    """What it says; BundleError for a wrong shape."""
    try:
        return msgspec.json.decode(file, type=Purge)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"{PURGE} cannot be read: {error}", code="facts_unreadable") from error


def body_entry(message: str, document: str) -> str:
    """Where the bytes of a message lie or would lie, in the bundle of a document."""
    return DOCUMENT if message == document else f"messages/{message}.edxml"

"""How much a message may hold: the policy every reading function is given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ParseLimits:
    """Defaults are those of the configuration."""

    #: Bytes of names and text outside attachments.
    max_header_bytes: int = 1_000_000
    #: Elements inside each other.
    max_depth: int = 64
    #: One attachment, decoded and unzipped.
    max_attachment_bytes: int = 300 * 1024**2
    #: All of them together.
    max_total_attachment_bytes: int = 600 * 1024**2
    #: Unzipped to zipped bytes, looked at above `zip_ratio_floor` only.
    max_zip_ratio: int = 200
    #: Unzipped bytes up to which any ratio is taken, so that small empty forms do not trip.
    zip_ratio_floor: int = 1024**2
    #: `To` elements.
    max_recipients: int = 2000
    #: Attachments of one message.
    max_attachments: int = 200

"""How a message is written for one peer: its dialect, and whether attachments travel zipped.

A profile is data of the directory (a peer's capabilities); this module only holds its shape and the two
profiles every peer can be started with. It does not say what a peer *accepts*: reading is tolerant of all.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.edxml.envelope import Dialect


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How one peer wants its messages written."""

    #: A or B; the other dialects are only read.
    dialect: Dialect = Dialect.A
    #: Each file travels in a ZIP that holds only it.
    zip_attachments: bool = True

    def __post_init__(self) -> None:
        """Refuse a dialect that has no writer."""
        if self.dialect not in (Dialect.A, Dialect.B):
            raise ValueError(f"dialect {self.dialect} is only read, never written")


#: What the axis and the systems with the vendor's SDK write and expect.
PROFILE_A = Profile()
#: What the .NET family writes and expects.
PROFILE_B = Profile(dialect=Dialect.B, zip_attachments=False)

"""How a message is written for one peer: dialect, zipped attachments, trace header, lengths it can store.

A profile is data of the directory (a peer's capabilities); this module only holds its shape and the two
profiles every peer can be started with. It does not say what a peer *accepts*: reading is tolerant of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.edxml.envelope import Dialect

#: Characters every known receiver can store, by element name: the column widths of one receiver in service,
#: so a safe lower bound and not the regulation's limit (`schemas/README.md`, lengths).
SAFE_LENGTHS: Mapping[str, int] = MappingProxyType(
    {
        "OrganId": 50,
        "OrganizationInCharge": 200,
        "OrganName": 200,
        "OrganAdd": 250,
        "Email": 100,
        "Telephone": 50,
        "Fax": 50,
        "Website": 100,
        "DocumentId": 200,
        "CodeNumber": 50,
        "CodeNotation": 50,
        "Place": 50,
        "TypeName": 100,
        "Subject": 500,
        "Content": 500,
        "Competence": 100,
        "Position": 100,
        "FullName": 50,
        "SphereOfPromulgation": 100,
        "TyperNotation": 10,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How one peer wants its messages written."""

    #: A or B; the other dialects are only read.
    dialect: Dialect = Dialect.A
    #: Each file travels in a ZIP that holds only it.
    zip_attachments: bool = True
    #: Add our own hop to the TraceHeaderList; off, since it breaks a signature over the whole document.
    append_trace: bool = False
    #: Element name -> most characters; a longer text is refused, never cut. None: no limit.
    max_lengths: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        """Refuse a dialect that has no writer."""
        if self.dialect not in (Dialect.A, Dialect.B):
            raise ValueError(f"dialect {self.dialect} is only read, never written")


#: What the axis and the systems with the vendor's SDK write and expect.
PROFILE_A = Profile()
#: What the .NET family writes and expects.
PROFILE_B = Profile(dialect=Dialect.B, zip_attachments=False)

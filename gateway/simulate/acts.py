"""The nouns of the script: acts, answers and ends. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from gateway.states import State

#: Raw edXML of a dialect, or a form with the file beside it from which the gateway builds the edXML.
Way = Literal["A", "B", "multipart"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """An office issues a document (type 0), or recalls (1), updates (2) or replaces (3) another."""

    key: str
    sender: str
    recipients: tuple[str, ...]
    document_id: str
    number: str
    notation: str
    issued_on: date
    type_name: str
    type_number: int
    subject: str
    way: Way = "A"
    priority: int = 0
    business_type: Literal["0", "1", "2", "3"] = "0"
    #: The act whose document this one answers, recalls, updates or replaces.
    about: str = ""
    #: Acts that must be over, as far as the sender can see: own documents answered, others' received.
    after: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """Of the attached PDF."""
        return f"{self.number}-{self.notation}.pdf"


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeBack:
    """The sender asks for a delivered document back (status 13)."""

    key: str
    sender: str
    about: str
    recipient: str
    reason: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdraw:
    """The sender withdraws a document that has not left."""

    key: str
    sender: str
    about: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BringBack:
    """The axis brings one of our own documents, byte for byte as it took it."""

    key: str
    sender: str
    about: str


Act = Send | TakeBack | Withdraw | BringBack


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One status that a receiver reports."""

    code: str
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """How a delivery ends; the business status is the last one that the receiver reported, "" for none."""

    state: State
    business_status: str = ""


@dataclass(frozen=True, slots=True)
class Got:
    """A fact an office can see: it received the document of an act."""

    key: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Told:
    """A fact an office can see: a receiver's status about its document arrived."""

    key: str
    reporter: str
    code: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A fact an office can see: its own submission was accepted."""

    key: str


Fact = Got | Told | Issued

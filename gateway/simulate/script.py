"""The re-enactment as data: who does what, who answers what, and how every delivery ends.

Everything follows from the cast: `gateway.simulate.plot.write_script` is a pure function, and each simulator
process computes the same script for itself and plays the parts of its own offices. Nobody tells an office when
to act: an act waits for facts that its office can see (`conditions`). The demo holds the ledger against `ends`
and `statuses`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from gateway.simulate.acts import Act, Answer, BringBack, End, Fact, Got, Issued, Send, TakeBack, Told, Withdraw
from gateway.simulate.cast import Cast, Means
from gateway.simulate.letter import make_letter
from gateway.states import State

#: What a letter says that recalls, updates or replaces another.
_TURNS: Final = {
    "1": "Văn bản này thu hồi văn bản đã gửi.",
    "2": "Văn bản này cập nhật văn bản đã gửi.",
    "3": "Văn bản này thay thế văn bản đã gửi.",
}


@dataclass(kw_only=True)
class Script:
    """The whole play; `acts` in the order in which they were written down."""

    cast: Cast
    acts: list[Act] = field(default_factory=list)
    #: (act, receiver) -> what it answers, in order.
    answers: dict[tuple[str, str], tuple[Answer, ...]] = field(default_factory=dict)
    #: (act, receiver) -> how that delivery ends; every delivery of a document is here.
    ends: dict[tuple[str, str], End] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sends: dict[str, Send] = {}
        self._documents: dict[tuple[str, str], Send] = {}
        self._about: dict[str, str] = {}

    def send_of(self, key: str) -> Send:
        """The sending act of that name."""
        return self._sends[key]

    def file_of(self, send: Send) -> bytes:
        """The PDF that is attached; receivers make it again to compare."""
        issuer, code = self.cast.by_code[send.sender].name, f"{send.number}/{send.notation}"
        more = (_TURNS[send.business_type],) if send.business_type in _TURNS else ()
        return make_letter(issuer, code, send.issued_on, send.type_name, send.subject, *more)

    def find(self, document_id: str, business_type: str) -> Send | None:
        """The act that issued a document; a recall or update has its original's id."""
        return self._documents.get((document_id, business_type))

    def keys_about(self, document_id: str, reporter: str, code: str) -> tuple[str, ...]:
        """The acts about a document to which this office answers with this code, oldest first."""
        return self._answered.get((document_id, reporter, code), ())

    @cached_property
    def _answered(self) -> dict[tuple[str, str, str], tuple[str, ...]]:
        found: dict[tuple[str, str, str], tuple[str, ...]] = {}
        for (key, reporter), answers in self.answers.items():
            for answer in answers:
                index = (self.document_id(key), reporter, answer.code)
                found[index] = (*found.get(index, ()), key)
        return found

    def document_id(self, key: str) -> str:
        """The document that an act issues, or is about."""
        return self._sends[self._about.get(key, key)].document_id

    @property
    def sends(self) -> list[Send]:
        """The acts that issue documents."""
        return list(self._sends.values())

    @property
    def statuses(self) -> set[tuple[str, str, str]]:
        """(act, reporter, code) of every status that somebody reports."""
        told = {(key, reporter, each.code) for (key, reporter), codes in self.answers.items() for each in codes}
        return told | {(act.key, act.sender, "13") for act in self.acts if isinstance(act, TakeBack)}

    def add(self, act: Act, answers: dict[str, tuple[Answer, ...]] | None = None) -> None:
        """Write an act down, what its receivers answer, and what its deliveries come to by that."""
        self.acts.append(act)
        for receiver, codes in (answers or {}).items():
            self.answers[act.key, receiver] = codes
        if not isinstance(act, Send):
            self._about[act.key] = act.about
        else:
            self._sends[act.key] = act
            self._documents[act.document_id, act.business_type] = act
            outside = {office.code for office in self.cast.outside}
            comes_from_outside = act.sender in outside
            for receiver in act.recipients:
                # What the axis brings is routed only to offices of our own.
                if not (comes_from_outside and receiver in outside):
                    self.ends[act.key, receiver] = self._end(receiver, self.answers.get((act.key, receiver), ()))

    def end(self, key: str, receiver: str, end: End) -> None:
        """A delivery that ends otherwise than its first answers say."""
        self.ends[key, receiver] = end

    def conditions(self, act: Act) -> set[Fact]:
        """What the acting office must have seen first."""
        facts: set[Fact] = set()
        if isinstance(act, Withdraw):
            facts.add(Issued(act.about))
        elif isinstance(act, BringBack):
            carried = {office.code for office in self.cast.outside if office != self.cast.dropped}
            facts |= {Got(act.about, code) for code in self.send_of(act.about).recipients if code in carried}
        else:
            for key in act.after:
                facts |= self._over(key, act.sender)
        return facts

    def _over(self, key: str, office: str) -> set[Fact]:
        if self.send_of(key).sender != office:
            return {Got(key, office)}
        about = ((who, codes) for (answered, who), codes in self.answers.items() if answered == key)
        return {Told(key, who, each.code) for who, codes in about for each in codes}

    def _end(self, receiver: str, answers: tuple[Answer, ...]) -> End:
        means = self.cast.by_code[receiver].means
        if answers:
            return End(state=State.ACKNOWLEDGED, business_status=answers[-1].code)
        if means is Means.BROWSER:
            return End(state=State.QUEUED)
        return End(state=State.RELAYED if means is Means.AXIS else State.DELIVERED)

"""Taking a message: read, addressed, kept, remembered, put into the lists of those it is for.

1. A document goes to the codes that the call's `to` names, else to those of its own To list. Codes of one system
   make one entry there, which shows the whole list; codes that nobody hosts are lines of the sent list that failed.
2. A status goes to `to`, else to its ResponseFor/OrganId. Status 13 comes from the document's own sender, so where
   that leads back, it goes to those who got the document.
3. Body, then rows: what is answered with a DocId is committed.

Refusals are FailedError with a code of the provincial platform's list, since the axis's own is not public.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.clock import Clock, micros
from gateway.simulate.axis.agencies import Agencies, Host
from gateway.simulate.axis.journal import AxisJournal, Taken
from gateway.simulate.axis.reading import Letter, UnreadableError, read
from gateway.simulate.axis.settings import PLAYED, Answers, AxisSettings
from gateway.simulate.axis.signing import FailedError
from gateway.simulate.axis.store import SMALL_BYTES, Errand, Share, Store, Taking

MESSAGE_TYPES = ("edoc", "status", "replacement", "revocation", "update")

_SHOWN = 200
_TAKE_BACK = "13"
_CHANGES = ("1", "2", "3")


@dataclass(frozen=True, kw_only=True, slots=True)
class Posted:
    """What a sender may be told."""

    doc_id: int
    sha256: str
    letter: Letter
    entries: tuple[tuple[int, str], ...]


class Exchange:
    """The taking half of the axis."""

    def __init__(
        self, *, settings: AxisSettings, store: Store, agencies: Agencies, journal: AxisJournal, clock: Clock
    ) -> None:
        self._settings = settings
        self._store = store
        self._agencies = agencies
        self._journal = journal
        self._clock = clock
        self._played = {system.id for system in settings.systems if system.played} | {PLAYED}
        self._documents = 0
        #: Called after each message.
        self.on_taken: Callable[[], None] = _nothing

    async def take(
        self,
        system_id: str,
        message_type: str,
        data: bytes,
        to: Sequence[str] = (),
        *,
        copies: int = 1,
        errand: int | None = None,
    ) -> Posted:
        """Take a message from a system; `errand` is the one it fulfils."""
        if len(data) <= SMALL_BYTES:
            letter = _read(message_type, data)
        else:
            letter = await asyncio.to_thread(_read, message_type, data)
        recipients = tuple(dict.fromkeys(to)) or self._recipients(letter)
        if not recipients:
            raise FailedError("18", "Khong co don vi nhan")
        hosts = {code: self._agencies.host_of(code) for code in recipients}
        self._refuse_unknown(hosts)
        sha256 = await self._store.bodies.keep(data)
        taken = self._store.take(
            Taking(
                system_id=system_id,
                message_type=message_type,
                letter=letter,
                sha256=sha256,
                size=len(data),
                recipients=recipients,
                shares=self._shares(letter, hosts),
                faults={code: host.fault for code, host in hosts.items() if host.fault},
                copies=copies,
                errand=errand,
            )
        )
        self._journal.write(
            Taken(
                doc_id=str(taken.sent_id),
                system=system_id,
                message_type=message_type,
                sender=letter.sender,
                document_id=letter.document_id,
                status_code=letter.status_code,
                sha256=sha256,
                size=len(data),
                entries=tuple((str(entry), system) for entry, system in taken.entries),
                to=recipients,
            )
        )
        self._note_heard(taken.entries, letter)
        self.on_taken()
        return Posted(doc_id=taken.sent_id, sha256=sha256, letter=letter, entries=taken.entries)

    def recover(self) -> None:
        """Write the journal's lines that a kill cut off."""
        for row in self._store.rows("sent_list_after", self._journal.last_taken):
            number, system_id, message_type, sender, document_id, sha256, size, status_code = row
            entries = self._store.rows("entry_list_of_sent", number)
            self._journal.write(
                Taken(
                    doc_id=str(number),
                    system=system_id,
                    message_type=message_type,
                    sender=sender,
                    document_id=document_id,
                    status_code=status_code,
                    sha256=sha256,
                    size=size,
                    entries=tuple((str(entry), system) for entry, system in entries),
                    to=tuple(row[0] for row in self._store.rows("line_list_codes", number)),
                    recovered=True,
                )
            )

    def _recipients(self, letter: Letter) -> tuple[str, ...]:
        if not letter.status_code:
            return letter.recipients
        asked = tuple(dict.fromkeys(about.organ_id for about in letter.about if about.organ_id))
        if letter.status_code == _TAKE_BACK and asked in ((), (letter.sender,)):
            documents = [about.document_id for about in letter.about]
            rows = self._store.rows("sent_list_recipients", documents[0]) if documents else []
            return tuple(row[0] for row in rows)
        return asked

    def _note_heard(self, entries: Sequence[tuple[int, str]], letter: Letter) -> None:
        """Played offices take what they have no answer to."""
        if self._settings.answers.enabled and not _wants_answer(letter):
            for entry, system_id in entries:
                if system_id in self._played:
                    self._store.settle(entry, system_id, "done", "")

    def _refuse_unknown(self, hosts: dict[str, Host]) -> None:
        lost = [code for code, host in hosts.items() if not host.system_id]
        if lost and (self._settings.habits.unknown_recipients == "refuse" or len(lost) == len(hosts)):
            host = hosts[lost[0]]
            raise FailedError(host.fault_code, f"{host.fault}: {', '.join(lost)[:_SHOWN]}")

    def _shares(self, letter: Letter, hosts: dict[str, Host]) -> tuple[Share, ...]:
        found: dict[str, list[str]] = {}
        for code, host in hosts.items():
            if host.system_id:
                found.setdefault(host.system_id, []).append(code)
        return tuple(
            Share(system_id=system_id, codes=tuple(codes), errands=self._errands(system_id, letter, codes))
            for system_id, codes in found.items()
        )

    def _errands(self, system_id: str, letter: Letter, codes: Sequence[str]) -> tuple[Errand, ...]:
        answers = self._settings.answers
        if not answers.enabled or system_id not in self._played:
            return ()
        if not _wants_answer(letter):
            return ()
        asks = letter.status_code == _TAKE_BACK or letter.business_type in _CHANGES
        self._documents += 1
        now = micros(self._clock.now())
        refused = bool(answers.refuse_every) and self._documents % answers.refuse_every == 0
        return tuple(
            Errand(due_at=now + round(after * 1_000_000), reporter=reporter, code=code, words=words)
            for reporter in codes
            for code, after, words in _script(answers, asks=asks, refused=refused)
        )


def _wants_answer(letter: Letter) -> bool:
    return not letter.status_code or letter.status_code == _TAKE_BACK


def _read(message_type: str, data: bytes) -> Letter:
    if message_type not in MESSAGE_TYPES:
        raise FailedError("10", f"messagetype khong hop le: {message_type[:_SHOWN]}")
    try:
        letter = read(data)
    except UnreadableError as error:
        raise FailedError("22", f"Sai dinh dang edXML: {error}") from error
    if bool(letter.status_code) != (message_type == "status"):
        raise FailedError("22", f"Sai dinh dang edXML: khong phai {message_type}")
    return letter


def _script(answers: Answers, *, asks: bool, refused: bool) -> list[tuple[str, float, str]]:
    steps = [(step.code, step.after, step.words) for step in answers.steps]
    if asks:
        agreed = "Đồng ý" if answers.to_changes == "15" else "Không đồng ý"
        return [(answers.to_changes, steps[-1][1] if steps else 0.0, agreed)]
    if refused:
        return [*steps[:1], ("02", steps[0][1] if steps else 0.0, answers.refuse_words)]
    return steps


def _nothing() -> None:
    """Nobody wants to know."""

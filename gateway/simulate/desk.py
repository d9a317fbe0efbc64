"""The clerks of one office system: they read what arrives, answer by the script, and play their own acts.

`take` is called by whatever receives (`pull`, `push`) with the bytes and the deliveries they are for. It returns
once the journal is synced, so the receiver may then acknowledge. A delivery seen before is noted and goes no
further; a new one goes to its office, which answers in a task of its own, one status after the other.

What the script did not foresee (an unknown document, a PDF that is not the sender's, a refused submission) is
noted as unsound or announced as a problem; nothing is repaired.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gateway.clock import Clock
from gateway.simulate.acts import Act, Answer, BringBack, Got, Issued, Send, TakeBack, Told, Withdraw
from gateway.simulate.facts import Facts
from gateway.simulate.journal import Accepted, Journal, Received, Sent
from gateway.simulate.post import Post
from gateway.simulate.reading import Incoming, UnreadableError, read
from gateway.simulate.rest import Reply, Request
from gateway.simulate.script import Script


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A message as a receiver got it."""

    data: bytes
    message: str
    deliveries: tuple[Accepted, ...]
    dispatch: str = ""
    attempt: int = 0
    #: The id that a peer's protocol has for it, where that names no deliveries.
    ref: str = ""
    #: Seconds until the offices look at what is in the journal already.
    unread_for: float = 0.0


class Submits(Protocol):
    """Whatever takes a submission to the other side and brings its final answer."""

    async def submit(self, request: Request) -> Reply:
        """Try until there is a final answer."""
        ...


class Desk:
    """One system; `tasks` is the process's task group, so a programming error ends the process loudly."""

    def __init__(
        self,
        *,
        script: Script,
        codes: frozenset[str],
        journal: Journal,
        rest: Submits,
        tasks: asyncio.TaskGroup,
        announce: Callable[[str], None],
        clock: Clock,
        answers_by_form: bool,
        writes_forms: bool = True,
    ) -> None:
        self._script = script
        self._codes = codes
        self._journal = journal
        self._rest = rest
        self._tasks = tasks
        self._announce = announce
        self._post = Post(script, clock, writes_forms=writes_forms)
        self._answers_by_form = answers_by_form
        self._facts = Facts()
        self._messages: dict[str, str] = {}
        self._submitting: set[asyncio.Task[Reply]] = set()
        self._kept: dict[str, bytes] = {}
        self._brings_back = {act.about for act in self._own_acts() if isinstance(act, BringBack)}

    async def take(self, arrival: Arrival) -> None:
        """Note the deliveries durably; hand the new ones to their offices."""
        sha256 = hashlib.sha256(arrival.data).hexdigest()
        incoming, note = _read(arrival.data)
        if incoming is not None:
            note = self._unsoundness(incoming)
        for delivery in arrival.deliveries:
            record = Received(
                delivery=delivery.delivery,
                recipient=delivery.recipient,
                dispatch=arrival.dispatch,
                ref=arrival.ref,
                message=arrival.message,
                kind="status" if incoming is not None and incoming.is_status else "document",
                sha256=sha256,
                attempt=arrival.attempt,
                document_id=incoming.document_id if incoming is not None else "",
                first=True,
                sound=not note,
                note=note,
            )
            if await self._journal.receive(record) and incoming is not None:
                self._tasks.create_task(self._handle(delivery, incoming, arrival))

    def play(self) -> None:
        """Start the acts of this system's offices; each waits for its conditions."""
        for act in self._own_acts():
            self._tasks.create_task(self._act(act))

    async def settle(self) -> None:
        """Return when no submission is without its answer in the journal."""
        while self._submitting:
            await asyncio.wait(self._submitting)

    def _own_acts(self) -> list[Act]:
        return [act for act in self._script.acts if act.sender in self._codes]

    def _unsoundness(self, incoming: Incoming) -> str:
        if incoming.is_status:
            return "" if incoming.about else "a status about nothing"
        send = self._script.find(incoming.document_id, incoming.business_type)
        if send is None:
            return f"nobody sent {incoming.document_id}"
        if incoming.sender != send.sender:
            return f"it comes from {incoming.sender}"
        if [file.data for file in incoming.files] != [self._script.file_of(send)]:
            return "the PDF is not the sender's"
        return ""

    async def _handle(self, delivery: Accepted, incoming: Incoming, arrival: Arrival) -> None:
        await asyncio.sleep(arrival.unread_for)
        if incoming.is_status:
            await self._handle_status(delivery, incoming)
            return
        send = self._script.find(incoming.document_id, incoming.business_type)
        if send is None:
            return
        if send.key in self._brings_back:
            self._kept[send.key] = arrival.data
        self._facts.add(Got(send.key, delivery.recipient))
        for answer in self._script.answers.get((send.key, delivery.recipient), ()):
            await self._answer(send.key, send, delivery, answer)

    async def _handle_status(self, delivery: Accepted, incoming: Incoming) -> None:
        document_id, code = incoming.about[0].document_id, incoming.status_code
        for act in self._script.acts:
            if isinstance(act, TakeBack) and code == "13":
                original = self._script.send_of(act.about)
                if original.document_id == document_id and act.recipient == delivery.recipient:
                    for answer in self._script.answers.get((act.key, act.recipient), ()):
                        await self._answer(act.key, original, delivery, answer)
                    return
        # A recall has its original's id: a second 01 about it belongs to the younger of the two.
        for key in self._script.keys_about(document_id, incoming.sender, code):
            if Told(key, incoming.sender, code) not in self._facts:
                self._facts.add(Told(key, incoming.sender, code))
                return

    async def _answer(self, key: str, send: Send, delivery: Accepted, answer: Answer) -> None:
        name = f"{key}/{delivery.recipient}/{answer.code}"
        if self._answers_by_form and send.key == key:
            form = {"code": answer.code, "description": answer.description, "staff": "Văn thư"}
            path, body, kind = f"/inbox/{delivery.delivery}/status", msgspec.json.encode(form), "application/json"
        else:
            body, kind = self._post.status(send, delivery.recipient, answer), "application/xml"
            path = "/statuses"
        await self._submit(name, "status", Request(path=path, body=body, content_type=kind, key=name))

    async def _act(self, act: Act) -> None:
        await self._facts.wait_for(self._script.conditions(act))
        match act:
            case Send():
                request = self._post.document(act)
            case TakeBack():
                body = self._post.take_back(act)
                request = Request(path="/statuses", body=body, content_type="application/xml", key=act.key)
            case BringBack():
                body = self._kept[act.about]
                request = Request(path="/documents", body=body, content_type="application/xml", key=act.key)
            case Withdraw():
                body = msgspec.json.encode({"reason": act.reason})
                path = f"/documents/{self._messages[act.about]}/withdraw"
                request = Request(path=path, body=body, content_type="application/json", key=act.key)
        kind = {Send: "document", TakeBack: "status", BringBack: "returned", Withdraw: "withdrawal"}[type(act)]
        reply = await self._submit(act.key, kind, request)
        self._messages[act.key] = str(reply.json.get("id", ""))
        self._facts.add(Issued(act.key))
        self._announce(f"acted {act.key}")

    async def _submit(self, key: str, kind: str, request: Request) -> Reply:
        task = self._tasks.create_task(self._submit_and_note(key, kind, request))
        self._submitting.add(task)
        task.add_done_callback(self._submitting.discard)
        return await task

    async def _submit_and_note(self, key: str, kind: str, request: Request) -> Reply:
        reply = await self._rest.submit(request)
        accepted = reply.status == 202  # noqa: PLR2004
        lines = reply.json.get("deliveries", []) if accepted else []
        record = Sent(
            key=key,
            idempotency_key=request.key,
            kind=kind,
            path=request.path,
            http_status=reply.status,
            tries=reply.tries,
            message=str(reply.json.get("id", "")) if accepted else "",
            sha256=str(reply.json.get("sha256", "")) if accepted else "",
            deliveries=tuple(Accepted(line["id"], line["organId"]) for line in lines),
            reason=reply.reason,
        )
        await self._journal.send(record)
        if reply.status >= 400:  # noqa: PLR2004
            self._announce(f"problem {key}: {reply.status} {reply.reason} {reply.json.get('detail', '')}")
        return reply


def _read(data: bytes) -> tuple[Incoming | None, str]:
    try:
        return read(data), ""
    except UnreadableError as error:
        return None, str(error)

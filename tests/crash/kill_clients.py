"""The clients of the kill sweep: `python -m tests.crash.kill_clients SPEC`.

A province that sends small documents (to a commune that pulls and one that is pushed), documents too large for
memory and some in pieces, repeats requests, and reads the statuses that come back; a commune that reads its inbox,
acknowledges and answers. Whatever is not answered is sent again, the same bytes under the same key, until the 202
comes.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.api import models
from gateway.client import GatewayClient
from gateway.errors import ProblemError, UnreachableError
from gateway.pki import client_tls_context
from tests.crash.kill_journal import Arrived, Journal, Line, Sent, Wrong, now, read_journals
from tests.crash.kill_spec import Spec, listen, read_spec, say
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document

#: Waits after a connection that failed, and after a refusal that will pass.
_AGAIN_SECONDS = 0.03
_LATER_SECONDS = 0.1
_LARGE_BYTES = 200_000
_LARGE_EVERY = 4
_PIECE = 60_000
_GONE = 404

T = TypeVar("T")


class Desk:
    """One office's client and its journal."""

    def __init__(self, client: GatewayClient, journal: Journal, draw: random.Random) -> None:
        self.client, self.journal, self.draw = client, journal, draw

    async def asked(self, key: str, request: Callable[[], Awaitable[T]], may: int = 0) -> tuple[T | None, int]:
        """The answer, asked for until it comes, and how often; None when it is no, which the status `may` be."""
        tries = 0
        while True:
            tries += 1
            try:
                return await request(), tries
            except UnreachableError:
                await asyncio.sleep(_AGAIN_SECONDS)
            except ProblemError as error:
                if error.status == may:
                    return None, tries
                if error.status < 500 and error.status != 429 and error.code != "upload_in_use":
                    self.journal.note(Wrong(what=f"{key} was refused: {error.code} {error.detail}"))
                    return None, tries
                await asyncio.sleep(_LATER_SECONDS)

    async def accepted(
        self, key: str, request: Callable[[], Awaitable[models.Accepted]], sha256: str = ""
    ) -> models.Accepted | None:
        """The 202, noted; None when the gateway says no."""
        answer, tries = await self.asked(key, request)
        if answer is not None:
            lines = tuple(Line(each.id, each.organ_id) for each in answer.deliveries)
            if sha256 and answer.sha256 != sha256:
                self.journal.note(Wrong(what=f"the 202 of {key} names other bytes"))
            sent = Sent(key=key, message=answer.id, sha256=answer.sha256, lines=lines, tries=tries)
            self.journal.note(sent)
        return answer


class Sender:
    """Sends documents one after the other and repeats some of those accepted before."""

    def __init__(self, desk: Desk, spec: Spec, name: str, *, large: bool) -> None:
        self._desk, self._spec, self._name, self._large = desk, spec, name, large
        self._known: list[tuple[str, bytes, models.Accepted]] = []

    async def run(self, finish: asyncio.Event) -> None:
        """Until told to finish; the last document is accepted before this returns."""
        number = 0
        while not finish.is_set():
            for path in self._handed_in():
                await self._send(path.stem, path.read_bytes())
                path.unlink()
            number += 1
            # of the seed, too: clients that are started anew would send other bytes under known keys
            key = f"{self._name}{self._spec.seed:x}n{number}"
            await self._send(key, self._document(key))
            if self._known and self._desk.draw.random() < 0.3:
                await self._repeat()
            await asyncio.sleep(self._spec.pause * (_LARGE_EVERY if self._large else 1) * self._desk.draw.random())

    def _handed_in(self) -> list[Path]:
        return [] if self._name != "A" else sorted(Path(self._spec.handed_in).glob("*.edxml"))

    def _document(self, number: str) -> bytes:
        spec = self._spec
        recipients = spec.large_recipients if self._large else self._desk.draw.choice(spec.recipients)
        content = self._desk.draw.randbytes(_LARGE_BYTES if self._large else 300)
        return document(PROVINCE, recipients, number=number, content=b"%PDF-1.4\n" + content)

    async def _send(self, key: str, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        answer = await self._hand_in(key, data, digest)
        if answer is not None:
            self._known = [*self._known[-20:], (key, data, answer)]

    async def _hand_in(self, key: str, data: bytes, digest: str) -> models.Accepted | None:
        return await self._desk.accepted(key, lambda: self._desk.client.submit(data, key), digest)

    async def _repeat(self) -> None:
        """The same request gives the same answer, whatever has happened in between."""
        key, data, before = self._desk.draw.choice(self._known)
        # one kind of repeat brings the key again, the other one the bytes alone
        again = self._desk.draw.choice((key, None))
        answer = await self._desk.accepted(key, lambda: self._desk.client.submit(data, again))
        if answer is not None and answer != before:
            self._desk.journal.note(Wrong(what=f"{key} was answered differently the second time"))


class Uploader(Sender):
    """Sends in pieces; what was told to be on the disk is there after a kill."""

    async def _hand_in(self, key: str, data: bytes, digest: str) -> models.Accepted | None:
        begun: str | None = None
        while begun is None:
            begun = await self._uploaded(key, data)
        whole = models.UploadedDocument(document=begun)
        return await self._desk.accepted(key, lambda: self._desk.client.submit_uploads(whole, key), digest)

    async def _uploaded(self, key: str, data: bytes) -> str | None:
        """The whole upload's id; None when the gateway gave it up, as it may after a sync that failed."""
        desk, client = self._desk, self._desk.client
        begun, _ = await desk.asked(key, lambda: client.begin_upload(len(data)))
        told, disk_failed = 0, False
        while begun is not None and told < len(data):
            try:
                told = await client.append_upload(begun, told, data[told : told + _PIECE])
                continue
            except UnreachableError:
                await asyncio.sleep(_AGAIN_SECONDS)
            except ProblemError as error:
                disk_failed = disk_failed or error.code == "storage_unavailable"
                await asyncio.sleep(_LATER_SECONDS)
            stands, _ = await desk.asked(key, partial(client.upload_offset, begun), may=_GONE if disk_failed else 0)
            if stands is None:
                return None
            if stands < told:
                desk.journal.note(Wrong(what=f"{key}: {told} bytes were confirmed and {stands} are there"))
            told = stands
        return begun


async def read_inbox(desk: Desk, recipient: str, journal_path: Path, finish: asyncio.Event) -> None:
    """Fetch, note, acknowledge, and answer some documents; what was noted before is only acknowledged."""
    seen = {record.delivery for record in read_journals([journal_path]) if isinstance(record, Arrived)}
    while True:
        try:
            for item in (await desk.client.inbox(wait=1)).items:
                await _take(desk, item, recipient, seen)
        except UnreachableError:
            await asyncio.sleep(_AGAIN_SECONDS)
        except ProblemError as error:
            if error.status < 500 and error.status != 429 and error.code != "state_forbids":
                desk.journal.note(Wrong(what=f"{recipient} was refused its inbox: {error.code} {error.detail}"))
            await asyncio.sleep(_LATER_SECONDS)


async def _take(desk: Desk, item: models.InboxItem, recipient: str, seen: set[str]) -> None:
    data = await desk.client.content(item.id)
    arrived = Arrived(
        delivery=item.id,
        recipient=recipient,
        message=item.message_id,
        sha256=hashlib.sha256(data).hexdigest(),
        first=item.id not in seen,
        at=now(),
    )
    desk.journal.note(arrived)
    seen.add(item.id)
    await desk.client.ack(item.id)
    # decided by the id, so that an item that comes again after a crash is answered in the same way
    if item.kind == "document" and int(item.id[-1], 16) % 4 == 0:
        key = f"answer-{item.id}"
        await desk.accepted(
            key, lambda: desk.client.answer(item.id, models.NewStatus(code="03"), idempotency_key=key)
        )


async def run(spec: Spec) -> None:
    """All clients, until the sweep has gone."""
    finish, tls = asyncio.Event(), client_tls_context(Path(spec.anchors))
    gone = listen(finish)
    journal, draw = Journal(Path(spec.journal)), random.Random(spec.seed)
    async with (
        GatewayClient(spec.url, tls=tls, token=spec.tokens[PROVINCE], timeout=20) as province,
        GatewayClient(spec.url, tls=tls, token=spec.tokens[COMMUNE], timeout=20) as commune,
        asyncio.TaskGroup() as tasks,
    ):
        sending, reading = Desk(province, journal, draw), Desk(commune, journal, draw)
        kinds = {"A": Sender, "B": Sender, "L": Sender, "U": Uploader}
        senders = [
            tasks.create_task(kind(sending, spec, name, large=name in "LU").run(finish))
            for name, kind in kinds.items()
        ]
        readers = [
            tasks.create_task(read_inbox(reading, COMMUNE, Path(spec.journal), finish)),
            tasks.create_task(read_inbox(sending, PROVINCE, Path(spec.journal), finish)),
        ]
        say("ready")
        await asyncio.wait({tasks.create_task(gone.wait()), *senders}, return_when=asyncio.FIRST_COMPLETED)
        if not gone.is_set():
            await asyncio.wait(senders)
            say("finished")
            await gone.wait()
        for task in (*senders, *readers):
            task.cancel()


if __name__ == "__main__":
    asyncio.run(run(read_spec(Path(sys.argv[1]))))

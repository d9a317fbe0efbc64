"""What adapters cannot do by themselves: build messages in an office's name, and take foreign bytes apart.

An office without a service gives files; the composer that serves REST makes edXML of them, and a status of an
answer to what the office got. Whatever is built here is built again the same, byte for byte, from the same files:
its instants are those of the office's files, its content ids their digests. So a crash between acceptance and the
clearing of the office's folder repeats the same message.

Attachments are taken out by the parser processes, one at a time, into files that live as long as their context.

It does NOT accept or deliver: what is built goes the way of all bytes that a source lists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import msgspec

from gateway.api import models
from gateway.api.service import SubmittedFile
from gateway.compose import Composer
from gateway.damage import SoundBodies
from gateway.edxml.envelope import Envelope, MessageKind
from gateway.errors import ConfigError, RefusedError
from gateway.extraction import extract
from gateway.foundation import Foundation
from gateway.inspecting import parse_limits
from gateway.mailbox import NOT_FOR_RECIPIENTS
from gateway.model import Agency, Endpoint, Outgoing
from gateway.notices import reason_told
from gateway.owners import owner_of
from gateway.parsing.pool import ParserPool
from gateway.ports import ContainedFile, Contents, GivenFile, Write
from gateway.states import State
from gateway.storage.bodies import SpooledBody
from gateway.storage.body_file import ScratchFile
from gateway.storage.spool import in_our_words

_PIECE = 256 * 1024
#: An office that names such a delivery cannot have it yet.
_NOT_YET = frozenset({State.QUEUED})


class Workshop:
    """Fills `gateway.ports.Workshop`."""

    def __init__(self, base: Foundation, pool: ParserPool, sound: SoundBodies) -> None:
        self._base, self._pool, self._sound = base, pool, sound
        self._composer = Composer(bodies=base.bodies, directory=base.directory, clock=base.clock)
        self._limits = parse_limits(base.settings.limits)

    async def document(
        self, endpoint: Endpoint, metadata: bytes, files: Sequence[GivenFile], at: datetime, write: Write
    ) -> None:
        """Build a document and hand its bytes to `write`."""
        owner = await self._owner(endpoint)
        told = _metadata(metadata, owner.organ_id)
        async with AsyncExitStack() as stack:
            given = []
            for file in files:
                body = await self._spooled(file)
                stack.push_async_callback(self._base.bodies.discard, body)
                given.append(SubmittedFile(name=file.name, content_type=file.content_type, body=body))
            built = await self._composer.document(told, given, at=at)
            stack.push_async_callback(self._base.bodies.discard, built.body)
            await self._hand_over(built.body, write)

    async def status(self, endpoint: Endpoint, delivery_id: str, status: bytes, at: datetime, write: Write) -> None:
        """Build the office's status about a delivery that it got."""
        try:
            told = msgspec.json.decode(status, type=models.NewStatus)
        except msgspec.DecodeError as error:
            raise RefusedError("parameter_invalid", str(error)) from error
        owner, now = await self._owner(endpoint), self._base.clock.now()
        agencies = await self._base.directory.represented_by(owner.id, now)
        row = await self._base.reads.received(delivery_id, agencies)
        if row is None or row.state in _NOT_YET:
            raise RefusedError("delivery_unknown", delivery_id)
        if row.state in NOT_FOR_RECIPIENTS:
            raise RefusedError("state_forbids", f"the delivery is {row.state}")
        built = await self._composer.status(row, told if told.reported_at else _dated(told, at))
        try:
            await self._hand_over(built.body, write)
        finally:
            await self._base.bodies.discard(built.body)

    async def contents(self, outgoing: Outgoing) -> Contents:
        """What the ledger knows of a message that goes out."""
        row = await self._base.reads.summary(outgoing.message_id)
        if row is None:
            raise RefusedError("document_unknown", outgoing.message_id)
        envelope = msgspec.json.decode(row[12], type=Envelope)
        sender = (await self._base.directory.agencies([row[2]])).get(row[2])
        about = envelope.responses_for[0] if envelope.responses_for else None
        day = envelope.promulgation_date
        return Contents(
            sender_name=sender.name if sender else envelope.sender.organ_name,
            code=envelope.code or (about.code if about else ""),
            promulgated_on=day.isoformat() if day else envelope.promulgation_date_text,
            type_name=envelope.doc_type_name,
            subject=envelope.subject,
            signer=envelope.signer,
            due_on=envelope.due_date.isoformat() if envelope.due_date else "",
            status_description=envelope.status_description,
            reason=self._own_reason(envelope, outgoing.sender_code),
            about_document=about.document_id if about else "",
            sha256=row[8],
            files=tuple(
                ContainedFile(number=each.number, name=each.safe_name, size=each.size, sha256=each.sha256)
                for each in envelope.attachments
            ),
        )

    @asynccontextmanager
    async def attachment(self, outgoing: Outgoing, contents: Contents, number: int) -> AsyncIterator[ScratchFile]:
        """One attachment, decoded, in a file that lives as long as the context."""
        bodies, size = self._base.bodies, contents.files[number - 1].size
        if bodies.free_bytes() < self._base.settings.storage.min_free_bytes + size:
            raise RefusedError("disk_nearly_full")
        body = await self._sound.open(contents.sha256, dispatch_id=outgoing.dispatch_id)
        with bodies.scratch() as target:
            await extract(self._pool, body, number, target, self._limits, owner=outgoing.sender_code)
            yield target

    def _own_reason(self, envelope: Envelope, sender_code: str) -> str:
        """The code that the gateway's own notice names; in anybody else's words brackets mean nothing."""
        is_ours = envelope.kind is MessageKind.STATUS and sender_code == self._base.settings.seal.organ_id
        return reason_told(envelope.status_description) if is_ours else ""

    async def _owner(self, endpoint: Endpoint) -> Agency:
        base = self._base
        try:
            owner = await owner_of(endpoint, base.directory, base.readers, base.clock.now())
        except ConfigError as error:
            raise RefusedError("source_misconfigured", str(error)) from error
        return (await base.directory.agencies([owner]))[owner]

    async def _spooled(self, file: GivenFile) -> SpooledBody:
        async with self._base.bodies.open_spool() as spool:
            async for chunk in file.chunks():
                await spool.write(chunk)
            return await spool.finish()

    async def _hand_over(self, body: SpooledBody, write: Write) -> None:
        with in_our_words(), body.open() as stream:
            while chunk := await self._base.bodies.run(lambda: stream.read(_PIECE)):
                await write(chunk)


def _metadata(given: bytes, sender: str) -> models.NewDocument:
    """As for REST, but the office need not say who it is."""
    try:
        told = msgspec.json.decode(given)
        if isinstance(told, dict):
            told.setdefault("sender", sender)
        return msgspec.json.decode(msgspec.json.encode(told), type=models.NewDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError("parameter_invalid", str(error)) from error


def _dated(status: models.NewStatus, at: datetime) -> models.NewStatus:
    return msgspec.structs.replace(status, reported_at=at)

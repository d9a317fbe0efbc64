"""Gathers what a bundle of evidence is made of: the ledger, the bodies, the log, of one instant.

1. Which leaves are about the document: its events, those of its deliveries, the acceptances of messages about it.
2. Under which checkpoint (`gateway.evidence.proving`). What is under none yet, or waits for the witnesses, stays
   outside, and is counted.
3. The facts (`gateway.bundle.facts`) and the papers of every message.
4. The stamp of the receipt itself: an evidence record beside it, or a property in it.
5. Verdicts about signatures of others, with the revocation answers that they rest on.

Bodies are read when the bundle is written, each with its digest looked at before. Those that were destroyed by
order are left out, and named (`gateway.bundle.purge`); the leaf that says so is among the others.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

import msgspec

from gateway import __version__
from gateway.bundle import facts as shapes
from gateway.bundle.build import Material, Papers
from gateway.bundle.certificate import Signed
from gateway.bundle.format import (
    ACCEPTANCE,
    HTML_EN,
    HTML_VI,
    INSTITUTION,
    MAX_ENTRIES,
    MAX_SMALL_BYTES,
    PDF,
    PURGE,
    READINGS,
    RECORD,
    RENEWALS_ENTRY,
    answer_entry,
)
from gateway.bundle.purge import Destroyed, Purge
from gateway.bundle.receivers import CERTIFICATE_ENTRY, ENTRY, certificate_file
from gateway.bundle.signed_statuses import signature_of_status
from gateway.clock import instant, rfc3339
from gateway.directory.directory import Directory
from gateway.errors import RefusedError
from gateway.evidence.proving import may_wait, proved_leaves
from gateway.ledger.institution import CheckpointSignatures
from gateway.ledger.params import as_json
from gateway.ledger.purged import Gone, gone_of
from gateway.ledger.receipt_stamps import ReceiptStamps
from gateway.ledger.renewals import RenewalReads
from gateway.ledger.tree import LogReads, StoredCheckpoint
from gateway.model import AgencyId
from gateway.seal.evidence_record import path_of, write_record
from gateway.seal.revocation import read_answer
from gateway.seal.stamp_token import token_of
from gateway.seal.unsigned import Unsigned, extended
from gateway.storage.bodies import Bodies
from gateway.storage.body_file import BodyFile
from gateway.storage.readers import Readers
from gateway.transparency.keys import of_origin
from gateway.transparency.merkle import inclusion_proof
from gateway.transparency.note import VerifierKey
from gateway.transparency.quorum import Quorum

#: Entries of a bundle that are neither leaves nor proofs nor messages.
_OTHERS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where it is gathered from."""

    readers: Readers
    directory: Directory
    bodies: Bodies
    #: Organ id of the gateway.
    gateway: str
    #: The log's public key; None where no log was set up.
    log_key: VerifierKey | None
    #: Witnesses that a proof should have.
    quorum: Quorum = field(default_factory=Quorum)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rows:
    """What the ledger has, of one instant."""

    summary: tuple[Any, ...]
    promulgated_on: str | None
    deliveries: Sequence[tuple[Any, ...]]
    attempts: Sequence[tuple[Any, ...]]
    statuses: Sequence[tuple[Any, ...]]
    #: Summary of each message about the document.
    messages: Sequence[tuple[Any, ...]]
    #: Those of them and the document itself that were destroyed by order.
    gone: Mapping[str, Gone]
    #: Number and leaf of each event.
    events: Sequence[tuple[int, bytes]]
    #: What receivers proved of the document, and of the statuses about it.
    proofs: Sequence[tuple[Any, ...]]
    #: Who has read it, and in whose lists it was.
    readings: Sequence[tuple[Any, ...]]
    listings: Sequence[tuple[Any, ...]]


async def gather(sources: Sources, message_id: str, *, actor: str, now: datetime) -> Material:
    """All of it; RefusedError for an unknown document, BodyDamagedError where bytes are gone or changed."""
    rows = await _rows(sources.readers, message_id)
    log = LogReads(sources.readers, quorum=sources.quorum)
    signatures = CheckpointSignatures(sources.readers)
    leaves, checkpoint, pending = await proved_leaves(
        log, rows.events, signatures, may_wait(message_id, now)
    )  # 1, 2
    proofs = _proofs(message_id, rows.proofs)
    verdicts, reports = await _verdicts(sources.readers, [message_id, *(row[0] for row in rows.messages)])  # 5
    if 2 * len(leaves) + 3 * len(rows.messages) + len(proofs) + len(reports) + _OTHERS > MAX_ENTRIES:
        told = f"the history has {len(leaves)} leaves and {len(verdicts)} verdicts: too many for one bundle"
        raise RefusedError("bundle_too_large", told)
    facts = await _facts(sources, rows, actor, now)  # 3
    papers = await _papers(sources, message_id, rows.summary[8], rows.gone)
    stamped = await _receipt_stamp(sources.readers, message_id, rows.summary[8], papers)  # 4
    facts = msgspec.structs.replace(
        facts,
        leaves=[
            shapes.Leaf(index=index, kind=msgspec.json.decode(leaf)["kind"]) for index, (leaf, _) in leaves.items()
        ],
        pending_leaves=pending,
        document=_marked(facts.document, rows.gone),
        receipt_stamp=stamped.told if stamped else msgspec.UNSET,
        verdicts=verdicts or msgspec.UNSET,
        log=await log_facts(sources, checkpoint),
        stamps=stamp_facts(checkpoint),
    )
    renewed = await _renewals(sources.readers, leaves)
    found = {each.message: signature_of_status(reports[each.entry]) for each in verdicts}
    signed = {message: signature for message, signature in found.items() if signature is not None}
    signature = await signatures.of(checkpoint.size) if checkpoint else None
    by_institution = {INSTITUTION: signature.cms} if signature else {}
    return Material(
        facts=facts,
        document=replace(papers, receipt=stamped.receipt) if stamped else papers,
        messages={row[0]: await _papers(sources, row[0], row[8], rows.gone) for row in rows.messages},
        leaves=leaves,
        checkpoint=checkpoint.note if checkpoint else b"",
        stamps=[stamp.token for stamp in checkpoint.stamps] if checkpoint else [],
        record=stamped.record if stamped else b"",
        others=await asyncio.to_thread(_certificates, facts, signed)
        | proofs
        | by_institution
        | reports
        | renewed
        | _read(rows)
        | _purge(rows),
    )


def _marked(document: shapes.Document, gone: Mapping[str, Gone]) -> shapes.Document:
    found = gone.get(document.id)
    return document if found is None else msgspec.structs.replace(document, destroyed_at=rfc3339(found.at))


def _purge(rows: _Rows) -> dict[str, bytes]:
    """Which bodies are not in the bundle, if any."""
    sizes = {row[0]: row[9] for row in (rows.summary, *rows.messages)}
    told = [
        Destroyed(
            message=each.message_id,
            sha256=each.sha256,
            size=sizes[each.message_id],
            order=each.order,
            purged_at=rfc3339(each.at),
        )
        for each in rows.gone.values()
    ]
    return {PURGE: shapes.written(Purge(destroyed=told))} if told else {}


def _certificates(facts: shapes.Facts, signed: Signed) -> dict[str, bytes]:
    from gateway.bundle.certificate_html import page  # for the first export
    from gateway.bundle.certificate_pdf import pdf

    return {PDF: pdf(facts, signed), HTML_VI: page(facts, "vi", signed), HTML_EN: page(facts, "en", signed)}


async def _rows(readers: Readers, message_id: str) -> _Rows:
    async with readers.snapshot() as reader:
        summary = await reader.fetch_one("message_get_summary", (message_id,))
        promulgated = await reader.fetch_one("message_read_promulgated", (message_id,))
        if summary is None or promulgated is None:
            raise RefusedError("document_unknown", message_id)
        statuses = await reader.fetch("status_list_of_message", (message_id,))
        about = [row[0] for row in await reader.fetch("message_list_about", (message_id,))]
        ids = dict.fromkeys([row[9] for row in statuses] + about)
        ids.pop(message_id, None)
        messages, events = [], await reader.fetch("event_list_shown", {"message": message_id})
        leaves = {row[0]: bytes(row[5]) for row in events}
        for key in ids:
            found = await reader.fetch_one("message_get_summary", (key,))
            accepted = await reader.fetch_one("event_find_accepted", (key,))
            leaf = await reader.fetch_one("event_read_leaf", (accepted[0],)) if accepted else None
            if found is not None and accepted is not None and leaf is not None:
                messages.append(found)
                leaves[accepted[0]] = bytes(leaf[0])
                leaves |= {row[0]: bytes(row[1]) for row in await reader.fetch("event_list_purged", (key,))}
                # what was found of its own signature
                leaves |= {row[0]: bytes(row[1]) for row in await reader.fetch("event_list_checked", (key,))}
        return _Rows(
            summary=summary,
            promulgated_on=promulgated[0],
            deliveries=await reader.fetch("delivery_list_of_message", (message_id,)),
            attempts=await reader.fetch("attempt_list_of_message", (message_id,)),
            statuses=statuses,
            messages=messages,
            gone=await gone_of(reader, [message_id, *(row[0] for row in messages)]),
            events=sorted(leaves.items()),
            readings=await reader.fetch("reading_list_of_message", (message_id,)),
            listings=await reader.fetch("listing_list_of_message", (message_id,)),
            proofs=await reader.fetch("receiver_proof_list_of_messages", (as_json([message_id, *ids]),)),
        )


def _proofs(message_id: str, rows: Sequence[tuple[Any, ...]]) -> dict[str, bytes]:
    """Their files, and the certificates of connections that some are bound to; whoever got a recall proved that."""
    rows = [row for row in rows if row[3] == "status" or row[1] == message_id]
    found = {ENTRY.format(row[0]): bytes(row[10]) for row in rows}
    bound = {row[7]: bytes(row[11]) for row in rows if row[11] is not None}
    return found | {CERTIFICATE_ENTRY.format(name): certificate_file(der) for name, der in bound.items()}


def _read(rows: _Rows) -> dict[str, bytes]:
    """Who has read the document, as the ledger says; what of it is an event is a leaf besides."""
    told = [
        {
            "delivery": row[1], "actor": row[2], "act": row[3], "part": row[4], "channel": row[5],
            "first_at": rfc3339(instant(row[6])), "last_at": rfc3339(instant(row[7])), "times": row[8],
        }
        for row in rows.readings
    ]  # fmt: skip
    listed = [
        {"delivery": row[0], "actor": row[1], "channel": row[2], "first_at": rfc3339(instant(row[3]))}
        for row in rows.listings
    ]
    if not told and not listed:
        return {}
    return {READINGS: msgspec.json.encode({"readings": told, "listed": listed})}


async def _renewals(readers: Readers, leaves: Collection[int]) -> dict[str, bytes]:
    """Renewals of the log's head, and that leaves are under the newest."""
    reads = RenewalReads(readers)
    known = await reads.all()
    if not known or not leaves:
        return {}
    newest, paths = known[-1], dict[str, list[bytes]]()
    size, node = newest.renewal.size, newest.renewal.hash.node
    for index in sorted(leaves):
        if index < size:
            paths[str(index)] = await reads.proved(newest, partial(inclusion_proof, index, size, node=node))
    return {RENEWALS_ENTRY: msgspec.json.encode({"renewals": [each.kept for each in known], "paths": paths})}


async def log_facts(sources: Sources, checkpoint: StoredCheckpoint | None) -> shapes.Log | None:
    """What is said of the log and the checkpoint."""
    if checkpoint is None:
        return None
    origin = checkpoint.note.split(b"\n", 1)[0].decode()
    key = None
    if sources.log_key is not None:  # the checkpoint may be of an epoch that a declared gap has ended
        key = of_origin(sources.log_key, origin, (await LogReads(sources.readers).tree()).epoch)
    return shapes.Log(
        origin=origin,
        size=checkpoint.size,
        root=b64encode(checkpoint.root).decode(),
        signed_at=rfc3339(checkpoint.at),
        vkey=str(key) if key is not None else "",
    )


def stamp_facts(checkpoint: StoredCheckpoint | None) -> list[shapes.Stamp]:
    """What is said of its time stamps."""
    return [
        shapes.Stamp(entry=f"evidence/stamps/{number}.tsr", server=stamp.server, at=rfc3339(stamp.at))
        for number, stamp in enumerate(checkpoint.stamps if checkpoint else ())
    ]


async def _papers(sources: Sources, message_id: str, sha256: str, gone: Mapping[str, Gone]) -> Papers:
    receipt = await sources.readers.fetch_one("receipt_get_by_message", (message_id,))
    assert receipt is not None, "written in the transaction of its message"
    body = None if message_id in gone else _Pieces((await sources.bodies.open_sound(sha256)).file)
    return Papers(body=body, transfer=bytes(receipt[0]), receipt=bytes(receipt[1]))


async def _verdicts(readers: Readers, messages: Sequence[str]) -> tuple[list[shapes.Verdict], dict[str, bytes]]:
    rows = await readers.fetch("verdict_list_of_messages", (as_json(list(messages)),))
    found, entries, answers = [], {}, set[str]()
    for number, (message_id, checked_at, verdict, signatures, digest, report) in enumerate(rows):
        entry = f"evidence/verdicts/{number}.json"
        entries[entry] = bytes(report)
        answers |= msgspec.json.decode(report, type=_Rests).revocations.keys()
        found.append(
            shapes.Verdict(
                entry=entry,
                message=message_id,
                checked_at=rfc3339(instant(checked_at)),
                verdict=verdict,
                signatures=signatures,
                sha256=digest,
            )
        )
    for (der,) in await readers.fetch("revocation_answer_list", (as_json(sorted(answers)), MAX_SMALL_BYTES)):
        entries[answer_entry(der, read_answer(der).kind)] = bytes(der)
    return found, entries


class _Rests(msgspec.Struct):
    """Of a report: by what digests it names the answers that it rests on."""

    revocations: dict[str, str] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class _ReceiptStamp:
    """What proves the time of the receipt apart from the log."""

    told: shapes.Stamp
    #: The receipt as it goes into the bundle.
    receipt: bytes
    #: The evidence record; b"" where the stamp is in the receipt.
    record: bytes = b""


async def _receipt_stamp(
    readers: Readers, message_id: str, body_sha256: str, papers: Papers
) -> _ReceiptStamp | None:
    seq = await LogReads(readers).accepted_seq(message_id)
    found = None if seq is None else await ReceiptStamps(readers).of(seq)
    if found is None:
        return None
    stamp = found.stamp
    is_record = stamp.form == "record"
    told = shapes.Stamp(entry=RECORD if is_record else ACCEPTANCE, server=stamp.server, at=rfc3339(stamp.at))
    token = token_of(stamp.token)
    if not is_record:
        return _ReceiptStamp(told=told, receipt=extended(papers.receipt, Unsigned(signature_stamp=token)))
    group = (sha256(papers.receipt).digest(), bytes.fromhex(body_sha256), sha256(papers.transfer).digest())
    path = await asyncio.to_thread(path_of, stamp.hashes, found.index)
    return _ReceiptStamp(told=told, receipt=papers.receipt, record=write_record(group, path, token))


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The bytes of a kept body."""

    file: BodyFile

    def __iter__(self) -> Iterator[bytes]:
        return self.file.pieces()


async def _facts(sources: Sources, rows: _Rows, actor: str, now: datetime) -> shapes.Facts:
    summary, directory = rows.summary, sources.directory
    codes = {AgencyId(summary[2]): str(summary[3])} | {AgencyId(row[2]): str(row[3]) for row in rows.deliveries}
    channels = {endpoint.id: endpoint for endpoint in await directory.endpoints()}
    return shapes.Facts(
        made_at=rfc3339(now),
        made_by=actor,
        gateway=sources.gateway,
        program=__version__,
        document=_document(summary, rows.promulgated_on),
        parties=await _parties(directory, codes, instant(summary[10])),
        deliveries=[_delivery(row, channels.get(row[13])) for row in rows.deliveries],
        attempts=[_attempt(row) for row in rows.attempts],
        statuses=[_status(row) for row in rows.statuses],
        messages=[_message(row) for row in rows.messages],
        leaves=[],
        pending_leaves=0,
        log=None,
        stamps=[],
        entries={},
    )


async def _parties(directory: Directory, codes: dict[AgencyId, str], accepted_at: datetime) -> list[shapes.Party]:
    then, now = await directory.agencies(codes, accepted_at), await directory.agencies(codes)
    heirs = {agency.successor_id for agency in now.values() if agency.successor_id is not None}
    successors = await directory.agencies(heirs)
    found = []
    for key, code in codes.items():
        before, after = then.get(key), now.get(key)
        closed = after.closed_at if after else None
        heir = after.successor_id if after else None
        found.append(
            shapes.Party(
                agency=key,
                code=code,
                name_then=before.name if before else "",
                name_now=after.name if after else "",
                closed_at=rfc3339(closed) if closed else None,
                successor=heir,
                successor_name=successors[heir].name if heir in successors else "",
            )
        )
    return found


def _document(row: tuple[Any, ...], promulgated_on: str | None) -> shapes.Document:
    return shapes.Document(
        id=row[0], kind=row[1], document_id=row[4], number=row[5], notation=row[6], promulgated_on=promulgated_on,
        subject=row[7], business_type=row[14], sha256=row[8], size=row[9], sender=row[2], original=row[15],
        received_at=rfc3339(instant(row[17])), accepted_at=rfc3339(instant(row[10])), trace_id=row[13],
        caller=msgspec.json.decode(row[16]), findings=msgspec.json.decode(row[11]),
    )  # fmt: skip


def _delivery(row: tuple[Any, ...], channel: Any) -> shapes.Delivery:
    return shapes.Delivery(
        id=row[0], recipient=row[2], code=row[3], state=row[4], created_at=rfc3339(instant(row[10])),
        state_at=rfc3339(instant(row[11])), reason=row[6], detail=row[7], business_status=row[8],
        peer_reference=row[9], dispatch=row[12], channel=channel.name if channel else str(row[13]),
        channel_kind=channel.kind if channel else "", is_relay=bool(channel and channel.is_relay),
    )  # fmt: skip


def _attempt(row: tuple[Any, ...]) -> shapes.Attempt:
    return shapes.Attempt(
        id=row[0], dispatch=row[1], series=row[2], started_at=rfc3339(instant(row[3])),
        ended_at=rfc3339(instant(row[4])) if row[4] is not None else None, outcome=row[5], reason=row[6],
        detail=row[7], peer=msgspec.json.decode(row[8]),
    )  # fmt: skip


def _status(row: tuple[Any, ...]) -> shapes.Status:
    return shapes.Status(
        id=row[0], delivery=row[1], code=row[2], reporter=row[3],
        reported_at=rfc3339(instant(row[4])) if row[4] is not None else None, recorded_at=rfc3339(instant(row[5])),
        description=row[6], moved=bool(row[7]), flag=row[8], message=row[9],
    )  # fmt: skip


def _message(row: tuple[Any, ...]) -> shapes.Message:
    return shapes.Message(
        id=row[0], kind=row[1], business_type=row[14], sha256=row[8], size=row[9], sender=row[2],
        accepted_at=rfc3339(instant(row[10])),
    )  # fmt: skip

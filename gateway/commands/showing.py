"""show: one document from acceptance to its last status, as the ledger has it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from gateway.audit.leaves import facts_of
from gateway.clock import VIETNAM, instant, rfc3339
from gateway.commands.acting import Ledger, open_for_reading
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_json
from gateway.commands.reading import COLUMNS, note_reading, read_by
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.ledger import pages
from gateway.ledger.handovers import HandoverReads
from gateway.ledger.params import as_json
from gateway.ledger.stamps import Times
from gateway.ledger.tree import LogReads
from gateway.model import AgencyId, whole_code
from gateway.reasons import REASONS
from gateway.views import signatures_out


def add(parsers: Subparsers) -> None:
    """The command of this module."""
    show = add_command(
        parsers,
        "show",
        _show,
        "show a document's timeline: recipients, attempts, statuses, events",
        more="Times are Vietnam's; with --json they are UTC. Exit code 1 when several documents fit.",
    )
    show.add_argument(
        "document",
        metavar="DOCUMENT",
        help="id or its beginning, DocumentId, number/notation, or SHA-256 of the bytes",
    )
    add_json(show)


def _show(context: Context, args: argparse.Namespace) -> int:
    return asyncio.run(_shown(context, args))


async def _shown(context: Context, args: argparse.Namespace) -> int:
    async with open_for_reading(context.settings) as ledger:
        ids = await pages.meant(ledger.readers, args.document)
        if not ids:
            raise RefusedError("document_unknown", await _pointed(ledger, args.document))
        if len(ids) > 1 and args.document not in ids:
            await _offer(context, ledger, ids, as_lines=not args.json)
            return ANSWER_IS_NO
        message_id = args.document if args.document in ids else ids[0]
        told = await timeline(ledger, message_id)
        told["times"] = await _times(context, ledger, message_id, told["document"]["accepted_at"])
        told["read_by"] = await read_by(ledger, message_id)
    await note_reading(context, message_id, "shown")
    if args.json:
        context.print_json(told)
    else:
        _print(context, told)
    return FINE


async def _pointed(ledger: Ledger, text: str) -> str:
    """What was asked for, and where it is if a ledger that was taken over has it."""
    found = await HandoverReads(ledger.readers).find(text)
    told = [f"leaf {each['leaf']} of {each['origin']}, in {each['folder']}/{each['file']}" for each in found[:5]]
    return f"{text}; in a ledger that was taken over: {'; '.join(told)}" if told else text


async def _offer(context: Context, ledger: Ledger, ids: list[str], *, as_lines: bool) -> None:
    rows = await ledger.readers.fetch("message_list_shown", (as_json(ids),))
    if not as_lines:
        context.print_json({"candidates": [row[0] for row in rows]})
        return
    context.note("Several documents fit; show one by its id:")
    columns = ("id", "kind", "from", "DocumentId", "number", "accepted")
    context.table(columns, ((*row[:4], f"{row[4]}/{row[5]}", _local(instant(row[6]))) for row in rows))


async def timeline(ledger: Ledger, message_id: str) -> dict[str, Any]:
    """Everything about one message, of one instant."""
    async with ledger.readers.snapshot() as reader:
        summary = await reader.fetch_one("message_get_summary", (message_id,))
        assert summary is not None, "its id was just read, and messages are never deleted"
        deliveries = await reader.fetch("delivery_list_of_message", (message_id,))
        attempts = await reader.fetch("attempt_list_of_message", (message_id,))
        statuses = await reader.fetch("status_list_of_message", (message_id,))
        events = await reader.fetch("event_list_shown", {"message": message_id})
        verdict = await reader.fetch_one("verdict_get_newest", (message_id,))
        waiting = await reader.fetch_one("check_due_find_waiting", (message_id,))
    ids = {AgencyId(row[2]) for row in deliveries} | {AgencyId(summary[2])}
    names = {key: agency.name for key, agency in (await ledger.directory.agencies(ids)).items()}
    channels = {endpoint.id: endpoint.name for endpoint in await ledger.directory.endpoints()}
    purged = (instant(row[2]) for row in events if row[1] == Event.BODY_PURGED)
    destroyed_at = next((rfc3339(at) for at in purged), None)
    return {
        "document": _document(summary, names) | {"destroyed_at": destroyed_at},
        "deliveries": [_delivery(row, names, channels) for row in deliveries],
        "attempts": [_attempt(row, channels) for row in attempts],
        "statuses": [_status(row) for row in statuses],
        "events": [_event(row) for row in events],
        "signatures": _signatures(verdict),
        "signatures_wait": _waiting(waiting),
    }


def _waiting(row: tuple[Any, ...] | None) -> dict[str, Any] | None:
    """For which CAs the verdict waits; None where it does not."""
    if row is None:
        return None
    return {"since": rfc3339(instant(row[0])), "for": row[1] or "", "decided": row[2] is not None}


def _signatures(row: tuple[Any, ...] | None) -> dict[str, Any] | None:
    """The newest verdict; None before the first look."""
    if row is None:
        return None
    found = signatures_out(row)
    return {
        "checked_at": rfc3339(found.checked_at),
        "verdict": found.verdict,
        "vi": found.vi,
        "en": found.en,
        "report": found.report_sha256,
        "items": [
            {
                "where": each.where,
                "form": each.form or each.kind,
                "signer": each.signer,
                "signer_kind": each.signer_kind,
                "belongs": each.belongs,
                "claimed_at": rfc3339(each.claimed_at) if each.claimed_at is not None else None,
                "proven_at": rfc3339(each.proven_at) if each.proven_at is not None else None,
                "verdict": each.verdict,
                "findings": each.findings,
            }
            for each in found.items
        ],
    }


async def _times(context: Context, ledger: Ledger, message_id: str, recorded_at: str) -> dict[str, Any]:
    """The acceptance's: recorded is ours, proven is an authority's and an upper bound."""
    reads = LogReads(ledger.readers)
    seq = await reads.accepted_seq(message_id)
    index = None if seq is None else await reads.index_of(seq)
    return await Times(ledger.readers, context.settings.stamps.servers).told(index, recorded_at)


def _document(row: tuple[Any, ...], names: dict[AgencyId, str]) -> dict[str, Any]:
    return {
        "id": row[0],
        "kind": row[1],
        "sender": row[3],
        "sender_name": names.get(row[2], ""),
        "document_id": row[4],
        "number": row[5],
        "notation": row[6],
        "subject": row[7],
        "sha256": row[8],
        "size": row[9],
        "business_type": row[14],
        "original": row[15],
        "caller": msgspec.json.decode(row[16]),
        "received_at": rfc3339(instant(row[17])),
        "accepted_at": rfc3339(instant(row[10])),
        "trace_id": row[13],
        "findings": msgspec.json.decode(row[11]),
    }


def _delivery(row: tuple[Any, ...], names: dict[AgencyId, str], channels: dict[Any, str]) -> dict[str, Any]:
    return {
        "id": row[0],
        "recipient": row[3],
        "name": names.get(row[2], ""),
        "state": row[4],
        "reason": row[6],
        "detail": row[7],
        "business_status": row[8],
        "peer_reference": row[9],
        "created_at": rfc3339(instant(row[10])),
        "state_at": rfc3339(instant(row[11])),
        "dispatch": row[12],
        "channel": channels.get(row[13], row[13]),
    }


def _attempt(row: tuple[Any, ...], channels: dict[Any, str]) -> dict[str, Any]:
    return {
        "id": row[0],
        "dispatch": row[1],
        "series": row[2],
        "started_at": rfc3339(instant(row[3])),
        "ended_at": rfc3339(instant(row[4])) if row[4] is not None else None,
        "outcome": row[5],
        "reason": row[6],
        "detail": row[7],
        "peer": msgspec.json.decode(row[8]),
        "channel": channels.get(row[9], row[9]),
    }


def _status(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "id": row[0],
        "delivery": row[1],
        "code": row[2],
        "reporter": row[3],
        "reported_at": rfc3339(instant(row[4])) if row[4] is not None else None,
        "recorded_at": rfc3339(instant(row[5])),
        "description": row[6],
        "moved": bool(row[7]),
        "flag": row[8],
        "message": row[9],
    }


def _event(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "seq": row[0],
        "event": row[1],
        "at": rfc3339(instant(row[2])),
        "delivery": row[3],
        "actor": row[4],
        "facts": facts_of(row[5]),
    }


def _print(context: Context, told: dict[str, Any]) -> None:
    document = told["document"]
    number = whole_code(document["number"], document["notation"])
    context.facts(
        (
            ("document", f"{document['kind']} {document['id']}"),
            ("from", f"{document['sender']} {document['sender_name']}"),
            ("number", f"{number} ({document['document_id']})"),
            ("subject", document["subject"]),
            ("bytes", f"{document['size']}, SHA-256 {document['sha256']}"),
            *_destroyed(document["destroyed_at"]),
            ("accepted", f"{_of(document['accepted_at'])} (recorded), trace {document['trace_id']}"),
            ("proven", _proven(told["times"]["proven"])),
            ("findings", ", ".join(item["rule"] for item in document["findings"]) or "none"),
        )
    )
    _print_signatures(context, told)
    recipients = {line["id"]: line["recipient"] for line in told["deliveries"]}
    columns = ("recipient", "name", "state", "business_status", "state_at", "channel", "reason", "detail", "id")
    _rows(context, "Recipients", told["deliveries"], columns)
    attempts = [attempt | {"peer": _brief(attempt["peer"])} for attempt in told["attempts"]]
    _rows(
        context, "Attempts", attempts, ("started_at", "ended_at", "channel", "outcome", "reason", "detail", "peer")
    )
    statuses = [
        status | {"delivery": recipients.get(status["delivery"], ""), "claimed_at": status["reported_at"]}
        for status in told["statuses"]
    ]
    shown = ("recorded_at", "claimed_at", "delivery", "code", "description", "moved", "flag")
    _rows(context, "Statuses", statuses, shown)
    events = [
        event | {"delivery": recipients.get(event["delivery"], ""), "facts": _brief(event["facts"])}
        for event in told["events"]
    ]
    readings = [row | {"delivery": recipients.get(row["delivery"], "")} for row in told["read_by"]]
    _rows(context, "Read by", readings, COLUMNS)
    _rows(context, "Events", events, ("seq", "at", "event", "delivery", "actor", "facts"))


def _destroyed(at: str | None) -> tuple[tuple[str, str], ...]:
    if at is None:
        return ()
    reason = REASONS["body_purged"]
    return (("", f"{_of(at)}: {reason.vi}"), ("", reason.en))


def _print_signatures(context: Context, told: dict[str, Any]) -> None:
    if told["signatures_wait"] is not None:
        wait = told["signatures_wait"]
        context.facts(
            (
                ("signatures", f"chưa xác định: đang chờ thông tin thu hồi của {wait['for']}"),
                (
                    "",
                    f"not decided: what {wait['for']} says about revocation is missing since {_of(wait['since'])}",
                ),
            )
        )
    if told["signatures"] is not None:
        context.facts((("signatures", told["signatures"]["vi"]), ("", told["signatures"]["en"])))
        items = [each | {"findings": "; ".join(each["findings"])} for each in told["signatures"]["items"]]
        signed = (
            "where",
            "form",
            "signer",
            "signer_kind",
            "belongs",
            "claimed_at",
            "proven_at",
            "verdict",
            "findings",
        )
        _rows(context, "Signatures", items, signed)


def _rows(context: Context, title: str, rows: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    if not rows:
        return
    # a column in which nobody has anything only takes room
    shown = [name for name in names if any(row[name] not in ("", None) for row in rows)]
    context.say("")
    context.table(
        [name.removesuffix("_at").replace("_", " ") for name in shown],
        ([_of(row[name]) if name.endswith("_at") or name == "at" else row[name] for name in shown] for row in rows),
        title=title,
    )


def _proven(stamp: dict[str, Any] | None) -> str:
    if stamp is None:
        return "not yet: no time stamp covers it"
    whose = "" if stamp["independent"] else ", NOT INDEPENDENT: our own server"
    return f"not later than {_of(stamp['not_later_than'])}, by {stamp['server']}{whose}"


def _brief(facts: dict[str, Any]) -> str:
    return ", ".join(_pairs(facts))


def _pairs(facts: dict[str, Any]) -> Iterable[str]:
    if "from" in facts and "to" in facts:
        yield f"{facts['from']} -> {facts['to']}"
    for name, value in facts.items():
        if name not in {"from", "to"}:
            yield f"{name} {value}"


def _of(text: str | None) -> str:
    return "" if text is None else _local(datetime.fromisoformat(text))


def _local(at: datetime) -> str:
    return at.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

"""purge: destroying bodies by order of two persons, while their evidence stays. See docs/retention.md."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.admin.purges import CancelPurge, ConfirmPurge, MakePurge
from gateway.clock import instant, rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json, add_reason
from gateway.errors import InputError

_NAMES = (
    "id", "kind", "ref", "reason", "month", "with_envelope", "list", "documents", "made_at", "made_by", "asked_at",
    "asked_by", "confirmed_at", "confirmed_by", "confirmed_why", "ended_at", "ended_by", "outcome", "destroyed",
    "held", "remains",
)  # fmt: skip
_INSTANTS: tuple[str, ...] = ("made_at", "asked_at", "confirmed_at", "ended_at")


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "purge", "destroy bodies of documents by order of two persons; evidence stays")
    order = add_command(
        group,
        "order",
        _order,
        "order documents to be destroyed; nothing happens before another person confirms it",
        more="Refused are documents that somebody may be sent yet, and those whose bytes messages have that are"
        " not in the order. An order that nobody confirms lapses after [retention] confirm_within.",
    )
    order.add_argument("documents", nargs="*", metavar="DOCUMENT", help="as for `gateway show`")
    order.add_argument(
        "--paper",
        action="append",
        default=[],
        metavar="LINE",
        help="a paper in a clerk's register of incoming documents, as NUMBER/YEAR@CODE, or the id of its line",
    )
    order.add_argument("--ref", required=True, metavar="REF", help="the paper that orders it, such as its number")
    order.add_argument(
        "--with-envelope", action="store_true", help="blank subject, names and notes in the ledger, too"
    )
    add_reason(order)
    add_json(order)
    for name, run, words in (
        ("confirm", _confirm, "answer for an order, as another person than the one who made it"),
        ("cancel", _cancel, "end an order that is not confirmed, or what is held back of a confirmed one"),
    ):
        parser = add_command(group, name, run, words, more="Who you are is your user id: run it as yourself.")
        parser.add_argument("order", metavar="ORDER", help="its id, or how that ends")
        add_reason(parser)
        add_json(parser)
    listed = add_command(group, "list", _list, "list the orders that are open, newest first")
    listed.add_argument("--all", action="store_true", help="those that are over, too")
    add_json(listed)
    shown = add_command(group, "show", _show, "show an order: its documents, and what could not be removed yet")
    shown.add_argument("order", metavar="ORDER", help="its id, or how that ends")
    add_json(shown)


def _documents(count: int) -> str:
    return "1 document" if count == 1 else f"{count} documents"


def _order(context: Context, args: argparse.Namespace) -> int:
    request = MakePurge(
        documents=args.documents,
        papers=args.paper,
        ref=args.ref,
        with_envelope=args.with_envelope,
        reason=args.reason,
    )
    reply = asyncio.run(perform(context, "order-purge", request))
    if args.json:
        context.print_json(reply)
        return FINE
    context.say(f"{reply['order']}: an order for {_documents(reply['documents'])}; nothing is destroyed yet.")
    for document, why in reply["held"].items():
        context.say(f"HELD  {document}: {why}; it stays for as long as that is so")
    context.say(
        f"Another person, by {reply['confirm_before']}: gateway purge confirm {reply['order'][-8:]} --reason TEXT"
    )
    return FINE


def _confirm(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "confirm-purge", ConfirmPurge(order=args.order, reason=args.reason)))
    if args.json:
        context.print_json(reply)
    elif reply["confirmed"]:
        context.say(f"{reply['order']}: confirmed. The server destroys it now; see gateway purge show.")
    else:
        context.say(f"{reply['order']}: you answer for it. Another person must confirm it, too.")
    return FINE


def _cancel(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "cancel-purge", CancelPurge(order=args.order, reason=args.reason)))
    if args.json:
        context.print_json(reply)
    else:
        destroyed = reply["destroyed"]
        told = f"destroyed before: {_documents(destroyed)}" if destroyed else "nothing of it was destroyed"
        context.say(f"{reply['order']}: cancelled; {told}.")
    return FINE


def _list(context: Context, args: argparse.Namespace) -> int:
    items = asyncio.run(_orders(context, all_of_them=args.all))
    if args.json:
        context.print_json(items)
        return FINE
    columns = ("order", "state", "by", "ref", "made", "documents", "destroyed", "held", "remains")
    context.table(
        columns,
        (
            (
                each["id"],
                each["state"],
                each["asked_by"] or each["made_by"],
                each["ref"],
                each["made_at"][:19],
                each["documents"],
                each["destroyed"],
                each["held"],
                each["remains"],
            )
            for each in items
        ),
    )
    if not items:
        context.say("There is no order." if args.all else "No order is open.")
    return FINE


def _show(context: Context, args: argparse.Namespace) -> int:
    told = asyncio.run(_shown(context, args.order))
    if args.json:
        context.print_json(told)
        return FINE
    context.facts((name, told[name]) for name in (*_NAMES, "state"))
    columns = ("document", "destroyed", "held by")
    context.table(columns, ((each["id"], each["purged_at"], each["held_by"]) for each in told["items"]))
    if told["places"]:
        heads = ("not removed yet from", "SHA-256", "why", "since")
        context.table(
            heads, ((each["place"], each["sha256"], each["why"], each["since"]) for each in told["places"])
        )
    return FINE


async def _orders(context: Context, *, all_of_them: bool) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        return [_told(row) for row in await ledger.readers.fetch("purge_list_some", {"all": int(all_of_them)})]


async def _shown(context: Context, text: str) -> dict[str, Any]:
    async with open_for_reading(context.settings) as ledger:
        ids = [row[0] for row in await ledger.readers.fetch("purge_find_by_id", {"id": text})]
        if len(ids) != 1:
            raise InputError(f"{text}: {len(ids)} orders have such an id; gateway purge list --all prints them")
        rows = await ledger.readers.fetch("purge_list_some", {"all": 1})
        told = next(_told(row) for row in rows if row[0] == ids[0])
        documents = await ledger.readers.fetch("purge_document_list", (ids[0],))
        papers = await ledger.readers.fetch("purge_paper_list", (ids[0],))
        places = await ledger.readers.fetch("purge_remain_list", (ids[0],))
    told["items"] = [
        {"id": row[0], "sha256": row[1], "held_by": row[2], "purged_at": _at(row[3])} for row in documents
    ]
    told["items"] += [
        {"id": row[0], "sha256": row[1], "held_by": "", "purged_at": _at(row[2]), "paper": True} for row in papers
    ]
    told["places"] = [{"place": row[0], "sha256": row[1], "why": row[2], "since": _at(row[3])} for row in places]
    return told


def _told(row: tuple[Any, ...]) -> dict[str, Any]:
    found = dict(zip(_NAMES, row, strict=True))
    found |= {name: _at(found[name]) for name in _INSTANTS}
    found["with_envelope"] = bool(found["with_envelope"])
    waits = "waits for confirmation" if found["asked_by"] else "waits for two persons"
    found["state"] = found["outcome"] or ("confirmed" if found["confirmed_by"] else waits)
    return found


def _at(micros: int | None) -> str:
    return rfc3339(instant(micros)) if micros is not None else ""

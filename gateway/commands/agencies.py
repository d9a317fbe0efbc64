"""agencies: the directory of agencies, their channels and who speaks for whom."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.admin.directory import (
    ConfigureEndpoint,
    EndAgency,
    ImportAgencies,
    Represent,
    RouteAgency,
    import_file,
)
from gateway.clock import SystemClock, instant, rfc3339
from gateway.commands import catalogue, certificates, channel_keys, credentials, encryption, receiver_keys, registry
from gateway.commands.acting import (
    Desk,
    Ledger,
    ask,
    checked,
    is_running,
    offline,
    open_for_reading,
    own_name,
    perform,
)
from gateway.commands.context import (
    ANSWER_IS_NO,
    FINE,
    Context,
    Report,
    Subparsers,
    add_command,
    add_group,
    add_json,
    add_reason,
)
from gateway.commands.inputs import read_text, typed_value, whole
from gateway.commands.instants import parse_instant
from gateway.errors import InputError
from gateway.model import Agency, AgencyId

_SHOWN_PROBLEMS = 50
_SOURCE = ("kind", "url", "system_id", "secret_file", "anchors_file")
#: The server takes requests somewhat larger.
_MOST_BYTES = 100 * 1024**2


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "agencies", "agencies, their channels and their credentials")
    load = add_command(
        group, "import", _import, "bring the directory to what a CSV file says", more="All rows or none."
    )
    load.add_argument("file", type=Path, metavar="FILE", help="UTF-8 CSV; columns: gateway/directory/README.md")
    load.add_argument("--partial", action="store_true", help="take the good rows of a file with bad ones")
    _finish(load)
    catalogue.add(group)
    listing = add_command(group, "list", _list, "list agencies, or search them by name or code, without diacritics")
    listing.add_argument("text", nargs="?", default="", metavar="TEXT", help="words of the name, or a code")
    listing.add_argument(
        "--limit", type=whole, default=50, metavar="N", help="at most so many (default: %(default)s)"
    )
    add_json(listing)
    one = add_command(group, "show", _show, "show one agency: codes, channel, agents, principals")
    one.add_argument("organ_id", metavar="ORGAN_ID", help="any of its codes")
    add_json(one)
    close = add_command(group, "close", _close, "close an agency; what is addressed to it goes to its successor")
    close.add_argument("organ_id", metavar="ORGAN_ID", help="any of its codes")
    close.add_argument("--successor", default="", metavar="ORGAN_ID", help="who takes over")
    close.add_argument("--at", metavar="TIME", help="when (default: now)")
    _finish(close)
    route = add_command(group, "route", _route, "set the channel that an agency's deliveries take from now on")
    route.add_argument("organ_id", metavar="ORGAN_ID", help="any of its codes")
    route.add_argument("endpoint", metavar="CHANNEL", help="name of the channel; '-' takes it away")
    _finish(route)
    speak = add_command(group, "represent", _represent, "let one agency's systems speak for another agency")
    speak.add_argument("agent", metavar="AGENT", help="code of the agency whose systems speak")
    speak.add_argument("principal", metavar="PRINCIPAL", help="code of the agency they speak for")
    speak.add_argument("--until", metavar="TIME", help="end of it (default: until ended)")
    speak.add_argument("--end", action="store_true", help="end it now")
    _finish(speak)
    _add_endpoints(group)
    credentials.add(group)
    certificates.add(group)
    receiver_keys.add(group)
    encryption.add(group)
    registry.add(group)


def _add_endpoints(group: Subparsers) -> None:
    channels = add_group(group, "endpoint", "the channels by which agencies are reached")
    add_json(add_command(channels, "list", _endpoints, "list the channels"))
    put = add_command(
        channels, "set", _set_endpoint, "make a channel, or change what is given of one", more="The rest stays."
    )
    put.add_argument("name", metavar="NAME", help="its name: lower-case letters, digits, . _ -")
    put.add_argument(
        "--kind",
        metavar="KIND",
        help="how it is reached (inbox, webhook, folder …: a page docs/connect-*.md each); needed when new",
    )
    put.add_argument("--url", metavar="URL", help="webhook: where to push to")
    put.add_argument("--secret-file", metavar="NAME", help="webhook: file in the secrets folder with the HMAC key")
    put.add_argument(
        "--anchors-file", metavar="FILE", help="webhook: CAs of the peer, below the configuration's folder"
    )
    put.add_argument("--timeout", type=whole, metavar="SECONDS", help="webhook: longest time of one attempt")
    put.add_argument(
        "--relay", action=argparse.BooleanOptionalAction, help="it carries for agencies it does not own"
    )
    put.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a list of the peer's that is looked at: kind=…, url=…, system_id=…, secret_file=…, anchors_file=…",
    )
    put.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another setting of its kind, such as signature=rfc9421 or settle_seconds=0.5; an empty value "
        "takes it away, one in double quotes is text whatever it looks like; repeatable",
    )
    put.add_argument(
        "--capability",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="such as fans_out=true; may be repeated",
    )
    _finish(put)
    channel_keys.add(channels)


def _finish(parser: argparse.ArgumentParser) -> None:
    add_reason(parser)
    add_json(parser)


def _told(context: Context, args: argparse.Namespace, reply: dict[str, Any]) -> int:
    if args.json:
        context.print_json(reply)
    else:
        context.facts(reply.items())
    return FINE


def _import(context: Context, args: argparse.Namespace) -> int:
    text = read_text(args.file, "the file", most=_MOST_BYTES)
    request = checked(ImportAgencies(csv=text, partial=args.partial, reason=args.reason))
    with context.progress() as progress:
        report = asyncio.run(_import_with(context, request, progress))
    if args.json:
        context.print_json(report)
    else:
        _show_import(context, report)
    return FINE if report["applied"] and not report["problems"] else ANSWER_IS_NO


async def _import_with(context: Context, request: ImportAgencies, progress: Report) -> dict[str, Any]:
    settings = context.settings
    if is_running(settings):
        progress("import", 0, 0)
        return await ask(settings, "import", request)
    context.note("The server is not running: working on the data folder itself.")
    async with offline(settings) as foundation:
        return await import_file(Desk(foundation), request, own_name(), progress)


def _show_import(context: Context, report: dict[str, Any]) -> None:
    for problem in report["problems"][:_SHOWN_PROBLEMS]:
        context.say(f"line {problem['line']}, {problem['column']}: {problem['vi']} / {problem['en']}")
    more = len(report["problems"]) - _SHOWN_PROBLEMS
    if more > 0:
        context.say(f"… {more} more problems")
    done = "imported" if report["applied"] else "nothing was written"
    context.say(
        f"{report['rows']} rows, {done}: {report['created']} new, {report['changed']} changed, "
        f"{report['closed']} closed, {report['unchanged']} unchanged, {len(report['problems'])} problems"
    )


def _list(context: Context, args: argparse.Namespace) -> int:
    found = asyncio.run(_found(context, args.text, args.limit))
    if args.json:
        context.print_json([_agency(agency) for agency in found])
    else:
        columns = ("organ id", "name", "kind", "channel", "closed")
        context.table(
            columns,
            (
                (
                    agency.organ_id,
                    agency.name,
                    agency.kind,
                    agency.endpoint.name if agency.endpoint else "-",
                    rfc3339(agency.closed_at)[:10] if agency.closed_at else "",
                )
                for agency in found
            ),
        )
    return FINE if found else ANSWER_IS_NO


async def _found(context: Context, text: str, limit: int) -> list[Agency]:
    async with open_for_reading(context.settings) as ledger:
        if not text:
            return await ledger.directory.page(limit=limit)
        held = await ledger.directory.resolve([text], ledger.clock.now())
        by_name = await ledger.directory.search(text, limit=limit)
        return list({agency.id: agency for agency in (*held.values(), *by_name)}.values())[:limit]


def _agency(agency: Agency) -> dict[str, object]:
    return {
        "id": agency.id,
        "organ_id": agency.organ_id,
        "codes": agency.codes,
        "name": agency.name,
        "kind": agency.kind,
        "channel": agency.endpoint.name if agency.endpoint else None,
        "closed_at": agency.closed_at,
        "sandbox": agency.sandbox,
        "daily_quota_bytes": agency.daily_quota_bytes,
    }


def _show(context: Context, args: argparse.Namespace) -> int:
    return _told(context, args, asyncio.run(_shown(context, args.organ_id)))


async def _shown(context: Context, organ_id: str) -> dict[str, Any]:
    async with open_for_reading(context.settings) as ledger:
        now = ledger.clock.now()
        found = await ledger.directory.require(organ_id, now)
        record = (await ledger.directory.records([found.id]))[found.id]
        above = [found.parent_id] if found.parent_id else []
        after = [found.successor_id] if found.successor_id else []
        return _agency(found) | {
            "contact": record.contact,
            "catalogue": await _catalogue(ledger, found.id),
            "parent": await _names(ledger, above),
            "successor": await _names(ledger, after),
            "speaks_for": await _names(
                ledger, sorted(await ledger.directory.represented_by(found.id, now) - {found.id})
            ),
            "spoken_for_by": await _names(
                ledger, sorted(await ledger.directory.agents_of(found.id, now) - {found.id})
            ),
        }


async def _catalogue(ledger: Ledger, agency_id: AgencyId) -> str | None:
    """Whose catalogue it is known from, and what has become of it there."""
    rows = await ledger.readers.fetch("catalogue_entry_read", (agency_id,))
    if not rows:
        return None
    name, missing_since, untouched = rows[0]
    missing = f", missing there since {rfc3339(instant(missing_since))}" if missing_since is not None else ""
    return f"{name}{missing}{'' if untouched else ', changed here and kept'}"


async def _names(ledger: Ledger, ids: Sequence[AgencyId]) -> list[str]:
    found = await ledger.directory.agencies(ids)
    return [f"{found[key].organ_id} {found[key].name}" for key in ids if key in found]


def _close(context: Context, args: argparse.Namespace) -> int:
    at = parse_instant(args.at, now=SystemClock().now()) if args.at else None
    request = EndAgency(organ_id=args.organ_id, successor=args.successor, at=at, reason=args.reason)
    return _told(context, args, asyncio.run(perform(context, "close", request)))


def _route(context: Context, args: argparse.Namespace) -> int:
    if not args.endpoint:
        raise InputError("the channel's name is empty; '-' takes the channel away")
    endpoint = "" if args.endpoint == "-" else args.endpoint
    request = RouteAgency(organ_id=args.organ_id, endpoint=endpoint, reason=args.reason)
    return _told(context, args, asyncio.run(perform(context, "route", request)))


def _represent(context: Context, args: argparse.Namespace) -> int:
    until = parse_instant(args.until, now=SystemClock().now()) if args.until else None
    request = Represent(agent=args.agent, principal=args.principal, until=until, end=args.end, reason=args.reason)
    return _told(context, args, asyncio.run(perform(context, "represent", request)))


def _endpoints(context: Context, args: argparse.Namespace) -> int:
    rows = asyncio.run(_listed(context))
    if args.json:
        context.print_json(rows)
    else:
        columns = ("name", "kind", "relay", "agencies", "url", "paused_until", "down_since", "last_success_at")
        context.table(columns, ([row[name] for name in columns] for row in rows))
    return FINE


async def _listed(context: Context) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        rows = []
        for state in await ledger.directory.endpoint_states():
            endpoint = state.endpoint
            count = await ledger.readers.fetch("agency_count_of_endpoint", (endpoint.id,))
            rows.append(
                {
                    "id": endpoint.id,
                    "name": endpoint.name,
                    "kind": endpoint.kind,
                    "relay": endpoint.is_relay,
                    "agencies": count[0][0],
                    "url": endpoint.settings.get("url", ""),
                    "settings": endpoint.settings,
                    "capabilities": endpoint.capabilities,
                    "paused_until": _at(endpoint.paused_until),
                    "paused_by": state.paused_by,
                    "paused_why": state.paused_why,
                    "down_since": _at(endpoint.down_since),
                    "last_success_at": _at(state.last_success_at),
                }
            )
        return rows


def _at(value: Any) -> str:
    return rfc3339(value) if value else ""


def _set_endpoint(context: Context, args: argparse.Namespace) -> int:
    given = {
        "url": args.url,
        "secret_file": args.secret_file,
        "anchors_file": args.anchors_file,
        "timeout_seconds": args.timeout,
    }
    request = ConfigureEndpoint(
        name=args.name,
        kind=args.kind,
        settings={name: value for name, value in given.items() if value is not None}
        | dict(_source(text) for text in args.source)
        | dict(_setting(text) for text in args.setting),
        capabilities=dict(_capability(text) for text in args.capability),
        is_relay=args.relay,
        reason=args.reason,
    )
    return _told(context, args, asyncio.run(perform(context, "endpoint", request)))


def _source(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or name not in _SOURCE:
        raise InputError(f"--source {text}: write NAME=VALUE; names are {', '.join(_SOURCE)}")
    return ("source" if name == "kind" else f"source_{name}"), value


def _setting(text: str) -> tuple[str, str | int | float | bool]:
    name, found, value = text.partition("=")
    if not found or not name.isidentifier():
        raise InputError(f"--setting {text}: write NAME=VALUE, such as signature=rfc9421")
    return name, typed_value(f"--setting {name}", value)


def _capability(text: str) -> tuple[str, object]:
    name, found, value = text.partition("=")
    if not found:
        raise InputError(f"--capability {text}: write NAME=VALUE, such as fans_out=true")
    if name == "document_types":
        return name, value.split(",")
    return name, typed_value(f"--capability {name}", value)

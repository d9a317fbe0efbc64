"""check, fsck, doctor: commands that look and say what is wrong."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.admin.acts import Reply
from gateway.admin.calls import looks_lately
from gateway.audit.findings import Finding, Findings
from gateway.audit.fsck import FsckReport, examine
from gateway.channel_health import Looks
from gateway.channels import has_counterpart
from gateway.clock import SystemClock, instant, micros
from gateway.commands.acting import Ledger, is_running, open_for_reading, status_of
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_json
from gateway.commands.inputs import require_readable
from gateway.config.settings import Settings
from gateway.diagnosis import check as checking
from gateway.diagnosis import doctor
from gateway.diagnosis.check_bindings import check_secret_key, examine_factors
from gateway.diagnosis.check_kinds import KINDS
from gateway.diagnosis.doctor_source import examine_books, examine_canary, examine_source
from gateway.errors import ConfigError, InputError, RefusedError, StorageError
from gateway.foundation import database_of
from gateway.ledger.proofs import Proof, proof_of
from gateway.maintenance.canaries import read_canary
from gateway.maintenance.comparing import compared_of, due_days, standing_findings
from gateway.model import Endpoint
from gateway.storage.migrations import MIGRATIONS, load_migrations

_SHOWN = 200


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    add_json(
        add_command(
            parsers,
            "check",
            _check,
            "say what in configuration, keys, data folder and machine stands in the way",
            more="Exit code 1 when something must be mended before the server can run well.",
        )
    )
    whole = add_command(
        parsers,
        "fsck",
        _fsck,
        "recompute every digest, signature, leaf, count and state from the stored bytes",
        more="Works beside the running server; repairs nothing. Exit code 1 when something does not hold.",
    )
    whole.add_argument(
        "--quick", action="store_true", help="do not parse the bodies again to compare what they say"
    )
    add_json(whole)
    examined = add_command(
        parsers,
        "doctor",
        _doctor,
        "find the layer at which the server, or one channel, stops",
        more="Without a channel: the server itself, every channel that is down, and lists that cannot be read.",
    )
    examined.add_argument("channel", nargs="?", metavar="CHANNEL", help="name of a channel")
    examined.add_argument("--bundle", type=Path, metavar="FILE", help="write a redacted .tar.gz for a supporter")
    examined.add_argument("--log", type=Path, metavar="FILE", help="log whose end goes into the bundle")
    add_json(examined)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """What `check` asks of a database that is there."""

    newest_event: datetime | None
    schema: int
    compat: int
    endpoints: list[Endpoint]
    #: By the endpoint's id; empty where the database is older than they are.
    proofs: dict[str, Proof]
    bounced: list[str]
    #: Whether the directory knows the gateway's own organ id.
    own_agency: bool
    #: Under which keys shared secrets in force are sealed.
    secret_keys: list[str]
    #: People's second factors, by the person's id.
    factors: list[tuple[str, bytes]]


def _check(context: Context, args: argparse.Namespace) -> int:
    findings = _examined(context)
    listed = findings.listed()
    if args.json:
        context.print_json({"ok": findings.ok, "findings": [each.as_json() for each in listed]})
    else:
        context.findings(listed)
        context.say(
            "Tốt. All is well." if findings.ok else "Cần sửa trước khi chạy. Mend the errors before running."
        )
    return FINE if findings.ok else ANSWER_IS_NO


def _examined(context: Context) -> Findings:
    settings = context.settings
    running = is_running(settings)
    stored, unreadable = _looked_up(context)
    findings = checking.check(
        settings,
        now=SystemClock().now(),
        running=running,
        newest_event=stored.newest_event if stored else None,
        own_agency=stored.own_agency if stored else None,
    )
    if unreadable:
        findings.add("database_unreadable", "database", unreadable)
    if stored is not None:
        known = len(load_migrations(MIGRATIONS))
        if stored.compat > known:
            findings.add(
                "schema_newer", "database", f"it needs migration {stored.compat}, this program knows {known}"
            )
        elif stored.schema < known:
            findings.add("migrations_pending", "database", f"{stored.schema} of {known} are applied")
        checking.check_channels(settings, stored.endpoints, findings)
        check_secret_key(settings, stored.secret_keys, findings)
        for found in examine_factors(settings, stored.factors):
            findings.add(found.code, found.subject, found.detail)
        if stored.schema == known:
            _add_proofs(settings, stored, findings)
        for address in stored.bounced:
            findings.add("address_bounced", "alerts", address)
    return findings


def _add_proofs(settings: Settings, stored: _Stored, findings: Findings) -> None:
    now = SystemClock().now()
    for endpoint in stored.endpoints:
        if endpoint.kind != "webhook":
            continue
        for found in doctor.examine_proof(settings, endpoint, stored.proofs.get(endpoint.id), now):
            if found.code != "layer_fine":
                findings.add(found.code, f"channel {endpoint.name}", found.detail)


def _looked_up(context: Context) -> tuple[_Stored | None, str]:
    """What the database holds, and why it cannot be told although there is one."""
    try:
        if not database_of(context.settings).is_file():
            return None, ""
        return asyncio.run(_stored(context)), ""
    except (StorageError, OSError) as error:
        return None, str(error)


async def _stored(context: Context) -> _Stored:
    async with open_for_reading(context.settings, whatever_version=True) as ledger:
        own = context.settings.seal.organ_id
        newest = await ledger.readers.fetch_one("event_newest_instant")
        versions = dict(await ledger.readers.fetch("meta_read_versions"))
        is_current = int(versions.get("schema_version", "0")) == len(load_migrations(MIGRATIONS))
        proofs = await ledger.readers.fetch("proof_list_all") if is_current else []
        bounced = await ledger.readers.fetch("bounced_address_list") if is_current else []
        return _Stored(
            newest_event=instant(newest[0]) if newest else None,
            schema=int(versions.get("schema_version", "0")),
            compat=int(versions.get("compat_version", "0")),
            endpoints=await ledger.directory.endpoints(),
            secret_keys=await _secret_keys(ledger, int(versions.get("schema_version", "0"))),
            factors=await _factors(ledger) if is_current else [],
            proofs={row[0]: proof_of(row[1:]) for row in proofs},
            bounced=[row[0] for row in bounced],
            own_agency=bool(own and await ledger.directory.resolve([own], ledger.clock.now())),
        )


async def _secret_keys(ledger: Ledger, schema: int) -> list[str]:
    """Of a database that has the table already."""
    if schema < len(load_migrations(MIGRATIONS)):
        return []
    return [row[0] for row in await ledger.readers.fetch("shared_secret_list_keys", (micros(ledger.clock.now()),))]


async def _factors(ledger: Ledger) -> list[tuple[str, bytes]]:
    return [(row[0], row[1]) for row in await ledger.readers.fetch("user_list_factors")]


def _fsck(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    with context.progress() as progress:
        report = asyncio.run(examine(settings, database_of(settings), quick=args.quick, progress=progress))
    if args.json:
        context.print_json(report.as_json())
    else:
        _show_report(context, report)
    return FINE if report.ok else ANSWER_IS_NO


def _show_report(context: Context, report: FsckReport) -> None:
    context.findings(report.findings[:_SHOWN])
    if len(report.findings) > _SHOWN:
        context.say(f"… {len(report.findings) - _SHOWN} more: gateway fsck --json")
    counts = report.counts
    rate = counts.messages / report.seconds if report.seconds else 0.0
    context.say(
        f"{counts.documents} documents with {counts.deliveries} deliveries, {counts.statuses} statuses and "
        f"{counts.notices} notices with {counts.status_deliveries}, {counts.events} events, {counts.leaves} "
        f"of them leaves of the log under {counts.checkpoints} checkpoints, {counts.registers} closed days, "
        f"{counts.contents} bodies parsed again, in {report.seconds:.1f} s ({rate:.0f} messages/s)"
    )
    context.say("Tốt. All is well." if report.ok else "Có lỗi. Something does not hold; see above.")


def _doctor(context: Context, args: argparse.Namespace) -> int:
    _require_usable(args.bundle, args.log)
    layers = asyncio.run(_layers(context, args.channel))
    if args.bundle is not None:
        names = asyncio.run(_bundle(context, args.bundle, args.log, layers))
        context.note(f"{args.bundle} holds {', '.join(names)}; look at it before you hand it out.")
    if args.json:
        context.print_json({"ok": doctor.ok(layers), "layers": [each.as_json() for each in layers]})
    else:
        context.findings(layers)
    return FINE if doctor.ok(layers) else ANSWER_IS_NO


def _require_usable(bundle: Path | None, log: Path | None) -> None:
    if bundle is not None and (bundle.is_dir() or not bundle.absolute().parent.is_dir()):
        raise InputError(f"--bundle {bundle}: name a new file in a folder that exists, such as /tmp/bundle.tar.gz")
    if log is not None:
        if bundle is None:
            raise InputError(f"--log {log} goes into a bundle: give --bundle FILE too")
        require_readable(log, "--log")


async def _layers(context: Context, channel: str | None) -> list[Finding]:
    settings = context.settings
    status = await status_of(settings)
    if channel is None:
        layers = await doctor.examine_server(settings, status)
        return layers if status is None else [*layers, *await _stored_layers(settings)]
    async with open_for_reading(settings) as ledger:
        endpoint = next((each for each in await ledger.directory.endpoints() if each.name == channel), None)
        if endpoint is None:
            raise RefusedError("channel_unknown", channel)
        last = await _last_attempt(ledger, endpoint)
        row = await ledger.readers.fetch_one("proof_find", (endpoint.id,))
        proof = None if row is None else proof_of(row)
        layers = await doctor.examine_channel(settings, endpoint, last, proof=proof, now=ledger.clock.now())
        try:
            layers += (await _lists(ledger)).examined(settings, endpoint)
            with suppress(ConfigError):  # then the list is not read either, for that reason
                layers += examine_canary(await read_canary(settings, ledger, endpoint))
            layers += await _books(ledger, endpoint)
        except StorageError as error:
            layers.append(_unreadable(error))
        return layers


async def _stored_layers(settings: Settings) -> list[Finding]:
    """What is wrong with people's second factors, and with the lists of all channels that are polled."""
    found = list[Finding]()
    try:
        async with open_for_reading(settings) as ledger:
            found += examine_factors(settings, await _factors(ledger))
            lists = await _lists(ledger)
            found += [
                replace(each, subject=f"channel {endpoint.name}, list")
                for endpoint in await ledger.directory.endpoints()
                for each in lists.examined(settings, endpoint)
                if each.code != "layer_fine"
            ]
    except StorageError as error:
        found.append(_unreadable(error))
    return found


def _unreadable(error: StorageError) -> Finding:
    """In place of what the database would tell: what was found before it is told all the same."""
    code = "database_unreadable"
    return Finding(code=code, kind=KINDS[code], subject="database", detail=str(error))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lists:
    """How the lists of all channels that are polled are."""

    #: Rows of `source_list_states`, by the channel's name.
    states: Mapping[str, Sequence[Any]]
    #: How many entries wait for a person, by the channel's name.
    stuck: Mapping[str, int]
    #: How the last looks went, by the channel's id.
    looks: Mapping[str, Looks]

    def examined(self, settings: Settings, endpoint: Endpoint) -> list[Finding]:
        """What is to be said of one; nothing where it is not polled."""
        looks = self.looks.get(endpoint.id)
        failing = looks if looks is not None and looks.is_failing(settings.alarms.failing) else None
        return examine_source(self.states.get(endpoint.name), self.stuck.get(endpoint.name, 0), failing)


async def _lists(ledger: Ledger) -> _Lists:
    return _Lists(
        states={row[0]: row for row in await ledger.readers.fetch("source_list_states")},
        stuck={row[0]: row[1] for row in await ledger.readers.fetch("offer_count_stuck")},
        looks=await looks_lately(ledger.readers, ledger.clock.now()),
    )


async def _books(ledger: Ledger, endpoint: Endpoint) -> list[Finding]:
    now = ledger.clock.now()
    source = await ledger.readers.fetch_one("source_count_failures", (endpoint.id,))
    if source is None or not (has_counterpart(endpoint) and endpoint.is_relay):
        return []
    known = compared_of(await ledger.readers.fetch("reconciliation_list_days", (endpoint.id,)))
    due = due_days(known, began_at=instant(source[2]), now=now)
    return examine_books(due, standing_findings(known, now), now)


async def _last_attempt(ledger: Ledger, endpoint: Endpoint) -> doctor.LastAttempt | None:
    rows = await ledger.readers.fetch(
        "attempt_last_of_endpoint", {"endpoint": endpoint.id, "floor": "", "limit": 1}
    )
    if not rows:
        return None
    _, _, started, _, outcome, reason, detail, peer, _ = rows[0]
    return doctor.LastAttempt(started_at=instant(started), outcome=outcome, reason=reason, detail=detail, peer=peer)


async def _bundle(context: Context, file: Path, log: Path | None, layers: Sequence[Finding]) -> list[str]:
    settings = context.settings
    findings = await asyncio.to_thread(_examined, context)
    parts: dict[str, object] = {
        "doctor": [each.as_json() for each in layers],
        "check": [each.as_json() for each in findings.listed()],
        "status": await status_of(settings),
    }
    if database_of(settings).is_file():
        async with open_for_reading(settings) as ledger:
            parts["ledger"] = await _counts(ledger)
    now = SystemClock().now()
    return await asyncio.to_thread(doctor.write_bundle, file, settings, parts, log=log, now=now)


async def _counts(ledger: Ledger) -> Reply:
    documents, statuses, deliveries, events = (await ledger.readers.fetch("ledger_count_all"))[0]
    return {
        "documents": documents,
        "statuses": statuses,
        "deliveries": deliveries,
        "events": events,
        "states": [list(row) for row in await ledger.readers.fetch("delivery_count_by_state")],
        "channels": [
            {
                "name": state.endpoint.name,
                "kind": state.endpoint.kind,
                "settings": state.endpoint.settings,
                "paused_until": state.endpoint.paused_until,
                "down_since": state.endpoint.down_since,
                "last_success_at": state.last_success_at,
            }
            for state in await ledger.directory.endpoint_states()
        ],
    }

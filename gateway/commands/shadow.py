"""shadow: what looking at a peer's list, beside today's scripts, has shown."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.audit.shadow import shadow_report
from gateway.commands.acting import open_for_reading
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.commands.inputs import read_text
from gateway.errors import RefusedError

_MOST_BYTES = 50 * 1024**2
_AGAINST = {
    "nothing_seen": "Chưa thấy văn bản nào. / Nothing was seen yet.",
    "documents_missed": "Có văn bản mất khỏi danh sách trước khi tải được. / They went before we fetched them.",
    "documents_never_seen": "Kịch bản đã nhận văn bản mà ta chưa thấy. / The scripts took entries we never saw.",
    "documents_refused": "Có văn bản sẽ bị từ chối. / Documents would be refused.",
    "documents_not_fetched": "Có văn bản chưa tải được. / Documents could not be fetched.",
    "source_failing": "Hiện không đọc được danh sách. / The list cannot be read now.",
}


def add(parsers: Subparsers) -> None:
    """The command with its subcommand."""
    group = add_group(parsers, "shadow", "what a peer offers while another system still fetches it")
    report = add_command(
        group,
        "report",
        _report,
        "compare what we saw with what the scripts took, agency by agency",
        more="With an agency: exit code 1 when something speaks against taking it over.",
    )
    report.add_argument("agency", nargs="?", default="", metavar="ORGAN_ID", help="only this one")
    report.add_argument(
        "--scripts", type=Path, metavar="FILE", help="ids that the scripts took, one a line (a CSV's first column)"
    )
    add_json(report)


def _report(context: Context, args: argparse.Namespace) -> int:
    taken = _taken(read_text(args.scripts, "the scripts' list", most=_MOST_BYTES)) if args.scripts else None
    told = asyncio.run(_read(context, args.agency, taken))
    if args.json:
        context.print_json(told)
    else:
        _show(context, told)
    return ANSWER_IS_NO if args.agency and told["agencies"][0]["against"] else FINE


def _taken(text: str) -> list[str]:
    cells = (line.replace(";", ",").split(",")[0].strip().strip('"') for line in text.splitlines())
    return [cell for cell in cells if cell and cell.lower() not in {"docid", "ref", "id"}]


async def _read(context: Context, organ_id: str, taken: list[str] | None) -> dict[str, Any]:
    async with open_for_reading(context.settings) as ledger:
        told = await shadow_report(
            ledger.readers, ledger.directory, ledger.clock.now(), organ_id=organ_id, taken=taken
        )
    if organ_id and not told["agencies"]:
        raise RefusedError("agency_unknown", f"{organ_id}: no open agency with a channel of its own has this code")
    return told


def _show(context: Context, told: Mapping[str, Any]) -> None:
    columns = (
        "channel",
        "polls",
        "failed_polls",
        "listed_at",
        "longest_gap_seconds",
        "shortest_stay_seconds",
        "reason",
    )
    context.table(columns, ([each[name] for name in columns] for each in told["sources"]), title="sources")
    seen = [each for each in told["agencies"] if each["seen"] or len(told["agencies"]) == 1]
    counts = (
        "organ_id",
        "served_by",
        "seen",
        "fetched",
        "missed",
        "routable",
        "taken_by_scripts",
        "waiting",
        "accepted",
    )
    context.table(
        (*counts, "refused", "parked", "to fetch, s"),
        (
            [
                *(each[name] for name in counts),
                _counted(each["refused"]),
                _counted(each["parked"]),
                each["seconds_to_fetch"]["most"] if each["seconds_to_fetch"] else "",
            ]
            for each in seen
        ),
        title="agencies",
    )
    quiet = len(told["agencies"]) - len(seen)
    if quiet:
        context.say(f"{quiet} more agencies: nothing was offered to them.")
    if told["unknown_recipients"]:
        context.say(f"recipients that the directory does not know: {_counted(told['unknown_recipients'])}")
    if "never_seen" in told:
        context.say(f"taken by the scripts: {told['taken']}; of these never seen here: {len(told['never_seen'])}")
        for ref in told["never_seen"][:20]:
            context.say(f"  {ref}")
        context.say(f"gone from the list, and not in the scripts' file: {len(told['only_here'])}")
    for each in seen:
        for word in each["against"]:
            context.say(f"{each['organ_id']}: {_AGAINST[word]}")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())

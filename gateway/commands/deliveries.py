"""requeue, hold, release, confirm, quarantine, adopt: what people decide about deliveries."""

from __future__ import annotations

import argparse
import asyncio

from gateway.admin.acts import MANY, ActOnDeliveries
from gateway.admin.adopt import AdoptDelivery
from gateway.commands.acting import perform
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_json, add_reason
from gateway.states import State

_ACTS = {
    "requeue": (
        "send deliveries again that were given up, refused, deferred or quarantined",
        "A new series of attempts begins. A filter without --state takes dead and deferred ones.",
    ),
    "hold": (
        "keep waiting deliveries back until they are released",
        "What is under way or has left is not held. A filter without --state takes queued and deferred ones.",
    ),
    "release": ("let held deliveries go", "A filter without --state takes held ones."),
    "confirm": (
        "record that held deliveries had arrived, as their receivers say, so that they are not sent again",
        "After a restore: gateway gap lists them. The event names you. A filter without --state takes held ones.",
    ),
    "quarantine": (
        "keep dangerous deliveries from everybody until somebody has looked: malware, a wrong file",
        "gateway requeue lets them go. A filter without --state takes queued, deferred and held ones.",
    ),
}


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    for name, (summary, more) in _ACTS.items():
        parser = add_command(parsers, name, _run, summary, more=f"{more} At most {MANY} at once.")
        parser.set_defaults(act=name)
        parser.add_argument("delivery", nargs="*", metavar="DELIVERY", help="ids, as `gateway show` prints them")
        parser.add_argument("--state", choices=[str(state) for state in State], help="only those in this state")
        parser.add_argument("--endpoint", default="", metavar="CHANNEL", help="only those over this channel")
        parser.add_argument("--recipient", default="", metavar="ORGAN_ID", help="only those for this agency")
        parser.add_argument(
            "--document", default="", metavar="DOCUMENT", help="only those of this document: id, DocumentId, number"
        )
        parser.add_argument(
            "--because",
            default="",
            metavar="REASON",
            help="only those with this reason: held_after_restore, gave_up",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        add_reason(parser)
        add_json(parser)
    _add_adopt(parsers)


def _add_adopt(parsers: Subparsers) -> None:
    parser = add_command(
        parsers,
        "adopt",
        _adopt,
        "record the id that an intermediary has for a delivery whose answer was lost",
        more="For what is held, deferred or dead: it is relayed from then on, and not sent again."
        " The id is looked for in the intermediary's list of what we sent.",
    )
    parser.add_argument("delivery", metavar="DELIVERY", help="its id, as `gateway show` prints it")
    parser.add_argument("--peer-id", required=True, metavar="ID", help="the intermediary's id of the transmission")
    parser.add_argument(
        "--unchecked", action="store_true", help="ask nobody whether the id is there: you vouch for it"
    )
    add_reason(parser)
    add_json(parser)


def _adopt(context: Context, args: argparse.Namespace) -> int:
    request = AdoptDelivery(
        delivery=args.delivery, peer_id=args.peer_id, unchecked=args.unchecked, reason=args.reason
    )
    reply = asyncio.run(perform(context, "adopt", request))
    if args.json:
        context.print_json(reply)
        return FINE
    told = {
        "listed": f"{reply['channel']} lists it",
        "not_asked": f"nobody asked {reply['channel']} whether it is there",
    }
    context.say(
        f"{reply['delivery']} to {reply['recipient']} is {reply['state']} as {reply['peer_id']}; "
        f"{told[reply['checked']]}."
    )
    return FINE


def _run(context: Context, args: argparse.Namespace) -> int:
    request = ActOnDeliveries(
        act=args.act,
        reason=args.reason,
        deliveries=args.delivery,
        state=State(args.state) if args.state else None,
        endpoint=args.endpoint,
        recipient=args.recipient,
        document=args.document,
        because=args.because,
        dry_run=args.dry_run,
    )
    reply = asyncio.run(perform(context, "deliveries", request))
    if args.json:
        context.print_json(reply)
    else:
        columns = ("delivery", "recipient", "state", "")
        told = {(True, True): "would move", (True, False): "moved"}
        context.table(
            columns,
            (
                (
                    item["id"],
                    item["recipient"],
                    item["state"],
                    told.get((item["moved"], args.dry_run), "stays as it is"),
                )
                for item in reply["items"]
            ),
        )
        context.say(f"{reply['moved']} of {len(reply['items'])} {'would be' if args.dry_run else 'were'} moved.")
    return FINE if reply["moved"] else ANSWER_IS_NO

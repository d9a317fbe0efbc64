"""log: the transparency log. Its key, how it is, proofs of single entries, and declaring a gap. See docs/log.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from gateway.admin.log import DeclareLogGap, RestampLog, log_key
from gateway.clock import SystemClock, rfc3339
from gateway.commands.acting import Ledger, checked, open_for_reading, perform
from gateway.commands.context import (
    ANSWER_IS_NO,
    FINE,
    Context,
    Subparsers,
    add_command,
    add_group,
    add_json,
    add_reason,
)
from gateway.commands.reading import note_reading
from gateway.config.settings import Settings
from gateway.errors import InputError, LogRefusedError, ProofError, RefusedError
from gateway.evidence.log_mark import Mark, write_mark
from gateway.evidence.sequencer import require_continued
from gateway.fsio import atomic_replace, make_private_dir, write_durably
from gateway.ledger import pages
from gateway.ledger.heads import fingerprint_of, week_of
from gateway.ledger.institution import CheckpointSignatures
from gateway.ledger.tree import LogReads, Proved, StoredCheckpoint
from gateway.ledger.witnesses import WitnessReads
from gateway.pki import write_log_key
from gateway.transparency.checkpoint import opened
from gateway.transparency.keys import of_epoch, read_vkeys
from gateway.transparency.merkle import EMPTY_ROOT, leaf_hash
from gateway.transparency.renewal import ALGORITHMS


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "log", "the transparency log: key, checkpoints, proofs")
    init = add_command(
        group,
        "init",
        _init,
        "make the log's key, once, for as long as it lives",
        more="The key goes to [log] key, or to --key where the process that signs is another user's; the public "
        "key goes to [log] vkey: hand it to whoever shall verify. Then: gateway reload.",
    )
    init.add_argument("--key", type=Path, metavar="FILE", help="where the key goes; mode 0600")
    show = add_command(
        group,
        "show",
        _show,
        "how many leaves there are, what was signed last, and whether the log may go on",
        more="Exit code 1 when nothing may be signed, or a witness has seen another history.",
    )
    add_json(show)
    compare = add_command(
        group,
        "compare",
        _compare,
        "hold a checkpoint that somebody kept, such as a weekly head, against the log as it is",
        more="Exit code 1 when the log does not begin with it, or its signature does not hold.",
    )
    compare.add_argument("file", type=Path, metavar="FILE", help="the checkpoint, a signed note")
    add_json(compare)
    prove = add_command(
        group,
        "prove",
        _prove,
        "print the proof that a document's acceptance, or a leaf, is in the log (C2SP tlog-proof)",
        more="Whoever has the leaf, this proof and the public key can verify it without us.",
    )
    prove.add_argument("what", metavar="DOCUMENT|LEAF", help="a document as for `gateway show`, or a leaf's index")
    prove.add_argument("--out", type=Path, metavar="FILE", help="write the proof there, and the leaf beside it")
    add_json(prove)
    restamp = add_command(
        group,
        "restamp",
        _restamp,
        "work the head out by another hash and have it stamped, so that the end of SHA-256 does not end the proof",
        more="Over the newest checkpoint that has a stamp, and over the renewal before. The server does it once a "
        "year ([archive] restamp_every). Bundles and archives that are made from then on bring it along.",
    )
    restamp.add_argument("--algorithm", choices=sorted(ALGORITHMS), default="sha512", help="default: %(default)s")
    restamp.add_argument("--why", default="renewal of the head", metavar="TEXT", help="kept with the event")
    add_json(restamp)
    declare = add_command(
        group,
        "declare",
        _declare,
        "say that what was signed beyond a restored copy is lost; the log goes on under another name",
        more="An event that becomes a leaf. Hand the new public key to whoever verifies, with the reason.",
    )
    add_reason(declare)
    add_json(declare)


def _init(context: Context, args: argparse.Namespace) -> int:
    settings = context.settings
    origin = settings.log.origin or f"{settings.seal.organ_id or 'gateway'}/log"
    key_file = args.key or settings.log.key
    make_private_dir(settings.log.mark.parent)
    key = write_log_key(key_file, settings.log.vkey, origin)
    if not settings.log.mark.exists():
        begun = Mark(key=key.digest.hex(), epoch=1, size=0, root=EMPTY_ROOT.hex())
        write_mark(settings.log.mark, begun)
    context.say(f"{key_file}: the key of the log {origin}. Keep a copy where no backup of the data folder lies.")
    context.say(f"{settings.log.vkey}: its public key, for whoever shall verify:")
    context.say(str(key))
    return FINE


def _show(context: Context, args: argparse.Namespace) -> int:
    told = asyncio.run(_state(context.settings))
    if args.json:
        context.print_json(told)
    else:
        shown = {name: "\n".join(value) if isinstance(value, list) else value for name, value in told.items()}
        context.facts((name, value) for name, value in shown.items() if name != "checkpoint")
        context.say("")
        context.say(told["checkpoint"] or "Nothing was signed yet.")
    contradicted = any("CONTRADICTS" in each for each in told["witnesses"])
    return ANSWER_IS_NO if told["refusal"] or contradicted else FINE


async def _state(settings: Settings) -> dict[str, Any]:
    async with open_for_reading(settings) as ledger:
        reads = LogReads(ledger.readers)
        tree, latest = await reads.tree(), await reads.latest()
        witnesses = await _witnesses(ledger, settings)
        by_institution = await CheckpointSignatures(ledger.readers).latest()
        head = await _head(ledger, latest)
        (last,) = (await ledger.readers.fetch("event_last_seq"))[0]
        mark: Mark | None = None
        refusal, vkeys = "", list[str]()
        try:
            key = log_key(settings.log)
            vkeys = [str(of_epoch(key, each)) for each in range(1, tree.epoch + 1)]
            mark = await require_continued(ledger.readers, settings.log.mark, tree, key)
        except (LogRefusedError, RefusedError) as error:
            refusal = str(error)
    return {
        "leaves": tree.size,
        "root": tree.root.hex(),
        "epoch": tree.epoch,
        "last_event": last,
        "last_leaf": tree.seq,
        "signed": latest.size if latest else 0,
        "signed_at": rfc3339(latest.at) if latest else None,
        "stamps": [each.server for each in latest.stamps] if latest else [],
        "witnesses": witnesses,
        "institution_signed": by_institution.size if by_institution else 0,
        "institution_signed_at": rfc3339(by_institution.at) if by_institution else None,
        "institution_certificate": by_institution.certificate if by_institution else None,
        "head": head,
        "mark": mark.size if mark else None,
        "refusal": refusal,
        "vkeys": vkeys,
        "checkpoint": latest.note.decode() if latest else "",
    }


async def _head(ledger: Ledger, latest: StoredCheckpoint | None) -> str | None:
    """The document with this week's head; None where there is none."""
    if latest is None:
        return None
    origin = latest.signed.split(b"\n", 1)[0].decode()
    fingerprint = fingerprint_of(origin, week_of(SystemClock().now()))
    row = await ledger.readers.fetch_one("message_find_by_fingerprint", (fingerprint,))
    return None if row is None else str(row[0])


async def _witnesses(ledger: Ledger, settings: Settings) -> list[str]:
    """A line each: what it cosigned last, or what it has against the log."""
    reads, lines = WitnessReads(ledger.readers), list[str]()
    against = {each.witness: each for each in await reads.contradictions()}
    for name in (each.key.name for each in settings.log.witnesses):
        last = await reads.last(name)
        told = f"{last[0]} leaves at {rfc3339(last[1])}" if last else "nothing yet"
        if name in against:
            it = against[name]
            told += f"; CONTRADICTS since {rfc3339(it.since)} ({it.code}: it knows {it.known}, {it.asked} asked)"
        lines.append(f"{name}: {told}")
    return lines


def _compare(context: Context, args: argparse.Namespace) -> int:
    try:
        note = args.file.read_bytes()
        keys = read_vkeys(context.settings.log.vkey.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {error.filename}: {error.strerror}") from error
    try:
        kept, _ = opened(note, keys)
        root = asyncio.run(_root_at(context.settings, kept.size))
    except ProofError as error:
        told = {"agrees": False, "why": str(error)}
    else:
        why = "" if root == kept.root else f"the first {kept.size} leaves have the root {root.hex()} here"
        told = {"agrees": root == kept.root, "origin": kept.origin, "size": kept.size, "why": why}
    if args.json:
        context.print_json(told)
    else:
        context.say(f"It is of this log's history: {told['size']} leaves." if told["agrees"] else f"{told['why']}")
    return FINE if told["agrees"] else ANSWER_IS_NO


async def _root_at(settings: Settings, size: int) -> bytes:
    async with open_for_reading(settings) as ledger:
        return await LogReads(ledger.readers).root_at(size)


def _prove(context: Context, args: argparse.Namespace) -> int:
    proved = asyncio.run(_taken(context, args.what))
    if args.out is not None:
        write_durably(args.out, bytes(proved.proof), 0o644)
        write_durably(args.out.with_suffix(".leaf.json"), proved.leaf, 0o644)
        context.note(f"{args.out}, and the leaf that it proves: {args.out.with_suffix('.leaf.json')}")
    if args.json:
        context.print_json(
            {
                "index": proved.index,
                "leaf": proved.leaf.decode(),
                "leaf_hash": leaf_hash(proved.leaf).hex(),
                "size": proved.checkpoint.size,
                "signed_at": rfc3339(proved.checkpoint.at),
                "proof": bytes(proved.proof).decode(),
            }
        )
    elif args.out is None:
        sys.stdout.write(bytes(proved.proof).decode())
    return FINE


async def _taken(context: Context, what: str) -> Proved:
    """The proof; who takes it is recorded where the leaf is about a document."""
    proved = await _proved(context.settings, what)
    message_id = json.loads(proved.leaf).get("message")
    if message_id is not None:
        await note_reading(context, message_id, "proved")
    return proved


async def _proved(settings: Settings, what: str) -> Proved:
    async with open_for_reading(settings) as ledger:
        reads = LogReads(ledger.readers)
        index = int(what) if what.isascii() and what.isdecimal() else await _leaf_of(ledger, reads, what)
        if await reads.seq_of(index) is None:
            raise RefusedError("leaf_unknown", str(index))
        proved = await reads.proved(index)
    if proved is None:
        raise RefusedError("proof_pending", f"leaf {index}")
    return proved


async def _leaf_of(ledger: Ledger, reads: LogReads, what: str) -> int:
    ids = await pages.meant(ledger.readers, what)
    if len(ids) != 1 and what not in ids:
        raise RefusedError("document_unknown", f"{what}: {', '.join(ids) or 'no document'}")
    seq = await reads.accepted_seq(what if what in ids else ids[0])
    index = None if seq is None else await reads.index_of(seq)
    if index is None:
        raise RefusedError("proof_pending", what)
    return index


def _restamp(context: Context, args: argparse.Namespace) -> int:
    asked = RestampLog(algorithm=args.algorithm, reason=args.why)
    reply = asyncio.run(perform(context, "restamp-log", checked(asked)))
    if args.json:
        context.print_json(reply)
        return FINE
    context.say(f"Renewal {reply['number']}: {reply['size']} leaves by {reply['algorithm']}, root {reply['root']},")
    context.say(f"stamped by {reply['server']}, not later than {reply['not_later_than']}")
    return FINE


def _declare(context: Context, args: argparse.Namespace) -> int:
    reply = asyncio.run(perform(context, "declare-log-gap", DeclareLogGap(reason=args.reason)))
    added = _added(context.settings.log.vkey, reply["vkey"])
    if args.json:
        context.print_json({**reply, "vkey_added": added})
        return FINE
    lost = "an unknown number of" if reply["lost_size"] is None else f"{reply['lost_size']}"
    context.say(f"{lost} leaves were signed, {reply['size']} are here. The log goes on as {reply['origin']}.")
    context.say("Hand this public key to whoever verifies, with the reason:")
    context.say(reply["vkey"])
    if not added:
        context.say(f"It could not be added to {context.settings.log.vkey}: add it there, below the others.")
    return FINE


def _added(file: Path, line: str) -> bool:
    """The new key below the others, for those who are given the file."""
    try:
        known = file.read_bytes()
        if line.encode() not in known:
            atomic_replace(file, known + line.encode() + b"\n", 0o644)
    except Exception:  # noqa: BLE001 - the act itself is done; the person is told what is left to do
        return False
    return True

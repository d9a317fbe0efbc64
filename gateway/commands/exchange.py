"""send, inbox: a system's side of REST v1, for trying things out and for scripts.

These commands need no access to the gateway's machine: only its address, a credential, and the CAs that its
certificate leads to. With a configuration at hand, address and CAs come from there.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import tempfile
from functools import partial
from pathlib import Path
from typing import BinaryIO

from gateway.api.models import Accepted, InboxItem
from gateway.client import GatewayClient
from gateway.client_signature import ReceiverSigner
from gateway.clock import rfc3339
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_group, add_json
from gateway.errors import ConfigError, InputError
from gateway.fsio import publish
from gateway.pki import KeyPair, client_tls_context
from gateway.seal.keys import read_key_file
from gateway.transfer import LARGE_BYTES, fetch_file, send_file

_PIECE = 1024 * 1024


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    send = add_command(
        parsers, "send", _send, "send an edXML document or status message", more="Prints what the 202 says."
    )
    send.add_argument("file", type=Path, metavar="FILE", help="the edXML file; it is sent byte for byte")
    send.add_argument("--status", action="store_true", help="it is a status message")
    send.add_argument("--validate", action="store_true", help="only say what acceptance would find")
    send.add_argument("--idempotency-key", metavar="KEY", help="the same key and file again give the same answer")
    _connection(send)
    group = add_group(parsers, "inbox", "what waits for the agencies that a credential speaks for")
    listing = add_command(group, "list", _list, "list what waits; nothing is consumed")
    listing.add_argument("--agency", default="", metavar="ORGAN_ID", help="only for this agency")
    listing.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="wait for something to come")
    listing.add_argument(
        "--limit", type=int, default=100, metavar="N", help="at most so many (default: %(default)s)"
    )
    _connection(listing)
    get = add_command(
        group, "get", _get, "fetch an item's bytes, or one of its attachments", more="It stays there."
    )
    _item(get)
    get.add_argument("--output", type=Path, metavar="FILE", help="new file to write to (default: standard output)")
    get.add_argument("--attachment", type=int, metavar="N", help="this attachment, decoded, instead of the whole")
    _connection(get, prints=False)
    ack = add_command(group, "ack", _ack, "acknowledge an item: it leaves the inbox")
    _item(ack)
    ack.add_argument(
        "--signing-key", type=Path, metavar="FILE", help="sign for it with this private key, PEM, mode 0600"
    )
    ack.add_argument(
        "--received", type=Path, metavar="FILE", help="the bytes that are signed for, as they were stored"
    )
    _connection(ack)


def _item(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("item", metavar="ID", help="id of the item, as `gateway inbox list` prints it")


def _connection(parser: argparse.ArgumentParser, *, prints: bool = True) -> None:
    parser.add_argument(
        "--url", metavar="URL", help="the gateway (default: server.public_url of the configuration)"
    )
    parser.add_argument("--cert", type=Path, metavar="FILE", help="client certificate, PEM; needs --key")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key, mode 0600")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file with a bearer token, mode 0600")
    parser.add_argument(
        "--anchors",
        type=Path,
        metavar="FOLDER",
        help="CAs of the gateway's certificate (default: tls.client_anchors of the configuration)",
    )
    if prints:
        add_json(parser)


def _client(context: Context, args: argparse.Namespace) -> GatewayClient:
    if (args.cert is None) != (args.key is None):
        raise ConfigError("--cert and --key go together")
    if args.cert is None and args.token_file is None:
        raise ConfigError("say who you are: --cert and --key, or --token-file")
    url = args.url or context.settings.server.public_url
    anchors = args.anchors or context.settings.tls.client_anchors
    own = KeyPair(key=args.key, certificate=args.cert) if args.cert else None
    token = read_key_file(args.token_file).decode("ascii", "replace").strip() if args.token_file else None
    return GatewayClient(url, tls=client_tls_context(anchors, own), token=token)


def _send(context: Context, args: argparse.Namespace) -> int:
    return asyncio.run(_sent(context, args))


async def _sent(context: Context, args: argparse.Namespace) -> int:
    async with _client(context, args) as client:
        if args.file.stat().st_size >= LARGE_BYTES and not (args.validate or args.status):
            with context.progress() as progress:
                accepted = await send_file(
                    client, args.file, partial(progress, "bytes"), idempotency_key=args.idempotency_key
                )
            return _tell(context, args, accepted)
        data = args.file.read_bytes()
        if args.validate:
            validation = await client.validate(data)
            if args.json:
                context.print_json(validation)
            else:
                context.facts(
                    (("ok", validation.ok), ("reason", validation.reason), ("subject", validation.subject))
                )
                for finding in validation.findings:
                    context.say(f"{finding.severity} {finding.rule}: {finding.message.vi} / {finding.message.en}")
            return FINE if validation.ok else 1
        if args.status:
            accepted = await client.post_status(data, args.idempotency_key)
        else:
            accepted = await client.submit(data, args.idempotency_key)
    return _tell(context, args, accepted)


def _tell(context: Context, args: argparse.Namespace, accepted: Accepted) -> int:
    if args.json:
        context.print_json(accepted)
    else:
        pairs = [
            ("id", accepted.id),
            ("document", accepted.document_id),
            ("sha256", accepted.sha256),
            ("accepted at", rfc3339(accepted.accepted_at)),
            ("duplicate of", accepted.duplicate_of or "-"),
        ]
        context.facts(pairs + [(f"to {line.organ_id}", f"{line.state} {line.id}") for line in accepted.deliveries])
    return FINE


def _list(context: Context, args: argparse.Namespace) -> int:
    items = asyncio.run(_listed(context, args))
    if args.json:
        context.print_json(items)
    else:
        columns = ("id", "for", "from", "number", "subject", "accepted", "")
        context.table(columns, (_row(item) for item in items))
    return FINE


async def _listed(context: Context, args: argparse.Namespace) -> list[InboxItem]:
    async with _client(context, args) as client:
        page = await client.inbox(wait=args.wait, agency=args.agency, limit=args.limit)
    return page.items


def _row(item: InboxItem) -> tuple[str, ...]:
    number = f"status {item.status_code}" if item.kind == "status" else f"{item.number}/{item.notation}"
    accepted = rfc3339(item.accepted_at)[:19]
    read = "fetched" if item.fetched else "new"
    return (item.id, item.organ_id, item.sender_organ_id, number, item.subject, accepted, read)


def _get(context: Context, args: argparse.Namespace) -> int:
    part = "content" if args.attachment is None else f"attachments/{args.attachment}"
    source = f"/inbox/{args.item}/{part}"
    if args.output is None:
        with tempfile.TemporaryFile() as file:
            asyncio.run(_fetched(context, args, source, file))
            file.seek(0)
            context.out.file.flush()
            while piece := file.read(_PIECE):
                os.write(context.out.file.fileno(), piece)
        return FINE
    if args.output.exists():
        raise InputError(f"{args.output} exists; name a new file")
    partly = args.output.with_name(f".{args.output.name}.part")
    try:
        with partly.open("wb") as file:
            asyncio.run(_fetched(context, args, source, file))
            size = file.tell()
        publish(partly, args.output)
    finally:
        partly.unlink(missing_ok=True)
    context.note(f"{size} bytes written to {args.output}")
    return FINE


async def _fetched(context: Context, args: argparse.Namespace, source: str, file: BinaryIO) -> None:
    async with _client(context, args) as client:
        with context.progress() as progress:
            await fetch_file(client, source, file, partial(progress, "bytes"))


def _ack(context: Context, args: argparse.Namespace) -> int:
    state = asyncio.run(_acknowledged(context, args))
    if args.json:
        context.print_json({"id": args.item, "state": state})
    else:
        context.say(f"{args.item} is {state}")
    return FINE


async def _acknowledged(context: Context, args: argparse.Namespace) -> str:
    if (args.signing_key is None) != (args.received is None):
        raise ConfigError("--signing-key and --received go together: what is signed for are those bytes")
    signer, digest = None, ""
    if args.signing_key is not None:
        signer = ReceiverSigner.of_pem(read_key_file(args.signing_key))
        with args.received.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    async with _client(context, args) as client:
        return str((await client.ack(args.item, signer=signer, sha256=digest)).state)

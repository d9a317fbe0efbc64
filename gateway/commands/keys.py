"""keys: the gateway's own certificates, the pin that agencies are given, and who holds the sealing key."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

from gateway import notify
from gateway.commands import body_keys, revocation, rotation
from gateway.commands.context import ANSWER_IS_NO, FINE, Context, Subparsers, add_command, add_group
from gateway.config.values import TokenPlace
from gateway.errors import EnvironmentRefusedError, InputError, KeyFileError, TokenError
from gateway.seal.keys import Certificates
from gateway.seal.signer import KeyPlace, load_signer
from gateway.signing import place_of, try_service
from gateway.signing_process import NOT_NOW, NOT_SIGNED, KeyHolder, listen

#: The server's user connects through its group.
_SOCKET_MODE = 0o660


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "keys", "the gateway's own keys and certificates")
    revocation.add(group)
    body_keys.add(group)
    serve = add_command(
        group,
        "serve",
        _serve,
        "hold the sealing key and the log's, and sign for the server, as a user of its own",
        more="Needs no configuration. Listens at what systemd hands over (deploy/gateway-seal.socket), or at "
        "--socket; the server finds it by [seal] socket.",
    )
    serve.add_argument("--certificate", type=Path, required=True, metavar="FILE", help="certificate and chain")
    _add_place(serve)
    serve.add_argument("--log-key", type=Path, metavar="FILE", help="the transparency log's key; mode 0600")
    serve.add_argument("--socket", type=Path, metavar="PATH", help="where to listen; mode 0660")

    rotation.add(group)
    trial = add_command(
        group,
        "try",
        _try,
        "have something signed by the key that seals, and say what is wrong with it",
        more="By that of the settings, or by that of --certificate with --key or --token. Exit code 1 when it "
        "does not sign. A PIN that was refused is tried again with --pin-again alone: tokens lock after a few.",
    )
    trial.add_argument("--pin-again", action="store_true", help="try the PIN although a wrong one was given before")
    trial.add_argument("--certificate", type=Path, metavar="FILE", help="certificate of the key")
    _add_place(trial, is_needed=False)


def _add_place(parser: argparse.ArgumentParser, *, is_needed: bool = True) -> None:
    """Where a key is, for a command that may run without a configuration."""
    chosen = parser.add_mutually_exclusive_group(required=is_needed)
    chosen.add_argument(
        "--key",
        type=Path,
        default=Path(),
        metavar="FILE",
        help="the key, PEM or PKCS#12; mode 0600, its user's own",
    )
    chosen.add_argument("--token", type=TokenPlace.parse, metavar="URI", help="the token, as in [seal] token")
    parser.add_argument(
        "--secret", type=Path, metavar="FILE", help="its password or PIN, one line; mode 0600, this user's own"
    )


def _serve(context: Context, args: argparse.Namespace) -> int:
    place = KeyPlace(certificate=args.certificate, key=args.key, token=args.token, secret=args.secret)
    holder, subject = KeyHolder(place, args.log_key), Certificates.load(args.certificate).certificate.subject
    answer = holder.answer(memoryview(holder.trial()))  # what is wrong is said now
    if answer[:1] == NOT_SIGNED:
        raise KeyFileError(answer[1:].decode())
    if answer[:1] == NOT_NOW:  # a token may come back; to end would make systemd try its PIN again and again
        context.note(f"Not signing now: {answer[1:].decode()}")
    with _listener(args.socket) as listener:
        context.note(f"Signing for {subject.rfc4514_string()}")
        notify.ready()
        listen(listener, holder)
    return FINE


def _try(context: Context, args: argparse.Namespace) -> int:
    if args.certificate is not None:
        place = KeyPlace(certificate=args.certificate, key=args.key, token=args.token, secret=args.secret)
    else:
        place = place_of(context.settings.seal)
    service = None if args.certificate else context.settings.seal.socket
    try:
        if service is not None and not args.pin_again:
            try_service(service, place.certificate)
        else:
            load_signer(place, again=args.pin_again)
    except TokenError as error:
        context.say(f"It does not sign: {error.code}: {error}")
        return ANSWER_IS_NO
    except KeyFileError as error:
        context.say(f"It does not sign: {error}")
        return ANSWER_IS_NO
    context.say("It signs.")
    return FINE


def _listener(path: Path | None) -> socket.socket:
    handed = notify.listening_descriptor()
    if handed is not None:
        return socket.socket(fileno=handed)
    if path is None:
        raise InputError("name where to listen: --socket PATH, or start it by its systemd socket")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        path.chmod(_SOCKET_MODE)
        listener.listen()
    except OSError as error:
        listener.close()
        raise EnvironmentRefusedError(f"cannot listen at {path}: {error.strerror or error}") from error
    return listener

"""encrypt, decrypt: what senders and receivers do where the gateway shall see no content. They need no server.

See docs/end-to-end.md; `openssl cms` does the same with single files.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, cast

from gateway.clock import SystemClock
from gateway.commands.context import FINE, Context, Subparsers, add_command, add_json
from gateway.commands.inputs import require_readable
from gateway.edxml.limits import ParseLimits
from gateway.edxml.rendition import type_of_name
from gateway.end_to_end import decrypt_document, document_in, encrypt_document, name_of
from gateway.enveloped.algorithms import GCM
from gateway.enveloped.certificates import RecipientCertificate, read_certificate_file
from gateway.enveloped.entity import Entity
from gateway.enveloped.opening import PrivateKey, open_envelope, read_private_key
from gateway.enveloped.reading import ENOUGH
from gateway.enveloped.reading import is_envelope as looks_enveloped
from gateway.enveloped.writing import MEDIA_TYPES, envelop
from gateway.errors import EnvelopedError, InputError, RefusedError
from gateway.fsio import publish
from gateway.seal.keys import read_key_file

#: A document on its sender's own machine may be as large as any.
_LIMITS = ParseLimits(max_attachment_bytes=1 << 40, max_total_attachment_bytes=1 << 40)


def add(parsers: Subparsers) -> None:
    """The commands of this module."""
    encrypt = add_command(
        parsers,
        "encrypt",
        _encrypt,
        "encrypt a file, or the attachments of an edXML document, for certificates",
        more="Only who has the key of one of the certificates opens it; the gateway that carries it does not. Of an"
        " edXML document header and subject stay readable. Encrypt before you sign.",
    )
    encrypt.add_argument("file", type=Path, metavar="FILE", help="an edXML document, or any other file")
    encrypt.add_argument(
        "--to",
        type=Path,
        metavar="CERT",
        action="append",
        required=True,
        help="a recipient's certificate, PEM or DER; once for each, and your own if you want to read it later",
    )
    encrypt.add_argument(
        "--content",
        choices=tuple(MEDIA_TYPES),
        default=GCM,
        help="aes256-cbc only for readers that know no other: nobody notices a changed byte (default: %(default)s)",
    )
    _out(encrypt, "new file: edXML of edXML, else an envelope (.p7m)")
    decrypt = add_command(
        parsers,
        "decrypt",
        _decrypt,
        "open a file, or the attachments of an edXML document, with your key",
        more="Nothing is written if it was changed on its way, or is not for this key.",
    )
    decrypt.add_argument("file", type=Path, metavar="FILE", help="an edXML document, or an envelope (.p7m), DER")
    decrypt.add_argument("--key", type=Path, metavar="FILE", required=True, help="private key, PEM, mode 0600")
    decrypt.add_argument(
        "--cert", type=Path, metavar="FILE", help="its certificate: needed where several keys could be meant"
    )
    _out(decrypt, "new file, or for an envelope a folder: the file gets the name that its sender gave it")


def _out(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--out", type=Path, metavar="PATH", required=True, help=text)
    add_json(parser)


def _encrypt(context: Context, args: argparse.Namespace) -> int:
    require_readable(args.file, "a file")
    recipients = _certificates(args.to)
    _require_current(args.to, recipients)
    try:
        is_document = document_in(args.file, _LIMITS) is not None
    except EnvelopedError as error:
        raise RefusedError("envelope_unusable", str(error)) from error

    def work(out: BinaryIO) -> int:
        if is_document:
            return encrypt_document(args.file, out, recipients, content=args.content, limits=_LIMITS)
        name, size = args.file.name, args.file.stat().st_size
        with args.file.open("rb") as file:
            envelop(
                file, size, out, recipients, name=name, content_type=type_of_name(name), content=args.content
            )  # fmt: skip
        return 1

    files, _ = _written(args.out, work)
    facts = {
        "file": str(args.out),
        "encrypted": files,
        "recipients": [{"certificate": each.sha256, "name": each.name} for each in recipients],
    }
    if args.json:
        context.print_json(facts)
    else:
        context.facts(
            [("file", args.out), ("files encrypted", files)]
            + [("for", f"{each.name}, certificate {each.sha256[:16]}") for each in recipients]
        )
    return FINE


def _decrypt(context: Context, args: argparse.Namespace) -> int:
    require_readable(args.file, "a file")
    key = _key(args.key)
    certificate = _certificates([args.cert])[0] if args.cert is not None else None
    with args.file.open("rb") as file:
        is_envelope = looks_enveloped(file.read(ENOUGH))

    def work(out: BinaryIO) -> int:
        if not is_envelope:
            return decrypt_document(args.file, out, key, certificate, limits=_LIMITS)
        with args.file.open("rb") as file:
            told.append(open_envelope(file, out, key, certificate))
        return 1

    def name() -> str:
        return name_of(told[0], args.file.name) if told else f"{args.file.stem}.edxml"

    told: list[Entity] = []
    files, out = _written(args.out, work, name)
    if args.json:
        context.print_json({"file": str(out), "opened": files, "type": told[0].content_type if told else ""})
    else:
        context.facts([("file", out), ("files opened", files)])
    return FINE


def _certificates(files: list[Path]) -> list[RecipientCertificate]:
    try:
        return [read_certificate_file(each) for each in files]
    except EnvelopedError as error:
        raise InputError(str(error)) from error


def _require_current(files: list[Path], certificates: list[RecipientCertificate]) -> None:
    """What is encrypted to a certificate of the past, its office may not open any more."""
    now = SystemClock().now()
    for file, each in zip(files, certificates, strict=True):
        if each.not_after <= now:
            raise InputError(f"{file}: the certificate expired on {each.not_after:%Y-%m-%d}; ask for the new one")


def _key(file: Path) -> PrivateKey:
    try:
        return read_private_key(read_key_file(file))
    except EnvelopedError as error:
        raise InputError(f"{file}: {error}") from error


def _written(out: Path, work: Callable[[BinaryIO], int], name: Callable[[], str] | None = None) -> tuple[int, Path]:
    """What `work` writes, under its name once it is whole; in a folder it is called as `name` says."""
    into_folder = name is not None and out.is_dir()
    folder = out if into_folder else out.parent
    if not into_folder and out.exists():
        raise InputError(f"{out} exists; name a new file")
    try:
        with NamedTemporaryFile(dir=folder, prefix=".part-", delete=False) as file:
            partly = Path(file.name)
            try:
                files = work(cast("BinaryIO", file.file))
            except BaseException:
                partly.unlink()
                raise
        final = folder / name() if into_folder and name is not None else out
        if final.exists():
            partly.unlink()
            raise InputError(f"{final} exists; name a new file")
        publish(partly, final)
    except EnvelopedError as error:
        raise RefusedError("envelope_unusable", str(error)) from error
    except OSError as error:
        raise InputError(f"{out}: {error.strerror}") from error
    return files, final

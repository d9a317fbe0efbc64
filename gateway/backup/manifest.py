"""What a copy says of itself: `manifest.json`, the last file of a copy to be written.

It holds its own digest, or with a key its authentication code: an edited or torn manifest is no manifest. Nothing
in it is secret: counts, digests, instants, the number of the last event. It does NOT vouch for itself without a
key: whoever may write in the backup folder could make another copy altogether.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final

import msgspec

from gateway.backup.sealed import BackupKey
from gateway.errors import RefusedError

FORMAT: Final = 1
NAME: Final = "manifest.json"


class Manifest(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One copy."""

    format: int = FORMAT
    #: Its folder's name.
    copy: str
    #: Version of the program that made it, and when it looked at the ledger.
    program: str
    taken_at: datetime
    finished_at: datetime
    #: Of the database: digest and length of the plain file, its newest migration, its oldest program.
    database_sha256: str
    database_size: int
    schema_version: int
    compat_version: int
    #: The newest run of the program that the copy knows.
    boot: str
    epoch: int
    #: Number, instant and leaf hash of its last event; 0, None and "" before the first.
    last_event: int
    last_event_at: datetime | None
    last_leaf: str
    messages: int
    deliveries: int
    #: Of the bodies it names: how many, their lengths together, SHA-256 over their sorted digests, one a line.
    bodies: int
    bodies_size: int
    bodies_sha256: str
    #: Of ledgers that were taken over (`gateway.backup.foreign`).
    files: int = 0
    #: Bodies and such files that were nowhere to be had when it was made: with one of them it is not whole.
    missing: list[str] = []
    #: Whether bodies that lay here before were read again, too.
    read_all: bool
    #: Id of the key; "" when nothing is encrypted.
    key: str = ""


class _Signed(msgspec.Struct, kw_only=True):
    manifest: msgspec.Raw
    code: str


def encoded(manifest: Manifest, key: BackupKey | None) -> bytes:
    """The file's bytes."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    return msgspec.json.encode(_Signed(manifest=msgspec.Raw(text), code=_code(text, key))) + b"\n"


def decoded(data: bytes, copy: str, key: BackupKey | None) -> Manifest:
    """The manifest of the copy of that name; RefusedError when it is damaged or of another key."""
    try:
        signed = msgspec.json.decode(data, type=_Signed)
        manifest = msgspec.json.decode(signed.manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError("copy_damaged", f"{copy}: its manifest cannot be read ({error})") from error
    require_key(manifest, key)
    if not hmac.compare_digest(_code(bytes(signed.manifest), key if manifest.key else None), signed.code):
        raise RefusedError("copy_damaged", f"{copy}: its manifest is not what was written")
    if manifest.copy != copy or manifest.format != FORMAT:
        raise RefusedError("copy_damaged", f"{copy}: its manifest is that of {manifest.copy}")
    return manifest


def glimpsed(data: bytes) -> Manifest | None:
    """The manifest without a look at its code, for listings; None when it cannot be read."""
    try:
        return msgspec.json.decode(msgspec.json.decode(data, type=_Signed).manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def require_key(manifest: Manifest, key: BackupKey | None) -> None:
    """Whether this is the key that the copy was made with; one that is not needed is no fault."""
    if manifest.key and (key is None or key.id != manifest.key):
        given = f"this is {key.id}" if key else "none was given"
        raise RefusedError("copy_key_wrong", f"it was made with the key {manifest.key}, {given}")


def _code(text: bytes, key: BackupKey | None) -> str:
    return key.code_of(text) if key else hashlib.sha256(text).hexdigest()

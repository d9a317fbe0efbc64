"""`gateway/verifying/verify.html`: the auditors' page, one file put together from `tools/pages/verify/`.

What the format and its words are comes from the gateway's own modules, so page and program cannot drift apart. The
policy of the page names its script and style by their hashes: nothing else in it can run, and it loads nothing.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.bundle import format as layout
from gateway.bundle.absence import Absence, DayRegisters
from gateway.bundle.facts import Facts
from gateway.bundle.manifest import RECORDED
from gateway.bundle.receivers import Proof
from gateway.seal.profile import MAX_EXPORT_BYTES, MAX_RECEIPT_BYTES
from gateway.transparency.registers import ZONE
from gateway.verifying.findings import REASONS

_FOLDER: Final = Path(__file__).with_name("verify")
_NOT_SHAPE: Final = {"title", "description", "default"}


def page() -> str:
    """The file."""
    script = "\n".join(
        ['"use strict";', f"const FORMAT = {_format()};", *(_read(each) for each in sorted(_FOLDER.glob("*.js")))]
    )
    style = _read(_FOLDER / "style.css")
    assert "</script" not in script.lower()
    found = _read(_FOLDER / "page.html")
    for mark, text in (
        ("SCRIPT_HASH", _hash(script)),
        ("STYLE_HASH", _hash(style)),
        ("STYLE", style),
        ("SCRIPT", script),
    ):
        found = found.replace(f"@{mark}@", text, 1)
    return found


def _read(path: Path) -> str:
    return path.read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _format() -> str:
    told = {
        "format": layout.FORMAT,
        "version": layout.VERSION,
        "media_type": layout.MEDIA_TYPE.decode(),
        "roles": {role: names.replace("\\-", "-") for role, names in (layout.ROLES | layout.ABSENCE_ROLES).items()},
        "bundle_roles": list(layout.ROLES),
        "absence_roles": list(layout.ABSENCE_ROLES),
        "types": layout.TYPES,
        "required": layout.REQUIRED,
        "document": layout.DOCUMENT,
        "transfer": layout.TRANSFER,
        "manifest": layout.MANIFEST,
        "acceptance": layout.ACCEPTANCE,
        "export": layout.EXPORT,
        "bundle": layout.BUNDLE,
        "absence": layout.ABSENCE,
        "purge": layout.PURGE,
        "archive": layout.ARCHIVE,
        "absence_format": layout.ABSENCE_FORMAT,
        "absence_version": layout.ABSENCE_VERSION,
        "absence_required": layout.ABSENCE_REQUIRED,
        "absence_facts": _bare(msgspec.json.schema(Absence)),
        "absence_registers": _bare(msgspec.json.schema(DayRegisters)),
        "zone": ZONE,
        "record": layout.RECORD,
        "institution": layout.INSTITUTION,
        "record_manifest": layout.RECORD_MANIFEST,
        "recorded": RECORDED,
        "max_entries": layout.MAX_ENTRIES,
        "max_small_bytes": layout.MAX_SMALL_BYTES,
        "max_name_bytes": layout.MAX_NAME_BYTES,
        "max_receipt_bytes": MAX_RECEIPT_BYTES,
        "max_export_bytes": MAX_EXPORT_BYTES,
        "reasons": dict(REASONS),
        "facts": _bare(msgspec.json.schema(Facts)),
        "receiver_proof": _bare(msgspec.json.schema(Proof)),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _bare(schema: Any) -> Any:
    """The schema without what is for people; names of fields stand one level below `properties` and `$defs`."""
    if isinstance(schema, list):
        return [_bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {}
    for name, value in schema.items():
        if name in {"properties", "$defs"}:
            found[name] = {key: _bare(each) for key, each in value.items()}
        elif name not in _NOT_SHAPE:
            found[name] = _bare(value)
    return found

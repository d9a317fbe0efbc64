"""Descriptions in JSON: of a document in the outbox, of an answer in status/.

A document's description has the fields of REST's metadata part (`recipients`, `codeNumber`, `codeNotation`,
`promulgationDate`, `subject` at least; `sender` may be left out) and `files`, the names of its files in the order
in which the recipient sees them. The gateway checks those fields as it does for REST; here it is only taken apart.

An answer is `<delivery>.<code>`, empty or holding the description, or `<delivery>.json` with `code`, `description`,
`department` and `staff`. Editors that add `.txt` are forgiven.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.folder.names import same
from gateway.errors import RefusedError

#: A description with two thousand recipients is shorter.
BYTES_MAX = 256 * 1024
ANSWER_BYTES_MAX = 16 * 1024

_FILES_MAX = 200
_ANSWER = re.compile(r"([0-9A-Za-z-]{8,64})\.(\d{1,2}|json)(?:\.txt)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sidecar:
    """A document's description."""

    #: JSON, without `files`.
    metadata: bytes
    files: tuple[str, ...]


def read_sidecar(content: bytes) -> Sidecar:
    """Take it apart; RefusedError tells what is wrong."""
    told = _object(content)
    files = told.pop("files", None)
    if not isinstance(files, list) or not files or len(files) > _FILES_MAX:
        raise RefusedError("parameter_invalid", f"files: a list of 1 to {_FILES_MAX} names is needed")
    for name in files:
        if not isinstance(name, str) or not name or "/" in name or "\\" in name or name in {".", ".."}:
            raise RefusedError("parameter_invalid", "files: bare names of files beside the description are needed")
    if len({same(name) for name in files}) != len(files):
        raise RefusedError("parameter_invalid", "files: a name stands there twice")
    return Sidecar(metadata=json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"), files=tuple(files))


def delivery_named(name: str) -> str:
    """The delivery that an answer's name begins with; "" where it has none."""
    found = _ANSWER.fullmatch(name)
    return found[1].lower() if found else ""


def read_answer(name: str, content: bytes) -> bytes:
    """The status as REST takes it, in JSON."""
    found = _ANSWER.fullmatch(name)
    if not found:
        raise RefusedError(
            "file_name_invalid", "cần <mã giao nhận>.03 / it must be <delivery>.03 or <delivery>.json"
        )
    if found[2] != "json":
        text = content.decode("utf-8-sig", "replace").strip()
        return json.dumps({"code": found[2], "description": text}, ensure_ascii=False).encode()
    return json.dumps(_object(content), ensure_ascii=False).encode("utf-8", "replace")


def _object(content: bytes) -> dict[str, object]:
    try:
        told = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RefusedError("parameter_invalid", f"it is not JSON in UTF-8: {str(error)[:200]}") from error
    if not isinstance(told, Mapping):
        raise RefusedError("parameter_invalid", "it is not a JSON object")
    return {str(key): value for key, value in told.items()}

"""Writes what is open for an agency as files, for the system that serves it again; `gateway import` reads the same.

    FOLDER/received/<delivery>.edxml   what was to be delivered to the agency
    FOLDER/sent/<message>.edxml        what it sent and still awaits answers to
    FOLDER/open.csv                    file, direction, ref, at, state, document_id

A file is written aside and renamed, the list last; a folder that holds a list is refused, so nothing is mixed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.commands.context import Report
from gateway.config.settings import Settings
from gateway.errors import InputError
from gateway.fsio import write_durably
from gateway.storage.body_keys import BodyKeys
from gateway.storage.body_reading import stored_body

COLUMNS = ("file", "direction", "ref", "at", "state", "document_id")
LIST = "open.csv"


def export_open(
    settings: Settings, keys: BodyKeys, folder: Path, lines: Sequence[dict[str, Any]], progress: Report
) -> int:
    """The number of files written."""
    if (folder / LIST).exists():
        raise InputError(f"{folder} holds an export already; name another folder")
    rows: dict[str, list[str]] = {}
    for number, line in enumerate(lines):
        progress("files", number, len(lines))
        name = line["delivery"] if line["direction"] == "received" else line["message"]
        path = f"{line['direction']}/{name}.edxml"
        if path in rows:
            continue  # one document of several recipients
        (folder / line["direction"]).mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(folder / path, _body(settings, keys, line["sha256"]))
        rows[path] = [path, line["direction"], name, line["accepted_at"], line["state"], line["document_id"]]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(rows.values())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(folder / LIST, text.getvalue().encode())
    return len(rows)


def _body(settings: Settings, keys: BodyKeys, sha256: str) -> bytes:
    file, _ = stored_body(settings.storage.folder / "bodies" / sha256[:2] / sha256, keys)
    return b"".join(file.pieces())

"""Anchors that an auditor brings along, as files of a form: laid out as `gateway-verify --anchors` has them.

A ZIP holds such a folder (`seal/`, `tsa/`, `log.vkey` …), by itself or within one other; what else lies in it is
passed over. A single PEM file names CAs that count for seals and for time stamps; a file of verifier keys is the
log's, or the witnesses' where its name says so. It runs where foreign bytes are read; it writes nothing else.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gateway.errors import TrustStoreError

#: Of all files together, and of one in a ZIP; files in a ZIP.
MOST_BYTES: Final = 1024 * 1024
_MOST_ENTRY: Final = 256 * 1024
_MOST_ENTRIES: Final = 200
_KNOWN: Final = re.compile(
    r"(?:[^/]{1,100}/)?((?:seal|tsa|institution|receivers)/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}|(?:log|witnesses)\.vkey)"
)


def lay_out(given: Iterable[tuple[str, Path]], folder: Path) -> None:
    """Name and content of each file; TrustStoreError where one is none."""
    for name, path in given:
        if zipfile.is_zipfile(path):
            _unpack(name, path, folder)
        elif name.lower().endswith(".vkey"):
            _keep(folder, "witnesses.vkey" if "witness" in name.lower() else "log.vkey", path.read_bytes())
        else:
            content = path.read_bytes()
            for purpose in ("seal", "tsa"):
                _keep(folder, f"{purpose}/given.pem", content)


def _unpack(name: str, path: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > _MOST_ENTRIES:
                raise TrustStoreError(f"{name} holds more than {_MOST_ENTRIES} files", path=name)
            for entry in entries:
                found = _KNOWN.fullmatch(entry.filename)
                if found is None:
                    continue
                with archive.open(entry) as file:
                    content = file.read(_MOST_ENTRY + 1)
                if len(content) > _MOST_ENTRY:
                    raise TrustStoreError(f"{entry.filename} is larger than {_MOST_ENTRY} bytes", path=name)
                _keep(folder, found[1], content)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise TrustStoreError(f"{name} is no ZIP that can be read", path=name) from error


def _keep(folder: Path, name: str, content: bytes) -> None:
    """Beside what was given before: of several PEM files, all count."""
    path = folder / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with path.open("ab") as file:
        file.write(content.rstrip() + b"\n")

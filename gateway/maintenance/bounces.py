"""Bounces that the mail server puts into a Maildir: which address takes no mail any more.

A file counts when it says `Action: failed` and a `Status: 5…` (RFC 3464), and names one of our return paths
(name+token@domain), whose token is the id of an alert that nobody outside has seen. Delays, answering machines and
anything else are left alone. Looked at is what lies in `new`; once what it says is committed a file moves to `cur`
as seen, so none is forgotten or deleted. Only the first 64 KiB of a file are read, as lines: nothing is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_READ_BYTES = 65_536
#: Files looked at in one run.
_MOST = 200
_FAILED = re.compile(rb"^Action:[ \t]*failed", re.MULTILINE | re.IGNORECASE)
_STATUS = re.compile(rb"^Status:[ \t]*(5\.\d{1,3}\.\d{1,3})", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """A file of the Maildir, and what it says: the token and status of a letter that came back for good."""

    file: Path
    token: str = ""
    status: str = ""


def look(folder: Path, address: str) -> list[Arrived]:
    """The files in `new`; `address` is the return path without a token. Blocks."""
    local, _, domain = address.rpartition("@")
    path = re.compile(rb"%s\+([A-Za-z0-9-]{1,64})@%s" % (re.escape(local.encode()), re.escape(domain.encode())))
    found = []
    for file in sorted(each for each in (folder / "new").iterdir() if each.is_file())[:_MOST]:
        with file.open("rb") as opened:
            text = opened.read(_READ_BYTES)
        token, status = path.search(text), _STATUS.search(text)
        if token and status and _FAILED.search(text):
            found.append(Arrived(file=file, token=token[1].decode("ascii"), status=status[1].decode("ascii")))
        else:
            found.append(Arrived(file=file))
    return found


def put_away(folder: Path, arrived: Sequence[Arrived]) -> None:
    """They are done with. Blocks."""
    (folder / "cur").mkdir(exist_ok=True)
    for one in arrived:
        one.file.rename(folder / "cur" / f"{one.file.name}:2,S")

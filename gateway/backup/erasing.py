"""Removes bodies from a backup folder: those that all its copies share, and what was set aside of them.

The copies themselves stay: a database tells what was, and loses its bodies' bytes with this. One that was made
while a title still stood in the ledger keeps that title until it goes by its age (`backup.keep`); so does what was
written with a key that is not at hand. Both are told, never passed over. Removing twice is no error; blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from gateway.backup.shelf import Shelf
from gateway.errors import GatewayError, RefusedError
from gateway.fsio import fsync_dir
from gateway.ledger.purged import Remain


def erase_from_shelf(shelf: Shelf, digests: Sequence[str]) -> list[Remain]:
    """What could not be removed, and why; empty when none of them is left there."""
    if not shelf.copies.is_dir():
        return [Remain(place=str(shelf.folder), sha256="", why="it is not there, or no copy was ever made in it")]
    try:
        with shelf.locked():
            return [*_erased(shelf, digests), *_unknown(shelf)]
    except RefusedError as error:
        return [Remain(place=str(shelf.folder), sha256="", why=error.code)]
    except (GatewayError, OSError) as error:
        return [Remain(place=str(shelf.folder), sha256="", why=str(error)[:300])]


def older_copies(shelf: Shelf, purged_at: datetime) -> list[Remain]:
    """That copies from before still hold what was blanked in the ledger since."""
    old = [name for name, each in shelf.glimpses() if each is None or each.taken_at < purged_at]
    if not old:
        return []
    why = f"{len(old)} copies from before hold the titles until they go, {old[-1]} last"
    return [Remain(place=str(shelf.copies), sha256="", why=why)]


def _erased(shelf: Shelf, digests: Sequence[str]) -> Iterator[Remain]:
    # copies may have been made without a key before there was one
    shelves = [shelf, Shelf(shelf.folder, None)] if shelf.key is not None else [shelf]
    touched: set[Path] = set()
    for sha256 in digests:
        for path in (each.body_path(sha256) for each in shelves):
            try:
                for found in [path, *shelf.damaged_of(path.name)]:
                    found.unlink(missing_ok=True)
                    touched.add(found.parent)
            except OSError as error:
                yield Remain(place=str(shelf.folder), sha256=sha256, why=str(error.strerror))
    for folder in sorted(touched):
        if folder.is_dir():
            fsync_dir(folder)


def _unknown(shelf: Shelf) -> Iterator[Remain]:
    """Bodies under the names that another key gave them."""
    own = f"sealed-{shelf.key.id}" if shelf.key is not None else ""
    for folder in sorted(shelf.folder.glob("sealed-*")):
        if folder.name != own and any(folder.glob("*/*")):
            yield Remain(place=str(folder), sha256="", why="made with another key: remove it, or set [backup] key")

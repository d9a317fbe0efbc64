"""What the table of adapters needs of folders: the adapter, the source, and what is wrong with a channel."""

from __future__ import annotations

import os
from collections.abc import Sequence

from adapters.folder.adapter import FolderAdapter
from adapters.folder.layout import FOLDERS, MARKER, NOTES
from adapters.folder.local import LocalStore
from adapters.folder.settings import path_of, settings_of
from adapters.folder.source import FolderSource
from adapters.folder.store import FileStore
from gateway.errors import ConfigError
from gateway.model import Endpoint
from gateway.ports import Surroundings

#: Below this an office's disk is as good as full.
_FREE_BYTES_MIN = 64 * 1024 * 1024


def make_adapter(surroundings: Surroundings) -> FolderAdapter:
    """The adapter of all folders."""
    return FolderAdapter(surroundings, _open_store)


def make_source(endpoint: Endpoint, surroundings: Surroundings) -> FolderSource:
    """The source of one folder."""
    return FolderSource(endpoint, surroundings, _open_store(endpoint, surroundings), settings_of(endpoint))


def _open_store(endpoint: Endpoint, surroundings: Surroundings) -> FileStore:
    return LocalStore(path_of(endpoint, surroundings.folder), surroundings.timeout_seconds)


def problems(endpoint: Endpoint, surroundings: Surroundings) -> Sequence[str]:
    """What is wrong with the settings, the folder, its marker, its rights and its room."""
    try:
        settings_of(endpoint)
        path = path_of(endpoint, surroundings.folder)
        names = {each.name for each in path.iterdir()}
        room = os.statvfs(path)
    except ConfigError as error:
        return [str(error)]
    except OSError as error:
        return [f"the folder cannot be read: {error.strerror}"]
    found: list[str] = []
    if MARKER not in names:
        found.append(f"{path} has no file {MARKER}: make it, once the share is mounted there")
    if NOTES in names:
        found += [f"{path} lacks its folder {name}" for name in FOLDERS if name not in names]
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        found.append(f"{path} may not be written by user {os.geteuid()}")
    if room.f_bavail * room.f_frsize < _FREE_BYTES_MIN:
        found.append(f"{path} has less than {_FREE_BYTES_MIN // 1024**2} MiB of room")
    return found

"""What the table of adapters needs of SFTP: the adapter, the source, and what is wrong with a channel."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.folder.adapter import FolderAdapter
from adapters.folder.settings import settings_of
from adapters.folder.source import FolderSource
from adapters.folder.store import FileStore
from adapters.sftp.settings import options_of, target_of
from gateway.errors import ConfigError
from gateway.model import Endpoint
from gateway.ports import Surroundings


def make_adapter(surroundings: Surroundings) -> FolderAdapter:
    """The adapter of all SFTP servers."""
    return FolderAdapter(surroundings, _open_store)


def make_source(endpoint: Endpoint, surroundings: Surroundings) -> FolderSource:
    """The source of one server."""
    return FolderSource(endpoint, surroundings, _open_store(endpoint, surroundings), settings_of(endpoint))


def _open_store(endpoint: Endpoint, surroundings: Surroundings) -> FileStore:
    from adapters.sftp.store import SftpStore  # and its library, which is slow to import

    return SftpStore(target_of(endpoint, surroundings), surroundings.secrets, surroundings.timeout_seconds)


def problems(endpoint: Endpoint, surroundings: Surroundings) -> Sequence[str]:
    """What is wrong with the settings, the server's pinned key and our own key or password; dials nobody."""
    try:
        settings_of(endpoint)
        options_of(target_of(endpoint, surroundings), surroundings.secrets, surroundings.timeout_seconds)
    except ConfigError as error:
        return [str(error)]
    return ()

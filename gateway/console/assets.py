"""Scripts, styles and icons of the package, each under a name that holds its digest, so browsers keep it for ever.

Read once, when the server starts; texts are compressed then, too. It serves what is in `static/` and nothing else.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from types import MappingProxyType
from typing import Final

TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "woff2": "font/woff2"}
)
_DIGITS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One file."""

    name: str
    #: With the beginning of its digest in it.
    path: str
    content_type: str
    content: bytes
    gzipped: bytes


class Assets:
    """All of them."""

    def __init__(self) -> None:
        folder = resources.files("gateway.console") / "static"
        made = [_asset(file.name, file.read_bytes()) for file in folder.iterdir() if _type_of(file.name)]
        self._by_name = {asset.name: asset for asset in made}
        self._by_path = {asset.path: asset for asset in made}

    def url(self, name: str) -> str:
        """Where browsers get it; KeyError for what is not there."""
        return self._by_name[name].path

    def find(self, path: str) -> Asset | None:
        """By its address."""
        return self._by_path.get(path)

    def named(self, name: str) -> Asset:
        """By its file's name."""
        return self._by_name[name]


def _type_of(name: str) -> str | None:
    return TYPES.get(name.rpartition(".")[2])


def _asset(name: str, content: bytes) -> Asset:
    stem, _, ending = name.rpartition(".")
    digest = sha256(content).hexdigest()[:_DIGITS]
    return Asset(
        name=name,
        path=f"/static/{stem}.{digest}.{ending}",
        content_type=TYPES[ending],
        content=content,
        gzipped=gzip.compress(content, 9, mtime=0),
    )

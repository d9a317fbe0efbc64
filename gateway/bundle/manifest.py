"""`META-INF/manifest.xml`: the list of entries with their media types, as ASiC takes it from OpenDocument 1.2.

There is one way to write it, so a reader writes it again and compares: nothing parses it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.bundle.format import EXPORT, MANIFEST, MEDIA_TYPE, MIMETYPE, media_type_of

_NAMESPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


def manifest_of(names: Iterable[str]) -> bytes:
    """The manifest over these entries, in their order; itself, `mimetype` and signatures are not listed."""
    lines = [("/", MEDIA_TYPE.decode())]
    lines += [(name, media_type_of(name)) for name in names if is_listed(name)]
    rows = "".join(
        f'  <manifest:file-entry manifest:full-path="{name}" manifest:media-type="{media}"/>\n'
        for name, media in lines
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<manifest:manifest xmlns:manifest="{_NAMESPACE}" manifest:version="1.2">\n{rows}</manifest:manifest>\n'
    ).encode()


def is_listed(name: str) -> bool:
    """Whether the manifest lists an entry."""
    return name not in {MIMETYPE, MANIFEST, EXPORT} and not name.startswith("META-INF/signatures")

"""The lists of a container: its entries, and what its evidence record is over [ETSI EN 319 162-1 A.7].

`META-INF/manifest.xml` names all entries with their media types, as ASiC takes it from OpenDocument 1.2. There is
one way to write each list, so a reader writes it again and compares: nothing parses them.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.bundle.format import (
    ACCEPTANCE,
    DOCUMENT,
    EXPORT,
    MANIFEST,
    MEDIA_TYPE,
    MIMETYPE,
    RECORD,
    TRANSFER,
    media_type_of,
)
from gateway.seal.profile import ASIC, DS, SHA256

_NAMESPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"

#: What an evidence record is over.
RECORDED: Final = (ACCEPTANCE, DOCUMENT, TRANSFER)


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


def record_manifest_of(digests: Mapping[str, bytes]) -> bytes:
    """What the evidence record is over: the receipt and what it seals; `digests`: SHA-256 of entries by name."""
    rows = "".join(
        f'  <asic:DataObjectReference URI="{name}" MimeType="{media_type_of(name)}">'
        f'<ds:DigestMethod Algorithm="{SHA256}"/>'
        f"<ds:DigestValue>{b64encode(digests[name]).decode()}</ds:DigestValue></asic:DataObjectReference>\n"
        for name in RECORDED
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<asic:ASiCManifest xmlns:asic="{ASIC}" xmlns:ds="{DS}">\n'
        f'  <asic:SigReference URI="{RECORD}"/>\n{rows}</asic:ASiCManifest>\n'
    ).encode()


def is_listed(name: str) -> bool:
    """Whether the manifest lists an entry."""
    return name not in {MIMETYPE, MANIFEST, EXPORT} and not name.startswith("META-INF/signatures")

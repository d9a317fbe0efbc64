"""What was added to a seal (`gateway.seal.unsigned`): its stamps, each over what it must be over."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from gateway.bundle.container import Container
from gateway.errors import StampError
from gateway.seal.shape import read_export
from gateway.seal.unsigned import archive_imprint, read_unsigned, signature_imprint, split
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import failed
from gateway.verifying.stamps import Timed, judged

if TYPE_CHECKING:
    from collections.abc import Iterator

#: No stamp is over it.
_NOTHING: Final = bytes(32)


def check_added(name: str, seal: bytes, anchors: Anchors, container: Container | None = None) -> list[Timed]:
    """The findings about a seal's stamps; `container` where one may be over all that the seal names."""
    return list(_added(name, seal, anchors, container))


def is_lasting(seal: bytes) -> bool:
    """Whether a seal has the stamps of XAdES B-LTA, whatever they are worth."""
    unsigned = read_unsigned(seal)
    return unsigned is not None and bool(unsigned.signature_stamp and unsigned.archive_stamp)


def _added(name: str, seal: bytes, anchors: Anchors, container: Container | None) -> Iterator[Timed]:
    unsigned = read_unsigned(seal)
    if unsigned is None or (unsigned.archive_stamp and container is None):
        yield failed(f"{name}.added", "properties_wrong"), None
        return
    if unsigned.signature_stamp:
        yield _stamp(f"{name}.stamp", unsigned.signature_stamp, signature_imprint(seal) or _NOTHING, anchors)
    if unsigned.archive_stamp:
        assert container is not None, "looked at above"
        content = sealed_content(container, seal)
        for number, token in enumerate(unsigned.archive_stamps):
            imprint = archive_imprint(seal, content, number)
            which = f".{number + 1}" if number else ""
            yield _stamp(f"{name}.archive_stamp{which}", token, imprint or _NOTHING, anchors)


def _stamp(name: str, token: bytes, imprint: bytes, anchors: Anchors) -> Timed:
    from gateway.seal.stamp_token import reply_with  # most bundles have none

    try:
        reply = reply_with(token)
    except StampError as error:
        return failed(name, "stamp_unreadable", str(error)), None
    return judged(name, reply, imprint, anchors)


def sealed_content(container: Container, seal: bytes) -> Any:
    """A SHA-256 over the bytes of what the seal names, one after the other."""
    digest = sha256()
    for entry in read_export(split(seal)[0]).values.get("entry@URI", ()):
        if entry in container.entries:
            for piece in container.pieces_of(entry):
                digest.update(piece)
    return digest

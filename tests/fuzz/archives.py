"""The readers of month archives and of ledgers that were handed over, to be fuzzed behind the container's reader.

An input for an archive is the number of a part, and what stands in its place; for a handover, what stands in place
of its list and of its open deliveries. Everything else is of the corpus. Nothing may be raised.
"""

from __future__ import annotations

import atexit
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

BUNDLES: Final = Path(__file__).parents[1] / "vectors" / "bundles"
_MONTH: Final = BUNDLES / "archives" / "month" / "bundle.asice"
_AT: Final = datetime(2026, 11, 29, tzinfo=UTC)
#: Between the list and the open deliveries.
_CUT: Final = b"\0"


def open_archive() -> Callable[[bytes], None]:
    """Every part of an archive, at the place of one that was good."""
    from gateway.bundle.container import Container, ContainerWriter
    from gateway.bundle.format import MIMETYPE
    from gateway.verifying.anchors import Anchors
    from gateway.verifying.archive import verify_archive

    good, anchors = Container.open(_MONTH), Anchors.load(BUNDLES / "anchors" / "good")
    content = {name: good.bytes_of(name) for name in good.entries if name != MIMETYPE}
    names = _parts(content)

    def run(data: bytes) -> None:
        chosen, file = names[(data or b"\0")[0] % len(names)], io.BytesIO()
        writer = ContainerWriter(file)
        for name, piece in content.items():
            writer.add(name, data[1:] if name == chosen else piece)
        writer.close()
        found = verify_archive(Container.of(file.getvalue()), anchors, _AT)
        json.dumps(found.shape(), ensure_ascii=False).encode()

    return run


def archive_seeds() -> Iterable[bytes]:
    """Each part as it is."""
    from gateway.bundle.container import Container

    for name in ("month", "renewal-removed"):
        container = Container.open(BUNDLES / "archives" / name / "bundle.asice")
        for number, part in enumerate(_parts(container.entries)):
            yield bytes([number]) + container.bytes_of(part)


def _parts(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith("archive/"))


def open_handover() -> Callable[[bytes], None]:
    """A folder with the archive of the corpus in it."""
    from gateway.bundle.handover import HANDOVER, OPEN
    from gateway.verifying.anchors import Anchors
    from gateway.verifying.handover import verify_handover

    anchors, folder = Anchors.load(BUNDLES / "anchors" / "good"), Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    (folder / _MONTH.name).write_bytes(_MONTH.read_bytes())

    def run(data: bytes) -> None:
        listed, _, opened = data.partition(_CUT)
        (folder / HANDOVER).write_bytes(listed)
        (folder / OPEN).write_bytes(opened)
        _, found = verify_handover(folder, anchors, _AT)
        json.dumps(found.shape(), ensure_ascii=False).encode()

    return run


def handover_seeds() -> Iterable[bytes]:
    """A list of that archive, of none, and of one that is elsewhere."""
    from gateway.bundle.archive import read
    from gateway.bundle.container import Container
    from gateway.bundle.format import ARCHIVE
    from gateway.bundle.handover import HandedFile, Handover, written

    facts = read(Container.open(_MONTH).bytes_of(ARCHIVE))
    digest = sha256(_MONTH.read_bytes()).hexdigest()
    for names in ([_MONTH.name], [], ["../bundle.asice"], [_MONTH.name, _MONTH.name]):
        files = [HandedFile(name=name, sha256=digest, first=facts.first, until=facts.until) for name in names]
        whole = Handover(
            made_at=facts.made_at, made_by="operator:0", program="0.1.0", gateway=facts.gateway,
            successor="000.00.99.H33", origin=facts.log.origin, size=facts.log.size, root=facts.root,
            archives=files, open=0, copy="",
        )  # fmt: skip
        yield written(whole) + _CUT + b'{"delivery":""}\n'

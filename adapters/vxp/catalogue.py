"""The axis as a `Catalogue`: its three lists of agencies.

    units      getSynchronizeUnit    the fullest: who is above whom, what was deleted, what is a mere unit
    agencies   getAgenciesList       codes and the codes before them
    qd20       getAgenciesListQD20   codes of QĐ 20/2020 beside those of QCVN 102:2016

Settings of the channel beside those of `adapters.vxp.calls`: `catalogue_lists`, the lists to ask for, such as
"units,qd20", all three by default; and `catalogue_level`, what the third is asked with ("1"; what the axis makes of
it is not written anywhere). What is wrong there raises ConfigError with a sentence for the operator.

`fetch` writes the answers to files without a name, so that nothing of them is left when the process ends and their
digest is known before anybody reads them. A list without an entry is no list (`peer_reply_invalid`): an axis that
has lost its table must not look like one that knows nobody.

Nodes with a `W00` in their code are the axis's own and are told as virtual.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from hashlib import sha256
from typing import BinaryIO, Final, Literal

from adapters.vxp.calls import Looking
from adapters.vxp.catalogue_reply import BYTES_MAX, AgencyReply, Row
from adapters.vxp.wire import Look
from gateway.errors import ConfigError, SourceError
from gateway.model import Endpoint
from gateway.ports import CatalogueEntry, Surroundings

#: Name of a list -> how it is asked for.
LISTS: Final = {"units": Look.UNITS, "agencies": Look.AGENCIES, "qd20": Look.AGENCIES_QD20}

_WHOLE_SECONDS = 600.0
_PIECE = 256 * 1024
_AT_ONCE = 500
_VIRTUAL = "W00"
_TRUE = frozenset({True, "1", "true", "True", "TRUE"})
_FALSE = frozenset({False, "0", "false", "False", "FALSE"})
#: What stands for "nothing above".
_NO_REF = frozenset({"", "0", "-1", "null"})


class VxpCatalogue:
    """Reads one axis's lists."""

    def __init__(
        self, endpoint: Endpoint, surroundings: Surroundings, *, prefix: str = "", bytes_max: int = BYTES_MAX
    ) -> None:
        self._axis = Looking(endpoint, surroundings, prefix=prefix, connections=1)
        self._lists, self._level = _lists(endpoint), str(endpoint.settings.get("catalogue_level", "1"))
        self._bytes_max = bytes_max
        self._files: dict[str, BinaryIO] = {}

    async def fetch(self) -> str:
        """Bring the lists over; a digest of their bytes."""
        await self.close()
        digest = sha256()
        try:
            async with asyncio.timeout(_WHOLE_SECONDS):
                for name in self._lists:
                    digest.update(f"{name} {await self._bring(name)}\n".encode())
        except TimeoutError as error:
            raise SourceError("peer_timeout", f"the lists took longer than {_WHOLE_SECONDS:.0f} seconds") from error
        return digest.hexdigest()

    async def entries(self) -> AsyncIterator[Sequence[CatalogueEntry]]:
        """List after list, as far as they are sound."""
        for name, file in self._files.items():
            file.seek(0)
            reply, told = AgencyReply(bytes_max=self._bytes_max), False
            while piece := file.read(_PIECE):
                for rows in reply.feed(piece):
                    for entries in _parts(name, rows):
                        told = True
                        yield entries
            for rows in reply.end():
                for entries in _parts(name, rows):
                    told = True
                    yield entries
            if not told:
                raise SourceError("peer_reply_invalid", f"the list {name} is empty")

    async def close(self) -> None:
        """Close the connection and forget what was fetched."""
        files, self._files = self._files, {}
        for file in files.values():
            file.close()
        await self._axis.close()

    async def _bring(self, name: str) -> str:
        """One list into its file; the digest of its bytes."""
        operation = LISTS[name]
        parameters = {"level": self._level} if operation is Look.AGENCIES_QD20 else {}
        file = self._files[name] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        digest, size = sha256(), 0
        async with self._axis.opened(operation, parameters) as response:
            async for chunk in response.content.iter_chunked(_PIECE):
                size += len(chunk)
                if size > self._bytes_max:
                    response.close()
                    raise SourceError(
                        "peer_reply_invalid", f"the list {name} is longer than {self._bytes_max} bytes"
                    )
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest()


def open_catalogue(endpoint: Endpoint, surroundings: Surroundings) -> VxpCatalogue:
    """The client of a channel; one of another kind states the axis's settings with `source_` before each."""
    return VxpCatalogue(endpoint, surroundings, prefix="" if endpoint.settings.get("system_id") else "source_")


def _parts(name: str, rows: Sequence[Row]) -> Iterator[Sequence[CatalogueEntry]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield [entry_of(name, row) for row in rows[start : start + _AT_ONCE]]


def entry_of(name: str, row: Row) -> CatalogueEntry:
    """What a row of one of the lists says, in our words."""
    code = (row.code or "").strip()
    further = tuple(each.strip() for each in (row.old_code, row.code_102) if each and each.strip())
    parent = "" if row.pid is None else str(row.pid)
    return CatalogueEntry(
        listing=name,
        ref="" if row.id is None else str(row.id),
        parent_ref="" if parent in _NO_REF else parent,
        code=code,
        further_codes=further,
        name=row.name or "",
        email=row.mail or "",
        kind=_kind(code, row),
        deleted=row.deleted in _TRUE,
    )


def _kind(code: str, row: Row) -> Literal["agency", "unit", "virtual"]:
    if _VIRTUAL in code:
        return "virtual"
    return "unit" if row.is_agency in _FALSE else "agency"


def _lists(endpoint: Endpoint) -> tuple[str, ...]:
    asked = [each.strip() for each in str(endpoint.settings.get("catalogue_lists", ",".join(LISTS))).split(",")]
    unknown = [each for each in asked if each not in LISTS]
    if unknown:
        raise ConfigError(
            f"catalogue_lists of {endpoint.name} names {', '.join(unknown)}; known: {', '.join(LISTS)}"
        )
    return tuple(name for name in LISTS if name in asked)

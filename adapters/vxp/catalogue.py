"""The axis as a `Catalogue`: its three lists of agencies.

    units      getSynchronizeUnit    the fullest: who is above whom, what was deleted, what is a mere unit
    agencies   getAgenciesList       codes and the codes before them
    qd20       getAgenciesListQD20   codes of QĐ 20/2020 beside those of QCVN 102:2016

Settings of the endpoint: `url` (or `source_url`), `system_id`, `secret_file`, `anchors_file` (each also with
`source_` before it); `catalogue_lists`, the lists to ask for, such as "units,qd20", all three by default; and
`catalogue_level`, what the third is asked with ("1"; what the axis makes of it is not written anywhere). What is
wrong there raises ConfigError with a sentence for the operator.

`fetch` writes the answers to files without a name, so that nothing of them is left when the process ends and their
digest is known before anybody reads them. A list without an entry is no list (`peer_reply_invalid`): an axis that
has lost its table must not look like one that knows nobody.

Nodes with a `W00` in their code are the axis's own and are told as virtual.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, Literal

import aiohttp
from yarl import URL

from adapters.vxp.catalogue_reply import BYTES_MAX, AgencyReply, Row
from adapters.vxp.reply import require_ok
from adapters.vxp.wire import Operation, headers_of
from adapters.webhook_channel import Contexts, Secrets, Target, open_session
from adapters.webhook_names import Names
from adapters.webhook_reply import redacted
from gateway.errors import ConfigError, SourceError
from gateway.model import Endpoint
from gateway.ports import CatalogueEntry, Surroundings

#: Name of a list -> how it is asked for.
LISTS: Final = {"units": Operation.UNITS, "agencies": Operation.AGENCIES, "qd20": Operation.AGENCIES_QD20}

_CONNECT_SECONDS, _WHOLE_SECONDS = 10.0, 600.0
_PIECE = 256 * 1024
_ERROR_BYTES = 4096
_AT_ONCE = 500
_VIRTUAL = "W00"
_TRUE = frozenset({True, "1", "true", "True", "TRUE"})
_FALSE = frozenset({False, "0", "false", "False", "FALSE"})
#: What stands for "nothing above".
_NO_REF = frozenset({"", "0", "-1", "null"})


class VxpCatalogue:
    """Reads one axis's lists."""

    def __init__(self, endpoint: Endpoint, surroundings: Surroundings, *, bytes_max: int = BYTES_MAX) -> None:
        self._target, self._system_id = _target(endpoint, surroundings.folder)
        self._lists, self._level = _lists(endpoint), str(endpoint.settings.get("catalogue_level", "1"))
        self._secrets, self._clock = Secrets(surroundings.secrets), surroundings.clock
        seconds = surroundings.timeout_seconds
        self._timeout = aiohttp.ClientTimeout(
            total=_WHOLE_SECONDS, sock_connect=min(_CONNECT_SECONDS, seconds), sock_read=seconds
        )
        self._bytes_max = bytes_max
        self._contexts, self._names = Contexts(), Names()
        self._files: dict[str, BinaryIO] = {}

    async def fetch(self) -> str:
        """Bring the lists over; a digest of their bytes."""
        await self.close()
        digest = sha256()
        session = open_session(self._target, self._contexts.of(self._target), 1, self._names)
        try:
            for name in self._lists:
                digest.update(f"{name} {await self._bring(session, name)}\n".encode())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _of_error(error) from error
        except ValueError as error:
            raise SourceError("peer_reply_invalid", redacted(str(error))) from error
        finally:
            await session.close()
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
        """Forget what was fetched."""
        files, self._files = self._files, {}
        for file in files.values():
            file.close()

    async def _bring(self, session: aiohttp.ClientSession, name: str) -> str:
        """One list into its file; the digest of its bytes."""
        operation = LISTS[name]
        parameters = {"level": self._level} if operation is Operation.AGENCIES_QD20 else {}
        headers = headers_of(
            operation,
            parameters,
            system_id=self._system_id,
            secret=self._secrets.read(self._target.secret_file),
            now=self._clock.now(),
        )
        file = self._files[name] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        digest, size = sha256(), 0
        async with session.request(
            operation.method,
            self._target.url / operation.path,
            headers=headers,
            data=operation.body,
            allow_redirects=False,
            timeout=self._timeout,
        ) as response:
            if response.status != 200:  # noqa: PLR2004
                require_ok(response.status, await response.content.read(_ERROR_BYTES))
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


def _target(endpoint: Endpoint, folder: Path) -> tuple[Target, str]:
    url = URL(_text(endpoint, "url"))
    plain = url.scheme == "http" and endpoint.settings.get("allow_plain") is True and url.host == "localhost"
    if not (url.scheme == "https" or plain) or url.host is None or url.user or url.password or url.query_string:
        raise ConfigError("the axis's url is https://host/path, without name, password or query")
    anchors = _setting(endpoint, "anchors_file")
    target = Target(
        url=url,
        secret_file=_text(endpoint, "secret_file"),
        anchors=folder / str(anchors) if anchors else None,
        certificate=None,
        key=None,
        allow_internal=True,
    )
    return target, _text(endpoint, "system_id")


def _setting(endpoint: Endpoint, name: str) -> object:
    return endpoint.settings.get(name) or endpoint.settings.get(f"source_{name}")


def _text(endpoint: Endpoint, name: str) -> str:
    value = _setting(endpoint, name)
    if not isinstance(value, str) or not value:
        raise ConfigError(f"the channel {endpoint.name} has no {name}")
    return value


def _of_error(error: Exception) -> SourceError:
    words = redacted(f"{type(error).__name__}: {error}")
    if isinstance(error, aiohttp.ClientSSLError):
        return SourceError("peer_tls_failed", words)
    if isinstance(error, TimeoutError):
        return SourceError("peer_timeout", words)
    if isinstance(error, aiohttp.ClientConnectorError):
        return SourceError("connect_failed", words)
    return SourceError("connection_lost", words)

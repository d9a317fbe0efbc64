"""A real gateway under the recorder, offices that use it, and what they were promised, with the moment of it.

The data folder is made from nothing under the recorder too. Then the gateway is served twice, with an orderly end
between, so that its write-ahead log goes away and comes anew. A promise's moment is the length of the recorder's
log when its answer had arrived: what it rests on must have been durable by then.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway.api import models
from gateway.client import GatewayClient
from gateway.config import settings as config
from gateway.errors import ProblemError
from gateway.pki import DevPki, client_tls_context
from gateway.seal.trust import TrustPurpose
from tests.crash.faulty import Control, Fault, Kind, Place
from tests.crash.recording import Recorder
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, make_pki
from tests.journeys.messages import document, status
from tests.journeys.receiver import Came, Receiver, Reply

#: Bodies above 128 KiB take another way to the disk; one in so many is.
_LARGE_EVERY = 8
_LARGE_BYTES = 200_000
#: So many come in pieces of so many bytes.
_UPLOADED_EVERY = 5
_PIECE = 3000
_SENDERS = 4
_START_SECONDS = 300
#: Longer than a busy machine may leave processes standing: nothing here is about time.
_PATIENCE_SECONDS = 900
_ROUNDS = 2
_REFUSED, _GONE = 503, 404
_AGAIN_SECONDS = 0.05
#: Between two faults; so many are there at least in a round.
_FAULT_SECONDS = 0.2
_FAILURES = 2
_ROOT = Path(__file__).parents[2]

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """A 202."""

    at: int
    message_id: str
    #: Digest of the bytes that were sent.
    sha256: str
    deliveries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Seal and transfer record as its sender got them."""

    at: int
    message_id: str
    transfer: bytes
    xades: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """An inbox item whose acknowledgement was confirmed."""

    at: int
    delivery_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Processed:
    """A transmission that came to a pushed receiver; were its id forgotten, it would come under another one."""

    at: int
    dispatch_id: str
    deliveries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An upload's offset: so many bytes need not be sent again."""

    at: int
    upload_id: str
    offset: int
    #: Digest of the bytes below the offset, and of the whole document, which takes them over in the end.
    sha256: str
    document: str


@dataclass(kw_only=True, slots=True)
class Promises:
    """All of them, in the order in which they were given."""

    accepted: list[Accepted] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    processed: list[Processed] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    #: Length of the log when the data folder was made and filled.
    prepared_at: int = 0

    def moments(self) -> list[int]:
        """When each was given."""
        return [
            *(each.at for each in self.accepted),
            *(each.at for each in self.receipts),
            *(each.at for each in self.taken),
            *(each.at for each in self.processed),
            *(each.at for each in self.told),
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A run that is over."""

    site: Path
    recorder: Recorder
    promises: Promises
    seconds: float

    @property
    def config(self) -> Path:
        """The gateway's settings."""
        return self.site / "config.toml"


async def record(
    folder: Path,
    library: Path,
    *,
    documents: int,
    module: str = "gateway",
    faults: Path | None = None,
    say: Say,
) -> Recorded:
    """Prepare, serve and use a gateway below `folder` until so many documents are sent; `module` is what serves.

    With `faults` (the library of `faulty`) syncs fail now and then, each once.
    """
    began = time.monotonic()
    site = folder / "site"
    (site / "disk").mkdir(parents=True)
    make_pki(folder / "pki")
    control = Control(folder / "control")
    behind = control.environment(faults, site / "disk") if faults else {}
    recorder = Recorder(library=library, folder=site / "disk", log=folder / "acts.log", behind=behind)
    receiver = Receiver(folder / "pki")
    await receiver.start()
    promises = Promises()
    receiver.answer = lambda came: _processed(promises, recorder, came)
    try:
        tokens = await _prepare(site, recorder, folder / "pki", receiver.url("/pushed"))
        promises.prepared_at = recorder.length()
        say(f"the data folder is made: {promises.prepared_at / 1e6:.1f} MB of acts")
        numbers = itertools.count(1)
        for turn in range(_ROUNDS):
            async with _served(site, recorder, module) as port:
                offices = _Offices(site, port, tokens, recorder, promises)
                failing = _FailingSyncs(control) if faults else None
                await offices.work(itertools.islice(numbers, documents // _ROUNDS))
                # a quick machine may be done before the first fault
                while failing is not None and failing.count < _FAILURES:
                    await offices.work(itertools.islice(numbers, _SENDERS))
                if failing is not None:
                    failing.end()
            say(f"round {turn + 1} is over: {len(promises.accepted)} accepted, {len(promises.taken)} taken")
    finally:
        await receiver.close()
        control.close()
    return Recorded(site=site, recorder=recorder, promises=promises, seconds=time.monotonic() - began)


class _FailingSyncs:
    """One sync after the other fails, somewhere; none is waited for longer than `_FAULT_SECONDS`."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._before = 0
        self._task = asyncio.create_task(self._run())

    @property
    def count(self) -> int:
        """Syncs that failed."""
        return self._before + self._control.failed

    def end(self) -> None:
        """The disk is well again."""
        self._task.cancel()
        self._control.disarm()

    async def _run(self) -> None:
        draw = random.Random(0)
        while True:
            place = draw.choice((Place.WAL, Place.WAL, Place.SPOOL, Place.DATABASE, Place.BODY))
            fault = Fault(kinds=(Kind.SYNC,), places=(place,), error=errno.EIO, skip=draw.randrange(3))
            self._before = self.count
            self._control.arm(fault)
            await asyncio.sleep(_FAULT_SECONDS)


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while the gateway refuses for the moment."""
    while True:
        try:
            return await ask()
        except ProblemError as error:
            if error.status != _REFUSED:
                raise
            await asyncio.sleep(_AGAIN_SECONDS)


async def _prepare(site: Path, recorder: Recorder, pki: Path, push_url: str) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.crash.preparing", str(site), str(pki), push_url),
        cwd=_ROOT,
        env=recorder.environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError("the data folder could not be made; see above")
    return msgspec.json.decode(said, type=dict[str, str])


@asynccontextmanager
async def _served(site: Path, recorder: Recorder, module: str) -> AsyncIterator[int]:
    """The gateway's port, once it is ready; it ends in order."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, "--config", str(site / "config.toml"), "serve"),
        cwd=_ROOT,
        env=recorder.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(_START_SECONDS):
            port = await _port_of(process)
        draining = asyncio.create_task(_drain(process))
        yield port
        process.send_signal(signal.SIGTERM)
        await process.wait()
        await draining
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _port_of(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    said = b""
    while line := await process.stdout.readline():
        said += line
        if b"server.ready" in line:
            return msgspec.json.decode(line, type=_Ready).port
    raise RuntimeError(f"the gateway did not start:\n{said.decode(errors='replace')[-2000:]}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while await process.stdout.readline():
        pass


class _Ready(msgspec.Struct):
    port: int


def _processed(promises: Promises, recorder: Recorder, came: Came) -> Reply:
    dispatch_id = came.headers["Gateway-Dispatch-Id"]
    known = Processed(at=recorder.length(), dispatch_id=dispatch_id, deliveries=tuple(came.deliveries))
    promises.processed.append(known)
    # now and then the reply is a failure, so that a dispatch is claimed again
    return Reply(status=503) if len(promises.processed) % 10 == 0 else Reply()


class _Offices:
    """Who uses the gateway in one round."""

    def __init__(
        self,
        site: Path,
        port: int,
        tokens: dict[str, str],
        recorder: Recorder,
        promises: Promises,
    ) -> None:
        self._port, self._tokens = port, tokens
        self._tls = client_tls_context(DevPki(folder=site / "certs").anchors(TrustPurpose.TLS))
        self._recorder, self._promises = recorder, promises
        self._draw = random.Random(port)

    async def work(self, numbers: Iterator[int]) -> None:
        """Send these documents, and take what comes meanwhile."""
        async with AsyncExitStack() as stack:
            province = await stack.enter_async_context(self._client(PROVINCE))
            commune = await stack.enter_async_context(self._client(COMMUNE))
            taking = asyncio.create_task(self._take(commune))
            stack.push_async_callback(_ended, taking)
            async with asyncio.TaskGroup() as group:
                for _ in range(_SENDERS):
                    group.create_task(self._send(province, numbers))

    def _client(self, organ_id: str) -> GatewayClient:
        return GatewayClient(
            f"https://localhost:{self._port}",
            tls=self._tls,
            token=self._tokens[organ_id],
            timeout=_PATIENCE_SECONDS,
        )

    async def _send(self, client: GatewayClient, numbers: Iterator[int]) -> None:
        for number in numbers:
            recipients = ([COMMUNE], [PUSHED], [COMMUNE, PUSHED])[number % 3]
            size = _LARGE_BYTES if number % _LARGE_EVERY == 0 else self._draw.randrange(100, 8000)
            content = b"%PDF-1.4\n" + os.urandom(size) + b"\n%%EOF\n"
            sent = document(PROVINCE, recipients, number=str(number), content=content)
            if number % _UPLOADED_EVERY == 0:
                answer = await self._uploaded(client, sent)
            else:
                answer = await _patiently(partial(client.submit, sent))
            self._accepted(answer, sent)
            if number % 4 == 0:
                transfer, xades = await _patiently(partial(client.receipt, answer.id))
                at = self._recorder.length()
                self._promises.receipts.append(Receipt(at=at, message_id=answer.id, transfer=transfer, xades=xades))

    async def _uploaded(self, client: GatewayClient, sent: bytes) -> models.Accepted:
        promises, document = self._promises, sha256(sent).hexdigest()
        while True:
            upload_id = await _patiently(partial(client.begin_upload, len(sent)))
            told = 0
            try:
                while told < len(sent):
                    piece = sent[told : told + _PIECE]
                    told = await _patiently(partial(client.append_upload, upload_id, told, piece))
                    digest, at = sha256(sent[:told]).hexdigest(), self._recorder.length()
                    promises.told.append(
                        Told(at=at, upload_id=upload_id, offset=told, sha256=digest, document=document)
                    )
                return await _patiently(partial(client.submit_uploads, models.UploadedDocument(document=upload_id)))
            except ProblemError as error:
                if error.status != _GONE:
                    raise
                # a sync failed and it was given up, of which the client was told
                promises.told = [each for each in promises.told if each.upload_id != upload_id]

    async def _take(self, client: GatewayClient) -> None:
        while True:
            for item in (await _patiently(partial(client.inbox, wait=1, limit=4))).items:
                await _patiently(partial(client.content, item.id))
                await _patiently(partial(client.ack, item.id))
                self._promises.taken.append(Taken(at=self._recorder.length(), delivery_id=item.id))
                if len(self._promises.taken) % 3 == 0:
                    said = status(COMMUNE, "03", sender=PROVINCE, number=item.number)
                    self._accepted(await _patiently(partial(client.post_status, said)), said)

    def _accepted(self, answer: models.Accepted, sent: bytes) -> None:
        self._promises.accepted.append(
            Accepted(
                at=self._recorder.length(),
                message_id=answer.id,
                sha256=sha256(sent).hexdigest(),
                deliveries=tuple(each.id for each in answer.deliveries),
            )
        )


async def _ended(taking: asyncio.Task[None]) -> None:
    """Stop the one who takes; what made it fail before is raised."""
    taking.cancel()
    with suppress(asyncio.CancelledError):
        await taking


def settings_of(recorded: Recorded) -> config.Settings:
    """The settings that the gateway ran with."""
    return config.load(recorded.config)

"""The axis of the kill sweep and the ministry behind it: `python -m tests.crash.kill_ministry SPEC`.

The axis is `gateway simulate axis`, a process of its own with a memory that no kill of the gateway touches. The
ministry is a member like the gateway, by a client that shares no code with it: it sends documents to offices of the
gateway, reads its own list, reports what it got as processed (status 03), and then only says `done`. Nothing is
noted here: the axis's own journal has it all (`kill_axis`).
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import sys
from pathlib import Path

from tests.axis_lab import AxisLab, make_axis
from tests.crash.kill_axis import MEMBER
from tests.crash.kill_spec import Spec, listen, read_spec, say
from tests.journeys.axis_site import HOSTS
from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, PUSHED
from tests.journeys.messages import document, status

_TO = ((COMMUNE,), (PUSHED,), (COMMUNE, PUSHED), (PROVINCE, COMMUNE))
_NUMBER = re.compile(rb"CodeNumber>([A-Za-z0-9]+)<")
_LOOK_SECONDS = 0.05
#: Every so many-th document does not stay in the gateway's memory.
_LARGE_EVERY, _LARGE_BYTES = 8, 200_000
#: So many entries wait at the axis at most; else long starts on a busy machine pile up work for its end.
_MOST_WAITING = 8


class Ministry:
    """Sends, and reads what is for it."""

    def __init__(self, axis: AxisLab, spec: Spec) -> None:
        self._axis, self._client = axis, axis.client(MINISTRY)
        self._spec, self._draw = spec, random.Random(spec.seed)
        self._reported: set[str] = set()

    async def send(self, finish: asyncio.Event) -> None:
        """Until told to finish; the axis has the last document when this returns."""
        number = 0
        while not finish.is_set():
            await asyncio.sleep(2 * self._spec.pause * self._draw.random())
            if (await self._axis.state())["waiting"] >= _MOST_WAITING:
                continue
            number += 1
            size = 300 if number % _LARGE_EVERY else _LARGE_BYTES
            data = document(
                MINISTRY,
                self._draw.choice(_TO),
                number=f"M{self._spec.seed:x}n{number}",
                content=b"%PDF-1.4\n" + self._draw.randbytes(size),
            )
            await self._say(await self._client.send(data))

    async def read(self) -> None:
        """For ever."""
        while True:
            for kind in ("edoc", "status"):
                for entry in await self._client.received(kind):
                    await self._take(str(entry["docId"]), is_document=kind == "edoc")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _take(self, doc_id: str, *, is_document: bool) -> None:
        data = await self._client.get(doc_id)
        digest = hashlib.sha256(data).hexdigest()
        # decided by the bytes; what came twice is reported once
        if is_document and int(digest, 16) % 3 == 0 and digest not in self._reported:
            self._reported.add(digest)
            number = _NUMBER.search(data)
            assert number is not None
            report = status(MINISTRY, "03", sender=PROVINCE, number=number[1].decode())
            await self._say(await self._client.send(report, "status"))
        await self._say(await self._client.settle(doc_id))

    async def _say(self, told: dict[str, object]) -> None:
        if told["status"] != "OK":  # the axis knows this office: the sweep itself is wrong
            raise AssertionError(told)


def axis_of(spec: Spec) -> AxisLab:
    """Its files, with the certificate that the gateway trusts and the secret that it has."""
    folder = Path(spec.axis)
    folder.mkdir()
    axis = make_axis(folder, hosts=HOSTS, agencies=0, arguments=("--key", spec.key))
    axis.port, axis.certificate = spec.port, Path(spec.certificate)
    axis.anchors = Path(spec.anchors) / "root.pem"
    axis.secret_files[MEMBER].write_text(spec.secret)
    return axis


async def run(spec: Spec) -> None:
    """Axis and ministry, until the sweep has gone."""
    finish, axis = asyncio.Event(), axis_of(spec)
    gone = listen(finish)
    await axis.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            ministry = Ministry(axis, spec)
            sending, reading = tasks.create_task(ministry.send(finish)), tasks.create_task(ministry.read())
            say("ready")
            await asyncio.wait({tasks.create_task(gone.wait()), sending}, return_when=asyncio.FIRST_COMPLETED)
            if not gone.is_set():
                say("finished")
                await gone.wait()
            sending.cancel()
            reading.cancel()
    finally:
        await axis.close()


if __name__ == "__main__":
    asyncio.run(run(read_spec(Path(sys.argv[1]))))

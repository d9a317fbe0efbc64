"""The body store against a model: whatever is kept, damaged, mended or restarted, it never lies."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.clock import SystemClock
from gateway.storage.bodies import Bodies, SpooledBody
from gateway.storage.body_format import HEADER_BYTES
from gateway.storage.body_keys import BodyKeys
from tests.storage.conftest import some_keys

CONTENTS = [b"", b"a", b"bb" * 40_000, b"c" * 300_000]
contents = st.sampled_from(CONTENTS)


def digest_of(data: bytes) -> str:
    return sha256(data).hexdigest()


class BodiesMachine(RuleBasedStateMachine):
    """Model: digest -> whether the stored bytes are sound."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.sound: dict[str, bool] = {}
        self.waiting: list[SpooledBody] = []

    @initialize(encrypted=st.booleans())
    def open_store(self, *, encrypted: bool) -> None:
        self.keys = some_keys() if encrypted else BodyKeys()
        self.bodies = Bodies(self.folder, self.keys)

    @rule(data=contents, piece=st.integers(1, 400_000))
    def spool(self, data: bytes, piece: int) -> None:
        async def write() -> SpooledBody:
            async with self.bodies.open_spool() as spool:
                for start in range(0, len(data), max(piece, 1 + len(data) // 5)):
                    await spool.write(data[start : start + max(piece, 1 + len(data) // 5)])
                return await spool.finish()

        body = self.runner.run(write())
        assert body.sha256 == digest_of(data)
        self.waiting.append(body)

    @rule()
    def keep_all(self) -> None:
        async def keep() -> None:
            await asyncio.gather(*(self.bodies.keep(body) for body in self.waiting))

        self.runner.run(keep())
        for body in self.waiting:
            self.sound[body.sha256] = True  # also where it was cut off: keeping mends a wrong length
        self.waiting = []

    @rule()
    def discard_all(self) -> None:
        for body in self.waiting:
            self.runner.run(self.bodies.discard(body))
        self.waiting = []

    @rule(data=contents)
    def cut_off(self, data: bytes) -> None:
        digest = digest_of(data)
        if digest in self.sound:
            with self.bodies.path_of(digest).open("r+b") as file:
                file.truncate(HEADER_BYTES - 1)
            self.sound[digest] = False

    @rule(data=contents)
    def set_aside(self, data: bytes) -> None:
        digest = digest_of(data)
        if digest in self.sound:
            self.runner.run(self.bodies.quarantine(digest))
            del self.sound[digest]

    @rule()
    def restart(self) -> None:
        self.runner.run(self.bodies.close())
        self.waiting = []
        self.bodies = Bodies(self.folder, self.keys)
        self.runner.run(self.bodies.sweep(SystemClock().now() + timedelta(days=1)))

    @invariant()
    def store_is_the_model(self) -> None:
        if not hasattr(self, "bodies"):
            return
        assert list(self.bodies.iterate()) == sorted(self.sound)
        for digest, sound in self.sound.items():
            assert self.runner.run(self.bodies.verify(digest)) is sound
        assert set((self.folder / "spool").iterdir()) == {
            body.path for body in self.waiting if body.content is None
        }

    def teardown(self) -> None:
        if hasattr(self, "bodies"):
            self.runner.run(self.bodies.close())
        self.runner.close()
        shutil.rmtree(self.folder)


TestBodiesMachine = BodiesMachine.TestCase
TestBodiesMachine.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)

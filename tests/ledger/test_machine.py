"""The ledger under arbitrary steps: states are what the events tell, and nothing is stuck or sent empty."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.errors import RefusedError
from gateway.model import OutcomeKind, Outgoing
from gateway.states import TRANSITIONS, State, Trigger
from tests.ledger.lab import HOUR, START, Lab, message, open_lab, request, status

picks = st.integers(0, 1000)
ACTS = [Trigger.WITHDRAWN, Trigger.HELD, Trigger.RELEASED, Trigger.REQUEUED, Trigger.QUARANTINED]


class LedgerMachine(RuleBasedStateMachine):
    """Any order of recording, claiming, finishing, fetching, acting and crashing."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp())
        self.stack = AsyncExitStack()
        self.hours, self.boots = 0, 1
        self.lines: list[str] = []
        self.claimed: list[Outgoing] = []

    @initialize()
    def open_ledger(self) -> None:
        self.lab: Lab = self.runner.run(self.stack.enter_async_context(open_lab(self.folder)))
        self.record(fans_out=True)

    @property
    def now(self):  # type: ignore[no-untyped-def]
        return START + self.hours * HOUR

    def line(self, pick: int) -> str:
        return self.lines[pick % len(self.lines)]

    @rule(fans_out=st.booleans())
    def record(self, fans_out: bool) -> None:  # noqa: FBT001
        item = message("x1", "x2", "a1", "i1", at=self.now, fans_out=fans_out)
        self.runner.run(self.lab.record(item))
        self.lines += [line.id for line in item.deliveries]

    @rule(pick=picks)
    def recall(self, pick: int) -> None:
        original, _, recipient = self.line(pick).partition("/")
        item = request(original, recipient, at=self.now)
        self.runner.run(self.lab.record(item))
        self.lines += [line.id for line in item.deliveries]

    @rule(room=st.integers(1, 4))
    def claim(self, room: int) -> None:
        self.hours += 1
        items = self.runner.run(self.lab.claim(self.now, room=room, lease=3 * HOUR))
        assert all(item.deliveries for item in items)
        self.claimed += items

    @precondition(lambda self: self.claimed)
    @rule(pick=picks, kinds=st.lists(st.sampled_from(OutcomeKind), min_size=2, max_size=2))
    def finish(self, pick: int, kinds: list[OutcomeKind]) -> None:
        item = self.claimed.pop(pick % len(self.claimed))
        found = {line.recipient_id: kind for line, kind in zip(item.deliveries, kinds, strict=False)}
        self.runner.run(self.lab.finish(item, found, now=self.now))

    @rule(pick=picks, acknowledges=st.booleans())
    def read_inbox(self, pick: int, acknowledges: bool) -> None:  # noqa: FBT001
        ask = self.lab.acknowledge if acknowledges else self.lab.fetch
        with contextlib.suppress(RefusedError):
            self.runner.run(ask(self.line(pick), now=self.now))

    @rule(pick=picks, code=st.sampled_from(["01", "03", "05", "15"]))
    def report(self, pick: int, code: str) -> None:
        self.runner.run(self.lab.record(status(code, self.line(pick), at=self.now)))

    @rule(chosen=st.lists(picks, min_size=1, max_size=4), trigger=st.sampled_from(ACTS))
    def act(self, chosen: list[int], trigger: Trigger) -> None:
        self.runner.run(self.lab.act(trigger, *(self.line(pick) for pick in chosen), now=self.now))

    @rule(crash=st.booleans())
    def rescue(self, crash: bool) -> None:  # noqa: FBT001
        if crash:
            self.boots += 1
            self.runner.run(self.lab.start_boot(f"boot-{self.boots}"))
        self.runner.run(self.lab.rescue(self.now, poison_crashes=2))

    @invariant()
    def states_are_the_replay_of_the_events(self) -> None:
        if not self.lines:
            return
        replayed = dict.fromkeys(self.lines, State.QUEUED)
        rows = self.runner.run(
            self.lab.rows("SELECT delivery_id, kind, leaf FROM event WHERE kind GLOB 'delivery.*' ORDER BY seq")
        )
        for delivery_id, kind, leaf in rows:
            before, facts = replayed[delivery_id], json.loads(leaf)["facts"]
            replayed[delivery_id] = TRANSITIONS[before, Trigger(kind.removeprefix("delivery."))]
            assert (facts["from"], facts["to"]) == (before, replayed[delivery_id])
        stored = self.runner.run(self.lab.rows("SELECT id, state FROM delivery"))
        assert dict(stored) == replayed
        assert len(stored) == len(replayed)

    @invariant()
    def transmissions_fit_their_lines(self) -> None:
        if not self.lines:
            return
        rows = self.runner.run(
            self.lab.rows(
                "SELECT p.id, p.state, json_group_array(d.state),"
                " (SELECT count(*) FROM attempt AS a WHERE a.id = p.attempt_id AND a.ended_at IS NULL)"
                " FROM dispatch AS p JOIN delivery AS d ON d.dispatch_id = p.id GROUP BY p.id"
            )
        )
        for dispatch_id, state, found, attempts in rows:
            lines = set(json.loads(found))
            assert (state == "in_flight") == (attempts == 1), dispatch_id
            if state in {"ready", "inbox"}:
                assert lines & {"queued", "deferred", "in_flight"}, dispatch_id
            if state == "ready":
                assert "in_flight" not in lines, dispatch_id
            if state in {"held", "done"}:
                assert not lines & {"queued", "deferred", "in_flight"}, dispatch_id

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)

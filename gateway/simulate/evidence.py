"""The demo's last act: one document's evidence is exported from the running gateway and verified by itself.

Both are commands of their own, as an operator and an auditor would run them; the auditor has the demo's anchors and
nothing else. What the log has not signed yet cannot be proved, so it is tried again while checkpoints come.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Final

from gateway.simulate.children import run_command
from gateway.simulate.layout import Layout
from gateway.simulate.witnesses import NAMES
from gateway.transparency.note import SignedNote
from gateway.transparency.quorum import Quorum

#: Checkpoints of the demo come every two seconds.
_TRIES: Final = 15
_WAIT_SECONDS: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """What the auditor's program said."""

    #: `none` where no bundle could be made.
    verdict: str = "none"
    #: Witnesses whose cosignatures hold, of those that the auditor knows.
    witnesses: int = 0


async def proven(layout: Layout, witnesses: int) -> Proven:
    """About the bundle of the document that was answered last, once so many witnesses cosigned its checkpoint."""
    found = Proven()
    for _ in range(_TRIES):
        chosen = ("--latest", "--status", "acknowledged", "--out", str(layout.evidence))
        code, _out = await run_command("gateway", "--config", str(layout.config), "export", *chosen)
        if code == 0:
            anchors = ("--anchors", str(layout.anchors), "--json")
            code, told = await run_command("gateway.verifying", str(layout.evidence), *anchors)
            report = json.loads(told)
            signed = [check for check in report["checks"] if check["name"].startswith("log.witness.")]
            found = Proven(
                verdict=report["verdict"], witnesses=sum(check["verdict"] == "PASSED" for check in signed)
            )
            passed = {check["name"] for check in report["checks"] if check["verdict"] == "PASSED"}
            # witnesses and the institution sign a moment after the log
            if code == 0 and found.witnesses >= witnesses and "institution" in passed:
                break
        await asyncio.sleep(_WAIT_SECONDS)
    return found


async def settle(layout: Layout, witnesses: int) -> None:
    """Wait until all that has happened is under a checkpoint that so many witnesses cosigned.

    Once they are gone nobody can add that: whoever exports later has it. It gives up after a while.
    """
    quorum = Quorum(witnesses, frozenset(NAMES.values()))
    event, leaves = 0, None
    for _ in range(_TRIES):
        code, out = await run_command("gateway", "--config", str(layout.config), "log", "show", "--json")
        if code != 0:  # a second Ctrl-C ends the command
            return
        told = json.loads(out)
        event = event or told["last_event"]
        if leaves is None and told["last_leaf"] >= event:
            leaves = told["leaves"]
        is_signed = leaves is not None and told["signed"] >= leaves
        if is_signed and quorum.is_met(SignedNote.parse(told["checkpoint"].encode())):
            return
        await asyncio.sleep(_WAIT_SECONDS)

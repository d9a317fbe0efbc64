"""docs/axis-simulator.md is true: its conversation runs as it stands, its tables name what there is."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from gateway.simulate.axis.faults import FaultKind
from gateway.simulate.axis.operations import OPERATIONS
from gateway.simulate.axis.settings import AxisSettings, Habits

PAGE = (Path(__file__).resolve().parents[2] / "docs/axis-simulator.md").read_text("utf-8")


def block(kind: str) -> str:
    """The page's block of that language."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
async def test_conversation_runs_as_it_stands(tmp_path: Path) -> None:
    """Started as the page says, spoken to as the page says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "simulate", "axis", "--plain", "--folder", str(tmp_path / "axis"),
        "--port", "0",
        stdout=subprocess.PIPE,
    )  # fmt: skip
    ordered = ""
    try:
        assert process.stdout is not None
        base = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split()[2]
        environment = os.environ | {"base": base, "folder": str(tmp_path / "axis")}
        talk = await asyncio.create_subprocess_exec(
            "bash", "-eu", "-c", block("bash"), env=environment, stdout=subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(talk.communicate(), 60)
        for line in re.findall(r"^    gateway (simulate axis-control .*)", PAGE, re.MULTILINE):
            words = line.replace("build/axis", str(tmp_path / "axis")).split()
            control = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", *words, stdout=subprocess.PIPE
            )
            ordered += (await asyncio.wait_for(control.communicate(), 60))[0].decode()
            assert control.returncode == 0, line
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
    replies = [json.loads(line) for line in said.splitlines()]
    assert [reply["status"] for reply in replies] == ["OK"] * 5
    (line,) = replies[-1]["data"]
    assert (line["senderDocId"], line["receiveStatus"]) == (replies[0]["DocId"], "done")
    assert '"cut_after"' in ordered


def test_settings_of_the_page_are_read() -> None:
    """And what it calls defaults are the defaults."""
    settings = msgspec.convert(tomllib.loads(block("toml")), AxisSettings)
    assert settings.habits == Habits()
    assert [system.played for system in settings.systems] == [False, True]


def test_page_names_every_fault_and_operation() -> None:
    """No more and no fewer."""
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [kind.value for kind in FaultKind]
    assert all(f"`{name}`" in PAGE for name in OPERATIONS)

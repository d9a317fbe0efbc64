"""`gateway simulate axis` and `axis-control` as a person uses them, and what they refuse."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.axis_lab import G22, H33, AxisClient, AxisLab


def gateway(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


async def control(axis: AxisLab, *arguments: str) -> list[Any]:
    """What `axis-control` prints."""
    command = ("simulate", "axis-control", *arguments, "--folder", str(axis.folder))
    ended = await asyncio.to_thread(gateway, *command)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


async def test_axis_starts_without_any_file(tmp_path: Path) -> None:
    """Plain on loopback: settings, two secrets and a catalogue are made; the secrets are for their owner only."""
    folder = tmp_path / "axis"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "simulate", "axis", "--plain", "--port", "0", "--folder", str(folder),
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().split()
        assert line[:2] == ["axis", "ready"]
        assert line[2].startswith("http://localhost:")
        for name in ("h33.secret", "g22.secret", "control.sock"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        ours = AxisClient(url=line[2], system=H33, secret_file=folder / "h33.secret", anchors=None)
        assert (await ours.call("countReceiveEdoc"))["count"] == 0
        await ours.close()
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_orders_are_given_from_the_command_line(axis: AxisLab, tmp_path: Path) -> None:
    """Fault, documents, garbage, secret, catalogue; the state shows it."""
    order = ("fail", "--operation", "sendEdoc", "--system", H33, "--calls", "2", "--set", "code=20")
    (told,) = await control(axis, "order", *order)
    assert (told["kind"], told["calls"], told["code"]) == ("fail", 2, "20")
    await control(axis, "order", "slow", "--set", "delay=0.5", "--seconds", "60")
    (made,) = await control(axis, "send", G22, H33, "--count", "3")
    await control(axis, "report", H33, "01", made["sent"][0]["doc_id"], "--words", "Đã đến")
    assert len(await axis.client(G22).received("status")) == 1
    file = tmp_path / "garbage.bin"
    file.write_bytes(b"garbage")
    await control(axis, "put", H33, str(file))
    (changed,) = await control(axis, "catalogue", "--rename", "2", "--add", "1")
    assert len(changed["codes"]) == 3
    state, orders = await control(axis, "state")
    assert (state["sent"], state["waiting"], state["agencies"]) == (4, 5, 1001)
    assert [each["kind"] for each in orders["orders"]] == ["fail", "slow"]
    assert (await control(axis, "calm", str(told["id"])))[0]["removed"] == 1
    assert (await control(axis, "calm"))[0]["removed"] == 1
    file.write_text("secret-from-a-file\n")
    await control(axis, "secret", H33, str(file))
    assert (await axis.client(H33).call("countReceiveEdoc"))["ErrorCode"] == "15"


def test_orders_to_nobody_are_refused(tmp_path: Path) -> None:
    """One line, exit code of the environment."""
    ended = gateway("simulate", "axis-control", "state", "--folder", str(tmp_path))
    assert ended.returncode == 3
    assert "no axis answers there" in ended.stderr


def test_wrong_order_is_refused_in_words(tmp_path: Path) -> None:
    """A value that is not NAME=VALUE, or no number."""
    for wrong in ("delay", "delay=soon"):
        ended = gateway("simulate", "axis-control", "order", "slow", "--set", wrong, "--folder", str(tmp_path))
        assert ended.returncode == 2
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "--certificate"),
        (("--plain", "--host", "0.0.0.0"), 2, "loopback only"),
        (("--certificate", "nowhere.pem"), 2, "nowhere.pem"),
        (("--plain", "--settings", "wrong.toml"), 2, "unknown field `system`"),
        (("--plain", "--settings", "short.toml"), 2, "at least 8"),
        (("--plain", "--settings", "twice.toml"), 2, "twice"),
        (("--plain", "--faults", "faults.json"), 2, "faults.json"),
        (("--plain", "--catalogue", "faults.json"), 2, "are missing"),
    ],
)
def test_wrong_use_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """It says what is wrong, and nothing listens."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    Path("wrong.toml").write_text("[[system]]\n")
    Path("short.secret").write_text("short")
    Path("short.toml").write_text('[[systems]]\nid = "A"\nsecret_file = "short.secret"\n')
    Path("twice.toml").write_text('[[systems]]\nid = "A"\nplayed = true\n' * 2)
    Path("faults.json").write_text('[{"kind": "nonsense"}]')
    ended = gateway("simulate", "axis", "--port", "0", "--folder", "axis", *arguments)
    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_taken_port_is_one_line(tmp_path: Path) -> None:
    """Exit code of the environment."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = gateway("simulate", "axis", "--plain", "--port", port, "--folder", str(tmp_path / "axis"))
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr

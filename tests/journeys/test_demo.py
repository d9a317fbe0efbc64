"""The whole demo, as a user runs it: separate processes, real TLS, real SQLite, the gateway killed twice.

With faults to its end, and without them to where a newcomer walks through what it leaves, in a real browser.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from gateway.simulate.axis.journal import Called, Handed, Settled, Taken, read_axis_journal
from gateway.simulate.journal import Received, Sent, read_journal
from gateway.simulate.layout import Layout
from gateway.simulate.province import GATEWAY
from gateway.storage.driver import choose_driver
from tests.console.browsing import CHROMIUM, chromium, is_too_wide, serious
from tests.console.demo import demo
from tests.journeys.pages import ROOT, shell_blocks, told_with

KEYS = [
    "recipients",
    "documents",
    "deliveries",
    "relayed",
    "delivered",
    "acknowledged",
    "refused",
    "withdrawn",
    "unread",
    "lost",
    "duplicated",
    "retransmitted",
    "statuses",
    "seconds",
    "evidence",
    "witnesses",
]

#: What a member calls to send, and to take what waits for it.
CALLS = {"sendEdoc", "getReceivedEdocList", "getEdoc", "updateStatus"}
#: The system that speaks the axis's protocol to our endpoint.
SHARED = "qlvb-100"


def rows(layout: Layout, sql: str) -> list[tuple[Any, ...]]:
    """What the demo's ledger holds."""
    connect = choose_driver(allow_affected_sqlite=True).module.connect
    with closing(connect(f"file:{layout.database}?mode=ro", uri=True)) as ledger:
        found: list[tuple[Any, ...]] = ledger.execute(sql).fetchall()
        return found


def assert_axis_traffic_is_real(layout: Layout) -> None:
    """The axis's own journal against our ledger: what each says it gave the other, the other has."""
    journal = read_axis_journal(layout.axis / "memory" / "journal.jsonl")
    ours = [line for line in journal if not isinstance(line, Called) and line.system == GATEWAY]
    called = {line.operation for line in journal if isinstance(line, Called) and line.system == GATEWAY}
    assert called >= CALLS
    # of what the axis took and whose answer was lost, the ledger names the transmission that it got an answer for
    taken = {line.doc_id for line in ours if isinstance(line, Taken)}
    relayed = rows(
        layout,
        "SELECT DISTINCT d.peer_ref FROM delivery AS d JOIN endpoint AS e ON e.id = d.endpoint_id"
        " WHERE e.kind = 'vxp' AND d.state IN ('relayed', 'delivered', 'acknowledged')",
    )
    assert relayed
    assert {row[0] for row in relayed} <= taken
    messages = {row[0] for row in rows(layout, "SELECT sha256 FROM message")}
    assert {line.sha256 for line in ours if isinstance(line, Taken)} <= messages
    handed = {line.doc_id: line.sha256 for line in ours if isinstance(line, Handed)}
    assert handed
    assert set(handed.values()) <= messages
    assert {line.doc_id for line in ours if isinstance(line, Settled) and line.status == "done"} == set(handed)


def assert_endpoint_traffic_is_real(layout: Layout) -> None:
    """What the shared system notes as sent and received went through our endpoint, by the gateway's log."""
    answered: Counter[str] = Counter()
    for line in (layout.logs / "gateway.log").read_text().splitlines():
        if '"request.answered"' in line and '"vxp.' in line:
            told = json.loads(line)
            answered[told["route"]] += told["status"] == 200
    records = read_journal(layout.journals / f"{SHARED}.jsonl")
    sent = {record.message for record in records if isinstance(record, Sent) and record.message}
    received = {record.ref for record in records if isinstance(record, Received)}
    assert sent
    assert received
    assert "" not in received  # the id that the protocol has for it, which no other way gives
    assert {f"vxp.{name}" for name in CALLS} <= set(answered)
    assert answered["vxp.sendEdoc"] >= len(sent)
    assert min(answered["vxp.getEdoc"], answered["vxp.updateStatus"]) >= len(received)


def assert_proved_when_nobody_signs_any_more(folder: Path) -> None:
    """The export of before is an event that the last checkpoint is over, and its witnesses."""
    out = folder.parent / "later"
    export = ["gateway", "--config", str(folder / "config.toml"), "export", "--latest", "--status", "acknowledged"]
    for command in (
        [*export, "--out", str(out / "first.asice")],
        [*export, "--out", str(out / "second.asice")],
        ["gateway.verifying", str(out / "second.asice"), "--anchors", str(Layout(folder=folder).anchors), "--json"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def assert_served_as_readme_says(folder: Path) -> None:
    """What the demo left is taken up by the README's last block, as it stands, and Ctrl-C ends that well."""
    _, connect, *_, serve = shell_blocks("README.md")
    (start, _) = connect.split("\n", 1)
    script = told_with(f"{start}\n{serve}", {"build/demo": f"'{folder}'"})
    shell = subprocess.Popen(
        ["bash", "-ec", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C reaches all that the terminal runs
    )
    assert shell.stdout is not None
    told = ""
    while "server.ready" not in told and (line := shell.stdout.readline()):
        told += line
    assert "server.ready" in told, told
    os.killpg(shell.pid, signal.SIGINT)
    told += shell.communicate(timeout=120)[0]
    assert shell.returncode == 0, told[-4000:]
    assert "server.stopped" in told


@pytest.mark.slow
def test_demo_ends_with_every_delivery_as_scripted(tmp_path: Path) -> None:
    """Nothing is lost or doubled, whatever the receivers do and however often the gateway is killed."""
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "gateway", "demo", "--exit", "--faults", "--folder", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    result = json.loads(ended.stdout.splitlines()[-1])
    assert list(result) == KEYS
    assert (result["lost"], result["duplicated"]) == (0, 0)
    states = ("relayed", "delivered", "acknowledged", "refused", "withdrawn", "unread")
    assert sum(result[state] for state in states) == result["deliveries"]
    assert result["retransmitted"] > 0
    assert result["relayed"] > 0
    assert result["evidence"] == "PASSED"
    assert 2 <= result["witnesses"] <= 3
    assert_axis_traffic_is_real(Layout(folder=folder))
    assert_endpoint_traffic_is_real(Layout(folder=folder))
    assert_proved_when_nobody_signs_any_more(folder)
    assert_served_as_readme_says(folder)
    check = [sys.executable, "-m", "gateway", "--config", str(folder / "config.toml"), "fsck", "--json"]
    found = subprocess.run(check, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stdout[-4000:]
    told = json.loads(found.stdout)
    assert told["ok"] is True
    counted = ("documents", "deliveries", "statuses")
    assert {name: told[name] for name in counted} == {name: result[name] for name in counted}


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
async def test_newcomer_walks_the_demo_and_the_bundle_holds_by_its_anchors(tmp_path: Path) -> None:
    """Nothing is lost or doubled; pages as full as the demo's fit and are accessible; Ctrl-C ends it well."""
    wrong, places = list[str](), list[str]()

    async def look(name: str, page: Page) -> None:
        places.append(name)
        wrong.extend(f"{name}: {each}" for each in await serious(page))
        wrong.extend([f"{name} is too wide"] if await is_too_wide(page) else [])

    async with demo() as shown, chromium(is_whole=True) as browser:
        assert "lost: 0, duplicated: 0," in shown.told
        bundle = await shown.walk(browser, look).go(tmp_path)
        assert await shown.verify(bundle) == 0
        assert await shown.end() == 0
    assert wrong == []
    assert places == ["overview", "map", "channel", "document", "desk", "audit"]

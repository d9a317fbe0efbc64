"""The checks of a webhook's receiver, on the example that does it right and on one that does it wrong."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.model import Capabilities
from gateway.pki import DevPki
from gateway.seal.trust import TrustPurpose
from tests.adapters.receiver import Request, falls_silent, receiving, says
from tests.conformance.runs import (
    EXAMPLES,
    broken_receiver,
    conformance,
    conformance_until,
    grades,
    started,
    step,
    text_of,
)

RECEIVER = EXAMPLES / "python" / "receive_webhook.py"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("a secret of the test, long enough")
    return path


async def test_example_receiver_fails_nothing(tmp_path: Path, secret: Path, pki_folder: Path) -> None:
    """What we tell vendors to copy passes what we ask of vendors, over TLS; the last line counts the steps."""
    pki = DevPki(folder=pki_folder)
    arguments = ("--secret-file", secret, "--folder", tmp_path / "received", "--port", "0")
    own = ("--cert", pki.server.certificate, "--key", pki.server.key)
    options = ("--secret-file", secret, "--anchors", pki.anchors(TrustPurpose.TLS) / "root.pem", "--timeout", "30")
    async with started(sys.executable, RECEIVER, *arguments, *own) as (_, url):
        assert url[0].startswith("https://")
        code, count, told = await conformance(url[0], *options, "--report", tmp_path)
    assert (code, count["failed"]) == (0, 0), told
    found = grades(tmp_path / "report.json")
    assert {key for key, grade in found.items() if grade == "skipped"} == {"retry-after"}
    assert count == {"passed": len(found) - 1, "failed": 0, "skipped": 1}
    page = text_of(tmp_path / "report.html")
    assert page.startswith("<!doctype html><html lang=vi>")
    assert "src=" not in page
    assert "href=" not in page
    assert text_of(secret) not in page + told


async def test_broken_receiver_fails_the_right_steps(tmp_path: Path, secret: Path) -> None:
    """One that checks nothing, doubles and falls over bad files is told so, with the way to mend it."""
    with broken_receiver() as url:
        code, count, _ = await conformance(url, "--secret-file", secret, "--report", tmp_path, "--timeout", "10")
    report = tmp_path / "report.json"
    failed = {key for key, grade in grades(report).items() if grade == "failed"}
    assert failed == {
        "verification",
        "signature-wrong",
        "signature-missing",
        "body-changed",
        "digest-wrong",
        "timestamp-old",
        "again",
        "again-at-once",
        "per-delivery",
        "many-deliveries",
        "junk",
        "garbage",
    }
    assert (code, count["failed"]) == (1, len(failed))
    assert "401" in step(report, "signature-wrong")["mend"]["en"]
    assert "Idempotency-Key" in step(report, "again")["mend"]["vi"]
    assert "422" in step(report, "garbage")["mend"]["en"]
    assert "NullPointerException" in step(report, "garbage")["saw"]["vi"]
    # what came from the receiver is text in the page, never markup
    assert "<html>Null" not in text_of(tmp_path / "report.html")


async def test_receiver_that_is_not_there_fails_in_words(tmp_path: Path, secret: Path) -> None:
    """No traceback, no hanging: every step says that nobody answered."""
    code, count, told = await conformance(
        "http://127.0.0.1:9/", "--secret-file", secret, "--report", tmp_path, "--timeout", "3"
    )
    assert (code, count["passed"]) == (1, 0)
    assert "Traceback" not in told
    assert "ClientConnectorError" in step(tmp_path / "report.json", "push")["saw"]["en"]


async def test_interrupted_run_leaves_what_it_has(tmp_path: Path, secret: Path) -> None:
    """Ctrl-C while a receiver is silent: the report says what was not reached, and nothing of it has failed."""

    async def act(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        answer = falls_silent if request.headers["gateway-kind"] == "verification" else says("200 OK")
        return await answer(request, reader, writer)

    options = ("--secret-file", secret, "--report", tmp_path, "--timeout", "100")
    async with receiving(act, None) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/"
        code, count, _ = await conformance_until(["✓ .*· push"], url, *options)
    assert (code, count["passed"], count["failed"]) == (0, 1, 0)
    assert step(tmp_path / "report.json", "garbage")["saw"]["en"] == "Ended before its turn"


async def test_receiver_with_a_limit_is_told_a_setting_that_there_is(tmp_path: Path, secret: Path) -> None:
    """413 is no failure; what its operator is asked to have set is a capability of channels."""

    async def act(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        is_large = int(request.headers["content-length"]) > 1_000_000
        return await says("413 Content Too Large" if is_large else "200 OK")(request, reader, writer)

    options = ("--secret-file", secret, "--report", tmp_path, "--timeout", "30")
    async with receiving(act, None) as receiver:
        await conformance_until(["– .*· big"], f"http://127.0.0.1:{receiver.port}/", *options)
    big = step(tmp_path / "report.json", "big")
    named = re.search(r"--capability (\w+)=", big["saw"]["en"])
    assert big["grade"] == "skipped"
    assert named is not None
    assert named[1] in {field.name for field in fields(Capabilities)}
    assert named[0] in big["saw"]["vi"]

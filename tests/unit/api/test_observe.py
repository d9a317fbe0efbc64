"""Logs without secrets, a level that changes at runtime, metrics that the alert rules know."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.logs import LogControl, configure_logs, redact
from gateway.observe import Metrics

ALERTS = Path(__file__).parents[3] / "deploy" / "alerts.yml"
TOKEN = "gw_AbCdEf0123456789-_xyz"
CODE = "7K3M-0000-9XYZ-ABCD-EFGH-JKMN-PQRS"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvgIBADANBgkqh\nSECRETLINE\n-----END PRIVATE KEY-----\n"
HMAC = "v1=" + "ab" * 32
SECRETS = (TOKEN, CODE, "SECRETLINE", "ab" * 32, "hunter2", "dXNlcjpwYXNz")


@pytest.fixture
def logs() -> Iterator[tuple[io.StringIO, LogControl]]:
    stream = io.StringIO()
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield stream, configure_logs("info", "json", stream)
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def parsed(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_no_secret_reaches_a_line(logs: tuple[io.StringIO, LogControl]) -> None:
    """Wherever a secret hides, in texts, names, nested values, bytes, objects or tracebacks, it is gone."""
    log = structlog.get_logger("x")
    log.info("a", text=f"token {TOKEN} and code {CODE.lower()} or {CODE}", body=PEM.encode())
    log.info("b", headers={"Authorization": "Basic dXNlcjpwYXNz", "Gateway-Signature": HMAC})
    log.info("c", deep=[{"secret": "hunter2"}, ({"list": [TOKEN]},)], path=Path(f"/x/{TOKEN}"))
    log.info("d", header="Authorization: Bearer dXNlcjpwYXNz", password="hunter2", truncated=PEM[:60])
    log.warning(TOKEN, lines="password=hunter2")
    try:
        int(f"bad key {PEM} {TOKEN}")
    except ValueError:
        log.exception("f")
        logging.getLogger("library").exception("g %s", TOKEN)
    text = logs[0].getvalue().lower()
    assert len(parsed(logs[0])) == 7
    for secret in SECRETS:
        assert secret.lower() not in text


def test_ordinary_values_stay_as_they_are() -> None:
    """Ids, digests and Vietnamese text are no secrets."""
    plain = {"sha256": "ab" * 32, "id": "0190a000-0000-7000-8000-000000000000", "name": "Kiên Giang", "count": 3}
    assert redact(plain) == plain


def test_lines_carry_the_trace_and_level(logs: tuple[io.StringIO, LogControl]) -> None:
    """What is bound once stands on every line of the task."""
    with structlog.contextvars.bound_contextvars(trace_id="t1"):
        structlog.get_logger("x").info("thing.done", n=1)
    line = parsed(logs[0])[0]
    assert (line["event"], line["trace_id"], line["level"], line["n"]) == ("thing.done", "t1", "info", 1)
    assert line["at"].endswith("Z")


def test_level_changes_while_running(logs: tuple[io.StringIO, LogControl]) -> None:
    """SIGHUP can turn debug on and off again, also for loggers made before."""
    log = structlog.get_logger("x")
    log.debug("one")
    logs[1].set_level("debug")
    log.debug("two")
    logs[1].set_level("error")
    log.warning("three")
    log.critical("four")
    assert [line["event"] for line in parsed(logs[0])] == ["two", "four"]


def test_console_style_is_for_people(logs: tuple[io.StringIO, LogControl]) -> None:
    """The other renderer works on the same values."""
    stream = io.StringIO()
    configure_logs("info", "console", stream)
    structlog.get_logger("x").info("thing.done", token=TOKEN)
    assert "thing.done" in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_alert_rules_use_metrics_that_exist() -> None:
    """A rule on a metric that nobody makes would never fire."""
    made = set(re.findall(r"^# TYPE (\w+)", Metrics().render().decode(), re.MULTILINE))
    used = set(re.findall(r"\b(gateway_\w+)", ALERTS.read_text("utf-8")))
    assert used
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in used} <= made


def test_alert_rules_are_complete() -> None:
    """Each names what is wrong and what to do."""
    import yaml  # type: ignore[import-untyped]  # comes with schemathesis, without types

    rules = [rule for group in yaml.safe_load(ALERTS.read_text("utf-8"))["groups"] for rule in group["rules"]]
    names = [rule["alert"] for rule in rules]
    assert len(names) == len(set(names))
    for rule in rules:
        assert rule["expr"]
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert rule["annotations"].keys() == {"summary", "action"}

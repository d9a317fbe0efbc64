"""Fsck parses every body again, in the limited processes, and compares what it says with the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.audit.fsck import FsckReport, examine
from gateway.config import settings as config
from gateway.config.settings import Settings
from gateway.config.values import Size
from gateway.foundation import database_of
from tests.journeys.tampering import sql

FIRST = "(SELECT id FROM message WHERE kind = 'document' ORDER BY id LIMIT 1)"
STATUS = "(SELECT id FROM message WHERE kind = 'status' ORDER BY id LIMIT 1)"


def examined(settings: Settings, *, quick: bool = False) -> FsckReport:
    """What fsck finds."""
    return asyncio.run(examine(settings, database_of(settings), quick=quick))


def test_sound_contents_have_no_findings(folder: Path) -> None:
    """Documents, statuses and what the gateway wrote itself say what the ledger kept of them."""
    report = examined(config.load(folder / "config.toml"))
    assert report.findings == []
    assert report.counts.contents == report.counts.messages == 10


@pytest.mark.parametrize(
    ("path", "value", "message", "told"),
    [
        ("$.recipients[0].organ_id", "'000.00.00.H99'", FIRST, "recipients"),
        ("$.attachments[0].size", "1", FIRST, "attachments"),
        ("$.doc_type_name", "'Quyết định'", FIRST, "document type"),
        ("$.status_code", "'06'", STATUS, "status"),
        ("$.responses_for[0].organ_id", "'000.00.00.H99'", STATUS, "answered documents"),
        ("$.sender.organ_id", "'000.00.00.H99'", FIRST, "sender"),
    ],
)
def test_envelope_that_says_something_else_is_found(
    folder: Path, path: str, value: str, message: str, told: str
) -> None:
    """What was sealed are the bytes: an envelope edited with or without its columns no longer fits them."""
    sql(f"UPDATE message SET envelope = json_set(envelope, '{path}', {value}) WHERE id = {message}")(
        folder / "data"
    )
    settings = config.load(folder / "config.toml")
    report = examined(settings)
    assert not report.ok
    differing = [finding for finding in report.findings if finding.code == "content_differs"]
    assert [finding.detail for finding in differing] == [told]
    assert "content_differs" not in {finding.code for finding in examined(settings, quick=True).findings}


def test_body_that_no_parser_can_read_is_a_warning(folder: Path) -> None:
    """Too little time for the parsers proves nothing against the ledger."""
    settings = config.load(folder / "config.toml")
    hurried = replace(settings.parser, timeout=timedelta(seconds=-1))  # over before it begins, however fast it is
    starved = replace(settings, parser=hurried)
    report = examined(starved)
    assert {finding.code for finding in report.findings} == {"content_unread"}
    assert report.ok


def test_limits_lowered_since_are_no_finding(folder: Path) -> None:
    """What was accepted under wider limits than today's stays sound."""
    settings = config.load(folder / "config.toml")
    narrow = replace(settings.limits, max_attachment=Size(10), max_attachments_total=Size(10), max_recipients=1)
    assert examined(replace(settings, limits=narrow)).findings == []

"""The document to send by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gateway.clock import VIETNAM
from gateway.edxml.limits import ParseLimits
from gateway.simulate.cast import Means
from gateway.simulate.province import make_cast
from gateway.simulate.sample import sample_document
from gateway.validate import inspect

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)


def test_sample_goes_to_one_commune_of_each_kind_without_a_finding(tmp_path: Path) -> None:
    """Whoever tries the demo sends something that the gateway has nothing to say about."""
    cast = make_cast()
    path = tmp_path / "document.edxml"
    path.write_bytes(sample_document(cast, NOW))
    report = inspect(str(path), ParseLimits(), "full", NOW)
    assert not report.refusal
    assert not report.findings
    assert report.envelope is not None
    means = [cast.by_code[party.organ_id].means for party in report.envelope.recipients]
    assert means == [Means.SHARED, Means.PULL, Means.PUSH, Means.BROWSER]
    assert report.envelope.promulgation_date == NOW.astimezone(VIETNAM).date()

"""When two documents are one for a register, however somebody writes their issuer."""

from __future__ import annotations

import pytest

from gateway.desk.twins import twin_key


def key(issuer: str, number: str = "12") -> str:
    """Of a document of one day."""
    return twin_key(issuer=issuer, number=number, notation="QĐ-UBND", issued_on="2026-11-20", itself="x")


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("UBND tỉnh Kiên Giang", "Ủy ban nhân dân tỉnh Kiên Giang"),
        ("VP HĐND tỉnh", "VP Hội đồng nhân dân tỉnh"),
        ("ubnd xã  Một", "ỦY BAN NHÂN DÂN XÃ MỘT"),
    ],
)
def test_issuer_is_the_same_abbreviated_or_written_out(short: str, whole: str) -> None:
    """What comes on paper and by the gateway gets one number."""
    assert key(short) == key(whole)
    assert key(short) != key(whole + " A")

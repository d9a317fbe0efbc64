"""Vectors of what makes evidence last: records, stamps in seals, revocation answers; and attacks on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from gateway.bundle.build import Material
from tests.bundle.making import AT, STAMPED_AT, Story, made, record_of, story, told, with_

TEN_YEARS: Final = AT.replace(year=AT.year + 10)


def long_term() -> Iterator[dict[str, Any]]:
    """The fields of each case."""
    yield from _records()


def _records() -> Iterator[dict[str, Any]]:
    a = with_(story(), stamps=(), recorded_at=STAMPED_AT)
    yield _case(
        "evidence-record", "the record alone proves the time, without the log's stamp", a, require_time=True
    )
    yield _case(
        "evidence-record-ten-years-ahead",
        "the acceptance is proved by the record; nothing proves when the export was sealed",
        a,
        at=TEN_YEARS,
    )
    other = record_of(told(50, b"<other/>"), STAMPED_AT)
    yield _case("record-over-other-receipts", "it is over another receipt and document", a, record=other)
    wrong = record_of(a.document, STAMPED_AT, imprint=b"\1" * 32)
    yield _case("record-stamp-over-another-digest", "its stamp is not over its tree's root", a, record=wrong)
    yield _case("record-unreadable", "it is no ASN.1 of RFC 4998", a, record=b"\x30\x03\x02\x01\x02")


def _case(name: str, why: str, a: Story, *, record: bytes = b"", **more: Any) -> dict[str, Any]:
    def change(material: Material) -> Material:
        return replace(material, record=record or material.record)

    return {"name": name, "why": why, "bundle": made(a, change=change), **more}

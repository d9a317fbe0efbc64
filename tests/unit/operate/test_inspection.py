"""The connection inspector's memory: what it keeps, what it never shows, and that strangers cannot fill it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec

from gateway.inspection import KEPT, KEPT_CLAIMS, Exchange, Inspection, compared
from gateway.model import AgencyId

AT = datetime(2018, 11, 1, 8, tzinfo=UTC)
ONE, OTHER = AgencyId("one"), AgencyId("other")


def exchange(number: int, **more: object) -> Exchange:
    facts = {"binding": "rest", "method": "GET", "operation": f"o{number}", "path": "/x", "status": 200} | more
    return msgspec.convert({"at": AT + timedelta(seconds=number)} | facts, Exchange)


def test_only_the_last_requests_are_kept_newest_first() -> None:
    """A agency that asks for ever costs no more memory than a hundred requests."""
    inspection = Inspection()
    for number in range(KEPT + 30):
        inspection.note(ONE, exchange(number))
    found = inspection.last(ONE)
    assert [each.operation for each in found[:2]] == [f"o{KEPT + 29}", f"o{KEPT + 28}"]
    assert len(found) == KEPT


def test_claims_push_out_neither_own_requests_nor_other_agencies() -> None:
    """Whoever knows names of systems, however many, can fill only the places meant for that."""
    inspection = Inspection(agencies=2)
    inspection.note(ONE, exchange(1))
    inspection.note(OTHER, exchange(1))
    for number in range(2, 500):
        inspection.note_claim(AgencyId(f"named {number}"), exchange(number))
        inspection.note_claim(ONE, exchange(number))
    found = inspection.last(ONE)
    assert [each.operation for each in found if each.authenticated] == ["o1"]
    assert sum(not each.authenticated for each in found) == KEPT_CLAIMS
    assert [each.operation for each in inspection.last(OTHER)] == ["o1"]


def test_claim_is_kept_where_all_places_of_agencies_are_taken() -> None:
    """A vendor whose first secret is wrong sees why, on a gateway that knows thousands."""
    inspection = Inspection(agencies=2)
    for name in ("a", "b"):
        inspection.note(AgencyId(name), exchange(1))
        inspection.note_claim(AgencyId(name), exchange(1))
    inspection.note_claim(ONE, exchange(2))
    assert [each.operation for each in inspection.last(ONE)] == ["o2"]


def test_agencies_that_asked_least_recently_are_forgotten() -> None:
    """The number of agencies is bounded, too."""
    inspection = Inspection(agencies=2)
    for name in (ONE, OTHER, ONE, AgencyId("third")):
        inspection.note(name, exchange(1))
    assert (len(inspection.last(ONE)), len(inspection.last(OTHER))) == (2, 0)


def test_comparison_names_the_first_difference_and_only_begins_a_hash() -> None:
    """What would be valid elsewhere is never shown whole."""
    mac = sha256(b"whatever").hexdigest()
    found = compared("hmac", '{"from":"A"}', '{"from":"B"}', mac)
    assert found.first_difference == 9
    assert found.their_hash == mac[:8]
    assert mac not in msgspec.json.encode(found).decode()
    assert compared("hmac", "same", "same").first_difference == -1
    assert compared("hmac", "longer text", "longer").first_difference == len("longer")


def test_long_texts_are_cut_around_the_difference() -> None:
    """A header of megabytes costs no megabytes, and the difference stays to be seen."""
    ours = "a" * 500_000 + "OURS" + "a" * 500_000
    found = compared("header", ours, ours.replace("OURS", "THEM"))
    assert len(found.ours) < 3000
    assert "OURS" in found.ours
    assert "THEM" in found.theirs
    inspection = Inspection()
    inspection.note(ONE, exchange(1, detail="d" * 100_000, path="/" * 100_000))
    assert len(msgspec.json.encode(inspection.last(ONE))) < 2000


def test_text_that_is_no_unicode_can_be_shown_all_the_same() -> None:
    """Headers hold any bytes; one stranger's must not keep a system from seeing its requests."""
    inspection = Inspection()
    text = b"t\xff".decode("utf-8", "surrogateescape")
    inspection.note_claim(ONE, exchange(1, comparisons=(compared("hmac", text, text + "x"),)))
    assert b"t?x" in msgspec.json.encode(inspection.last(ONE))

"""The table of business statuses, in full."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gateway.ledger.judgement import Judgement, judge

CODES = ("01", "02", "03", "04", "05", "06")
#: Which codes move on from which; all else is kept, and flagged unless it repeats or is a late 01.
FORWARD = {
    "": set(CODES),
    "01": {"02", "03", "04", "05", "06"},
    "02": set(),
    "03": {"04", "05", "06"},
    "04": {"05", "06"},
    "05": {"06"},
    "06": set(),
    "15": set(),
    "16": set(),
}


@pytest.mark.parametrize(("current", "code"), list(itertools.product(FORWARD, CODES)))
@pytest.mark.parametrize("has_request", [False, True])
def test_processing_codes_only_move_forward(current: str, code: str, has_request: bool) -> None:  # noqa: FBT001
    """01 to 06 go forward with jumps, 02 ends, and none of them answers a request."""
    verdict = judge(current=current, code=code, has_request=has_request)
    late_receipt = code == "01" and current not in {"15", "16"}
    moves = code in FORWARD[current]
    flag = "" if moves or code == current or late_receipt else "status_backwards"
    assert verdict == Judgement(moves=moves, flag=flag)


@pytest.mark.parametrize(("current", "code"), list(itertools.product(FORWARD, ("15", "16"))))
def test_answers_need_an_open_request(current: str, code: str) -> None:
    """15 and 16 answer a request from wherever the line stands, and mean nothing without one."""
    assert judge(current=current, code=code, has_request=True) == Judgement(moves=True, answers=True)
    flagged = Judgement(moves=False, flag="status_without_request")
    assert judge(current=current, code=code, has_request=False) == flagged


@pytest.mark.parametrize(("current", "code"), list(itertools.product(("15", "16"), CODES)))
def test_document_is_handled_after_its_request_was_answered(current: str, code: str) -> None:
    """Who answers before anything else was done goes on with 02 to 06; a late 01 says nothing new."""
    moves = code != "01"
    flag = "" if moves else "status_backwards"
    assert judge(current=current, code=code, has_request=False, untouched=True) == Judgement(moves=moves, flag=flag)


@pytest.mark.parametrize(("current", "code"), list(itertools.product(FORWARD, (*CODES, "15", "16"))))
@pytest.mark.parametrize("has_request", [False, True])
def test_report_after_withdrawal_is_judged_alike_and_always_flagged(
    current: str,
    code: str,
    has_request: bool,  # noqa: FBT001
) -> None:
    """What a receiver says of a delivery that never left is believed no less, and shown to a person."""
    usual = judge(current=current, code=code, has_request=has_request)
    late = judge(current=current, code=code, has_request=has_request, withdrawn=True)
    assert late == replace(usual, flag="status_after_withdrawal")

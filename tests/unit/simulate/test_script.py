"""The script covers the issue's five points, and follows from the cast alone."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.simulate.acts import BringBack, End, Got, Issued, Send, TakeBack, Told, Withdraw
from gateway.simulate.cast import Cast, Means
from gateway.simulate.plot import write_script
from gateway.simulate.script import Script
from gateway.states import State
from tests.unit.simulate.small_cast import make_cast


@pytest.fixture(name="cast")
def _cast() -> Cast:
    return make_cast()


@pytest.fixture(name="script")
def _script(cast: Cast) -> Script:
    return write_script(cast)


def test_communes_are_connected_as_in_the_province(cast: Cast) -> None:
    """100 share a system, 15 pull, 15 are pushed, 15 have a browser only."""
    assert Counter(office.means for office in cast.communes) == {
        Means.SHARED: 100,
        Means.PULL: 15,
        Means.PUSH: 15,
        Means.BROWSER: 15,
    }


def test_circular_goes_to_all_communes_in_one_submission(script: Script, cast: Cast) -> None:
    """Point 1: 145 deliveries of one document; the browser-only ones stay unread."""
    circular = script.send_of("circular")
    assert set(circular.recipients) == {office.code for office in cast.communes}
    unread = [code for code in circular.recipients if script.ends["circular", code].state is State.QUEUED]
    assert set(unread) == cast.unopened


def test_decision_goes_to_districts_and_axis_together(script: Script, cast: Cast) -> None:
    """Point 1: one document whose recipients are ours and others'."""
    recipients = set(script.send_of("decision").recipients)
    assert recipients >= {office.code for office in cast.districts} | {cast.government.code}


def test_every_answer_of_the_issue_is_given(script: Script) -> None:
    """Points 4 and 5: all codes occur, the refusal with a reason."""
    assert {code for _, _, code in script.statuses} == {"01", "02", "03", "04", "05", "06", "13", "15", "16"}
    refusals = [each for answers in script.answers.values() for each in answers if each.code == "02"]
    assert [bool(each.description) for each in refusals] == [True]


def test_every_kind_of_change_is_played(script: Script) -> None:
    """Point 5: recall, update, replacement, take-back, withdrawal; and the axis brings one of ours back."""
    assert Counter(send.business_type for send in script.sends if send.business_type != "0") == {
        "1": 1,
        "2": 1,
        "3": 1,
    }
    kinds = Counter(type(act) for act in script.acts)
    assert (kinds[TakeBack], kinds[Withdraw], kinds[BringBack]) == (1, 1, 1)
    assert {end.state for end in script.ends.values()} == {
        State.ACKNOWLEDGED,
        State.DELIVERED,
        State.RELAYED,
        State.WITHDRAWN,
        State.QUEUED,
    }


def test_recall_shares_its_originals_id_and_is_answered_with_15(script: Script) -> None:
    """The same DocumentId stands for both, as peers send it."""
    recall, original = script.send_of("recall"), script.send_of("invitation")
    assert recall.document_id == original.document_id
    for code in original.recipients:
        assert script.ends["invitation", code] == End(state=State.ACKNOWLEDGED, business_status="15")


def test_taken_back_document_ends_with_16(script: Script) -> None:
    """The receiver refuses to give it back."""
    (keeper,) = script.send_of("mistake").recipients
    assert script.ends["mistake", keeper].business_status == "16"


def test_document_from_the_axis_has_no_delivery_for_the_axis(script: Script, cast: Cast) -> None:
    """What the axis brings is routed only to offices of ours."""
    outside = {office.code for office in cast.outside}
    assert set(script.send_of("order").recipients) & outside
    assert not {code for key, code in script.ends if key == "order"} & outside


def test_no_two_documents_share_id_and_business_type(script: Script) -> None:
    """Receivers know an act by these two."""
    keys = [(send.document_id, send.business_type) for send in script.sends]
    assert len(keys) == len(set(keys))


def test_office_waits_only_for_what_it_can_see(script: Script) -> None:
    """No act depends on a fact of another system."""
    for act in script.acts:
        for fact in script.conditions(act):
            if isinstance(fact, Got):
                assert fact.recipient == act.sender or isinstance(act, BringBack)
            elif isinstance(fact, Told):
                assert script.send_of(fact.key).sender == act.sender
            else:
                assert isinstance(fact, Issued)


def test_every_act_can_come_to_pass(script: Script) -> None:
    """Playing answers as soon as documents arrive, the script ends: no act waits for itself."""
    known: set[object] = set()
    waiting = list(script.acts)
    while waiting:
        ready = [act for act in waiting if script.conditions(act) <= known]
        assert ready, [act.key for act in waiting]
        for act in ready:
            known.add(Issued(act.key))
            if isinstance(act, Send):
                known |= {Got(act.key, code) for code in act.recipients}
            for (key, reporter), answers in script.answers.items():
                if key == act.key:
                    known |= {Told(key, reporter, each.code) for each in answers}
        waiting = [act for act in waiting if act not in ready]


def test_every_process_computes_the_same_script(cast: Cast, script: Script) -> None:
    """The simulators share no state, so the script must be a function of the cast."""
    again = write_script(cast)
    assert (again.acts, again.answers, again.ends) == (script.acts, script.answers, script.ends)


def test_answer_of_a_recall_is_told_apart_from_the_originals(script: Script) -> None:
    """Both have one id; the older act comes first."""
    invitation = script.send_of("invitation")
    code = invitation.recipients[0]
    assert script.keys_about(invitation.document_id, code, "01") == ("invitation", "recall")
    assert script.keys_about(invitation.document_id, code, "15") == ("recall",)


def test_same_code_about_one_document_id_never_has_the_same_words(script: Script) -> None:
    """Two statuses that differ in nothing would be one and the same message, and one would be missed."""
    words = Counter(
        (script.document_id(key), reporter, answer)
        for (key, reporter), answers in script.answers.items()
        for answer in answers
    )
    assert set(words.values()) == {1}

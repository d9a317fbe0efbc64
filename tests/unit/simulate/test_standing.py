"""How far the play is: every difference between ledger and script is told."""

from __future__ import annotations

import dataclasses

import pytest

from gateway.simulate.plot import write_script
from gateway.simulate.reckoning import LedgerDelivery, LedgerMessage, LedgerView
from gateway.simulate.script import Script
from gateway.simulate.standing import stand
from gateway.states import State
from tests.unit.simulate.small_cast import make_cast

OWN = "gateway.test"


@pytest.fixture(name="script", scope="module")
def _script() -> Script:
    return write_script(make_cast())


def as_scripted(script: Script) -> LedgerView:
    """The ledger of a play that went as written."""
    messages: dict[str, LedgerMessage] = {}
    deliveries: dict[str, LedgerDelivery] = {}
    for send in script.sends:
        messages[send.key] = LedgerMessage(
            id=send.key,
            kind="document",
            sender_code=send.sender,
            document_ref=send.document_id,
            business_type=send.business_type,
            sha256="",
        )
    for (key, code), end in script.ends.items():
        deliveries[f"{key}/{code}"] = LedgerDelivery(
            id=f"{key}/{code}",
            message_id=key,
            recipient_code=code,
            dispatch_id="",
            state=end.state,
            business_status=end.business_status,
        )
    for key, reporter, code in script.statuses:
        name = f"{key}/{reporter}/{code}"
        messages[name] = LedgerMessage(
            id=name,
            kind="status",
            sender_code=reporter,
            document_ref=script.document_id(key),
            business_type=code,
            sha256="",
        )
        deliveries[name] = LedgerDelivery(
            id=name, message_id=name, recipient_code="x", dispatch_id="", state="delivered", business_status=""
        )
    return LedgerView(messages=messages, deliveries=deliveries, attempts={})


def changed(view: LedgerView, name: str, **facts: str) -> LedgerView:
    """The same ledger with one delivery in another state."""
    row = dataclasses.replace(view.deliveries[name], **facts)
    return dataclasses.replace(view, deliveries={**view.deliveries, name: row})


def without_message(view: LedgerView, name: str) -> LedgerView:
    """The same ledger without one status."""
    return dataclasses.replace(
        view,
        messages={key: row for key, row in view.messages.items() if key != name},
        deliveries={key: row for key, row in view.deliveries.items() if row.message_id != name},
    )


def test_ledger_as_written_lacks_nothing(script: Script) -> None:
    """The end of the demo: every delivery and every status is where the script says."""
    standing = stand(as_scripted(script), script, OWN)
    assert standing.missing == ()
    assert standing.reached == standing.wanted == len(script.ends) + len(script.statuses)
    assert sum(standing.states.values()) == len(script.ends)
    assert standing.unread == sum(end.state is State.QUEUED for end in script.ends.values())


def test_empty_ledger_lacks_everything(script: Script) -> None:
    """The beginning of the demo."""
    standing = stand(LedgerView(messages={}, deliveries={}, attempts={}), script, OWN)
    assert (standing.reached, standing.documents, standing.statuses) == (0, 0, 0)


@pytest.mark.parametrize("facts", [{"state": "delivered"}, {"business_status": "01"}, {"state": "dead"}])
def test_delivery_in_another_state_is_told(script: Script, facts: dict[str, str]) -> None:
    """State and business status both count."""
    name = next(f"{key}/{code}" for (key, code), end in script.ends.items() if end.business_status == "06")
    (told,) = stand(changed(as_scripted(script), name, **facts), script, OWN).missing
    assert name.replace("/", " for ", 1) in told


def test_status_that_did_not_come_is_told(script: Script) -> None:
    """Each report is awaited by document, reporter and code."""
    name = "circular/{}/01".format(script.send_of("circular").recipients[0])
    (told,) = stand(without_message(as_scripted(script), name), script, OWN).missing
    assert told.startswith("status 01")


def test_status_that_came_twice_is_told(script: Script) -> None:
    """A double answer is as wrong as a missing one."""
    view = as_scripted(script)
    name = "circular/{}/01".format(script.send_of("circular").recipients[0])
    twice = {**view.messages, "again": dataclasses.replace(view.messages[name], id="again")}
    (told,) = stand(dataclasses.replace(view, messages=twice), script, OWN).missing
    assert told.endswith("one too many")


def test_status_still_on_its_way_is_told(script: Script) -> None:
    """The senders must have got their statuses."""
    name = "circular/{}/01".format(script.send_of("circular").recipients[0])
    (told,) = stand(changed(as_scripted(script), name, state="queued"), script, OWN).missing
    assert told.endswith("queued")


def test_delivery_that_the_script_does_not_know_is_told(script: Script) -> None:
    """A document that the axis brought back and that was delivered again would show here."""
    view = as_scripted(script)
    extra = LedgerDelivery(
        id="extra",
        message_id="decision",
        recipient_code="000.99.99.H33",
        dispatch_id="",
        state="queued",
        business_status="",
    )
    (told,) = stand(dataclasses.replace(view, deliveries={**view.deliveries, "extra": extra}), script, OWN).missing
    assert told == "decision for 000.99.99.H33: not in the script"

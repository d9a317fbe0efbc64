"""Routing: one delivery per agency, one dispatch per way, and a reason for everybody who gets none."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.errors import RefusedError
from gateway.model import Agency, AgencyId, Capabilities, Endpoint, EndpointId, OrganId
from gateway.reasons import REASONS
from gateway.route import DispatchKey, Routed, RoutePlan, route

NOW = datetime(2025, 8, 1, tzinfo=UTC)

AXIS = Endpoint(
    id=EndpointId("axis"), name="vxp", kind="webhook", is_relay=True, capabilities=Capabilities(fans_out=True)
)
SYSTEM = Endpoint(id=EndpointId("system"), name="qlvb", kind="webhook", capabilities=Capabilities(fans_out=True))
SINGLE = Endpoint(id=EndpointId("single"), name="single", kind="webhook")
BROWSER = Endpoint(id=EndpointId("browser"), name="browser", kind="inbox")


def agency(name: str, endpoint: Endpoint | None = SINGLE, **fields: Any) -> Agency:
    """An agency whose id is its name."""
    code = OrganId(name.upper())
    return Agency(
        id=AgencyId(name), organ_id=code, codes=(code,), name=name, kind="commune", endpoint=endpoint, **fields
    )


def plan(*recipients: Agency | str | tuple[str, Agency], **given: Any) -> RoutePlan:
    """The plan for a small document of a production agency."""
    named: list[tuple[str, Agency | None]] = []
    for one in recipients:
        if isinstance(one, str):
            named.append((one, None))
        else:
            named.append(one if isinstance(one, tuple) else (str(one.organ_id), one))
    message = Routed(
        kind=given.pop("kind", "document"),
        size=given.pop("size", 1000),
        business_type=given.pop("business_type", "0"),
        sandbox=given.pop("test", False),
    )
    settings: dict[str, Any] = {
        "sender": agency("sender"),
        "successors": {},
        "arrived_by": None,
        "arrived_from_relay": False,
        "now": NOW,
    } | given
    return route(message=message, recipients=named, **settings)


def reasons(routed: RoutePlan) -> list[str]:
    """The codes of the refused."""
    return [refused.reason for refused in routed.refused]


def test_endpoint_that_fans_out_gets_one_dispatch_for_all_its_agencies() -> None:
    """A hundred communes behind one system are one transmission."""
    communes = [agency(f"c{number}", SYSTEM) for number in range(100)]
    routed = plan(*communes)
    assert len(routed.deliveries) == 100
    assert [dispatch.key for dispatch in routed.dispatches] == [DispatchKey(SYSTEM.id, None)]
    assert routed.dispatches[0].recipient is None
    assert routed.dispatches[0].deliveries == routed.deliveries


def test_endpoint_that_does_not_fan_out_gets_one_dispatch_per_recipient() -> None:
    """Each recipient is its own transmission, so one refusal never touches another."""
    routed = plan(agency("a"), agency("b"), agency("c", BROWSER))
    assert [dispatch.key for dispatch in routed.dispatches] == [
        (SINGLE.id, "a"),
        (SINGLE.id, "b"),
        (BROWSER.id, "c"),
    ]
    assert [dispatch.state for dispatch in routed.dispatches] == ["ready", "ready", "inbox"]
    assert [dispatch.recipient.id for dispatch in routed.dispatches if dispatch.recipient] == ["a", "b", "c"]


def test_relay_brings_only_for_agencies_we_host() -> None:
    """The others of its list, known or not, are the relay's business and no error."""
    routed = plan(
        agency("ours"),
        agency("theirs", AXIS),
        agency("nowhere", None),
        "H99",
        arrived_by=AXIS.id,
        arrived_from_relay=True,
    )
    assert [delivery.recipient.id for delivery in routed.deliveries] == ["ours"]
    assert [skipped.why for skipped in routed.skipped] == ["not_hosted"] * 3
    assert routed.refused == ()
    assert routed.refusal is None


def test_nothing_left_of_a_relays_list_is_nothing_to_deliver() -> None:
    """A message for nobody here is refused, with a reason."""
    routed = plan(agency("theirs", AXIS), arrived_by=AXIS.id, arrived_from_relay=True)
    assert routed.deliveries == ()
    assert routed.refusal is not None
    assert routed.refusal.code == "nothing_to_deliver"


def test_message_does_not_return_to_the_endpoint_it_came_from() -> None:
    """What a channel brought never goes back into it, also without a relay."""
    routed = plan(agency("a", SYSTEM), agency("b"), arrived_by=SYSTEM.id)
    assert [delivery.recipient.id for delivery in routed.deliveries] == ["b"]
    assert [skipped.why for skipped in routed.skipped] == ["came_from_there"]


def test_agency_under_several_codes_gets_one_delivery_under_the_first_form() -> None:
    """The first form is kept for the answers; the others earn a finding."""
    one = agency("h33")
    routed = plan(("000.00.00.H33", one), ("H33", one), ("h33", one))
    assert [delivery.recipient_code for delivery in routed.deliveries] == ["000.00.00.H33"]
    assert [finding.rule for finding in routed.findings] == ["ROUTE-TO-01"] * 2
    assert "000.00.00.H33" in routed.findings[0].vi


def test_document_to_oneself_is_an_ordinary_delivery() -> None:
    """The standard does not forbid it, and offices do it."""
    me = agency("sender")
    assert len(plan(me, sender=me).deliveries) == 1


@pytest.mark.parametrize(
    ("recipient", "given", "expected"),
    [
        ("H99", {}, "recipient_unknown"),
        (agency("a", None), {}, "recipient_unreachable"),
        (agency("a", closed_at=NOW), {}, "recipient_closed"),
        (agency("a", sandbox=True), {}, "sandbox_crossing"),
        (agency("a"), {"sender": agency("s", sandbox=True)}, "sandbox_crossing"),
        (agency("a"), {"test": True}, "sandbox_crossing"),
        (agency("a"), {"size": 300_000_001}, "too_large_for_peer"),
    ],
)
def test_recipient_that_cannot_be_served_is_refused_with_its_reason(
    recipient: Agency | str, given: dict[str, Any], expected: str
) -> None:
    """Every refusal has a code of the closed list and a sentence that names the code as written."""
    routed = plan(recipient, agency("fine"), **given)
    assert reasons(routed)[0] == expected
    assert routed.refused[0].detail.startswith(routed.refused[0].recipient_code)
    assert routed.refusal is not None
    assert routed.refusal.code == expected
    assert expected in REASONS


def test_closed_recipient_names_its_successor() -> None:
    """The sender learns whom to write to instead."""
    heir = agency("heir")
    gone = agency("gone", closed_at=NOW - timedelta(days=1), successor_id=heir.id)
    routed = plan(gone, successors={heir.id: heir})
    assert routed.refused[0].detail == "GONE: closed on 2025-07-31; its successor is HEIR"
    assert "successor" not in plan(gone).refused[0].detail


def test_recipient_that_closes_tomorrow_still_gets_documents() -> None:
    """Closing counts from its instant on."""
    assert len(plan(agency("a", closed_at=NOW + timedelta(days=1))).deliveries) == 1


def test_refusal_names_every_refused_recipient() -> None:
    """One answer tells all that has to be mended: the sentence shows some, the findings all."""
    routed = plan(*(f"X{number}" for number in range(30)), agency("a"))
    refusal = routed.refusal
    assert refusal is not None
    assert "X19" in refusal.detail
    assert "and 10 more" in refusal.detail
    assert len(refusal.findings) == 30


def test_test_traffic_between_test_agencies_is_delivered() -> None:
    """The sandbox works inside itself."""
    sender, recipient = agency("s", sandbox=True), agency("r", sandbox=True)
    assert len(plan(recipient, sender=sender).deliveries) == 1


def test_type_that_the_peer_may_not_understand_earns_a_finding_only() -> None:
    """Most peers show the type as a label, so the document goes."""
    old = dataclasses.replace(SINGLE, capabilities=Capabilities(document_types=("0",)))
    routed = plan(agency("a", old), business_type="3")
    assert len(routed.deliveries) == 1
    assert [finding.rule for finding in routed.findings] == ["ROUTE-TO-02"]


def test_peer_that_takes_no_statuses_is_skipped() -> None:
    """A status for it is nobody's error."""
    silent = dataclasses.replace(SINGLE, capabilities=Capabilities(statuses=False))
    routed = plan(agency("a", silent), kind="status")
    assert [skipped.why for skipped in routed.skipped] == ["takes_no_statuses"]
    assert routed.refusal is not None
    assert routed.refusal.code == "nothing_to_deliver"


def test_no_recipients_at_all_are_refused() -> None:
    """A message is for somebody."""
    with pytest.raises(RefusedError, match="recipients_missing"):
        plan()

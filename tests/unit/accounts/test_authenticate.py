"""Who a caller is, from where, until when, and for whom it may speak."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.authenticate import permit
from gateway.directory.changes import (
    AddRepresentation,
    AddRepresentationOperation,
    CloseAgency,
    CloseAgencyOperation,
)
from gateway.enrolment import hash_token
from gateway.errors import RefusedError
from gateway.model import AgencyId
from gateway.route import is_hosted
from tests.unit.accounts.conftest import Desk
from tests.unit.accounts.test_accounts import refused
from tests.unit.directory.store import ACTOR, NOW

DAY = timedelta(days=1)


async def _token(desk: Desk, code: str = "H33.01", networks: tuple[str, ...] = ()) -> str:
    agency = await desk.agency(code)
    token, _ = await desk.accounts.issue_token(
        agency.id, label="", lifetime=30 * DAY, networks=networks, actor=ACTOR, now=NOW
    )
    return token


async def test_nothing_given_and_nothing_known_are_told_apart(desk: Desk) -> None:
    """No credential is missing; one that nobody recorded is invalid."""
    assert await refused(desk.enter()) == "credential_missing"
    assert await refused(desk.enter(bearer="gw_guess")) == "credential_invalid"
    assert await refused(desk.enter(b"certificate")) == "credential_invalid"
    assert await refused(desk.enter(bearer="\ud800")) == "credential_invalid"


async def test_certificate_nobody_recorded_does_not_hide_a_token(desk: Desk) -> None:
    """Many systems present some certificate to everybody."""
    token = await _token(desk)
    assert (await desk.enter(b"whatever", token)).method == "token"


async def test_fingerprint_of_a_certificate_is_no_token(desk: Desk) -> None:
    """A credential counts only for what it is: a public certificate's bytes as a token open nothing."""
    agency = await desk.agency()
    await desk.accounts.record_certificate(
        agency.id, hash_token("public"), expires_at=NOW + DAY, label="", actor=ACTOR, now=NOW
    )
    assert (await desk.enter(b"public")).method == "certificate"
    assert await refused(desk.enter(bearer="public")) == "credential_invalid"


async def test_credential_ends_at_its_instant(desk: Desk) -> None:
    """Expiry is judged by the request's time."""
    token = await _token(desk)
    await desk.enter(bearer=token, now=NOW + 30 * DAY - timedelta(microseconds=1))
    assert await refused(desk.enter(bearer=token, now=NOW + 30 * DAY)) == "credential_expired"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("", False),
        ("unix", False),
    ],
)
async def test_allow_list_judges_the_source_address(desk: Desk, address: str, *, allowed: bool) -> None:
    """Networks of both families; IPv4 inside IPv6 is IPv4; what is no address is not on a list."""
    token = await _token(desk, networks=("10.1.0.0/16", "2001:db8::/32"))
    if allowed:
        assert (await desk.enter(bearer=token, address=address)).address == address
    else:
        assert await refused(desk.enter(bearer=token, address=address)) == "address_not_allowed"


async def test_allow_list_is_changed_at_once_and_checked(desk: Desk) -> None:
    """A new list counts for the next request; nonsense is refused."""
    token = await _token(desk)
    caller = await desk.enter(bearer=token)
    await desk.accounts.set_networks(caller.credential_id, ["192.0.2.0/24"], ACTOR, NOW)
    assert await refused(desk.enter(bearer=token)) == "address_not_allowed"
    wrong = desk.accounts.set_networks(caller.credential_id, ["10.0.0.1/8"], ACTOR, NOW)
    assert await refused(wrong) == "parameter_invalid"
    await desk.accounts.set_networks(caller.credential_id, [], ACTOR, NOW)
    await desk.enter(bearer=token)


async def test_caller_speaks_for_its_agency_and_its_principals_now(desk: Desk) -> None:
    """Representation begins and ends by its dates, per request."""
    token = await _token(desk)
    agent, principal, other = [await desk.agency(code) for code in ("H33.01", "H33.02", "H33.03")]
    add = AddRepresentation(
        agent_id=agent.id, principal_id=principal.id, start=NOW, end=NOW + DAY, actor=ACTOR, now=NOW
    )
    await desk.enter(bearer=token)
    await desk.store.directory.apply(desk.store.pump, AddRepresentationOperation(), add)
    caller = await desk.enter(bearer=token)
    assert caller.speaks_for == {agent.id, principal.id}
    permit(caller, principal, hosted=True)
    with pytest.raises(RefusedError, match="sender_not_permitted"):
        permit(caller, other, hosted=True)
    with pytest.raises(RefusedError, match="sender_not_permitted"):
        permit(caller, await desk.agency("G22"), hosted=False)
    assert (await desk.enter(bearer=token, now=NOW + DAY)).speaks_for == {agent.id}


async def test_relay_may_bring_for_anybody_we_do_not_host(desk: Desk) -> None:
    """The axis speaks for agencies outside, never for ours."""
    caller = await desk.enter(bearer=await _token(desk, "00.22.W00"))
    assert caller.relay_endpoint_id is not None
    outside, ours = await desk.agency("G22"), await desk.agency("H33.01")
    permit(caller, outside, hosted=is_hosted(outside))
    with pytest.raises(RefusedError, match="sender_not_permitted"):
        permit(caller, ours, hosted=is_hosted(ours))


async def test_agency_behind_the_relay_is_no_relay(desk: Desk) -> None:
    """Having the axis as channel makes nobody the axis."""
    caller = await desk.enter(bearer=await _token(desk, "G22"))
    assert caller.relay_endpoint_id is None


async def test_closed_agency_is_nobody_any_more_and_its_successor_speaks_for_it(desk: Desk) -> None:
    """Closing ends an agency's credentials; whoever takes over reads what is left."""
    tokens = [await _token(desk, code) for code in ("H33.01", "H33.02")]
    old, heir = await desk.agency("H33.01"), await desk.agency("H33.02")
    await desk.enter(bearer=tokens[0])
    close = CloseAgency(agency_id=old.id, at=NOW + DAY, successor_id=heir.id, actor=ACTOR, now=NOW)
    await desk.store.directory.apply(desk.store.pump, CloseAgencyOperation(), close)
    await desk.enter(bearer=tokens[0])
    assert await refused(desk.enter(bearer=tokens[0], now=NOW + DAY)) == "credential_revoked"
    assert (await desk.enter(bearer=tokens[1])).speaks_for == {heir.id}
    assert (await desk.enter(bearer=tokens[1], now=NOW + DAY)).speaks_for == {heir.id, old.id}


async def test_no_secret_in_a_refusal(desk: Desk) -> None:
    """What a caller presented is never repeated to anybody."""
    token = await _token(desk, networks=("192.0.2.0/24",))
    for bearer in (token, "gw_guess"):
        with pytest.raises(RefusedError) as caught:
            await desk.enter(bearer=bearer)
        shown = f"{caught.value!r} {caught.value} {caught.value.facts}"
        assert bearer not in shown


async def test_unknown_agency_gets_no_token(desk: Desk) -> None:
    """A credential belongs to somebody in the directory."""
    issuing = desk.accounts.issue_token(AgencyId("nobody"), label="", lifetime=DAY, actor=ACTOR, now=NOW)
    assert await refused(issuing) == "not_found"

"""How systems get credentials and lose them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.directory.changes import CloseAgency, CloseAgencyOperation
from gateway.errors import RefusedError
from tests.unit.accounts.conftest import Desk, der
from tests.unit.directory.store import ACTOR, NOW

DAY = timedelta(days=1)


async def refused(action: object) -> str:
    """The code with which an action is refused."""
    with pytest.raises(RefusedError) as caught:
        await action  # type: ignore[misc]
    return caught.value.code


async def test_code_certifies_a_key_once(desk: Desk) -> None:
    """A system enrols with its code and is known by its certificate; the code is used up."""
    agency = await desk.agency()
    code = await desk.accounts.new_enrolment(agency.id, ACTOR, NOW)
    issued = await desk.accounts.enrol(code.lower(), b"csr", "QLVB", NOW)
    assert issued.pem == "certificate 0"
    assert desk.ca.issued == [f"H33.01 {agency.id} 365"]
    caller = await desk.enter(der(0))
    assert (caller.agency_id, caller.method, caller.fingerprint) == (agency.id, "certificate", issued.fingerprint)
    assert await refused(desk.accounts.enrol(code, b"csr", "", NOW)) == "enrolment_code_invalid"


async def test_code_used_twice_at_once_has_exactly_one_winner(desk: Desk) -> None:
    """Both may get a certificate made, one gets it recorded: the UPDATE decides."""
    code = await desk.accounts.new_enrolment((await desk.agency()).id, ACTOR, NOW)
    attempts = [desk.accounts.enrol(code, b"csr", str(number), NOW) for number in range(8)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    lost = [result for result in results if isinstance(result, RefusedError)]
    assert len(lost) == 7
    assert {error.code for error in lost} == {"enrolment_code_invalid"}
    assert len(await desk.credentials_of((await desk.agency()).id)) == 1
    known = [number for number in range(len(desk.ca.issued)) if not await _unknown(desk, number)]
    assert len(known) == 1


async def _unknown(desk: Desk, number: int) -> bool:
    try:
        await desk.enter(der(number))
    except RefusedError as error:
        return error.code == "credential_invalid"
    return False


async def test_code_runs_out_and_wrong_codes_are_refused(desk: Desk) -> None:
    """A week, by default; a mistyped code never reaches the database."""
    code = await desk.accounts.new_enrolment((await desk.agency()).id, ACTOR, NOW)
    assert await refused(desk.accounts.enrol(code, b"csr", "", NOW + 7 * DAY)) == "enrolment_code_invalid"
    assert await refused(desk.accounts.enrol("abcd", b"csr", "", NOW)) == "enrolment_code_invalid"
    assert desk.ca.issued == []


async def test_closed_agency_gets_no_code_and_its_code_is_worthless(desk: Desk) -> None:
    """Whoever is closed enrols no more."""
    agency = await desk.agency()
    code = await desk.accounts.new_enrolment(agency.id, ACTOR, NOW)
    close = CloseAgency(agency_id=agency.id, at=NOW + DAY, successor_id=None, actor=ACTOR, now=NOW)
    await desk.store.directory.apply(desk.store.pump, CloseAgencyOperation(), close)
    later = NOW + DAY
    assert await refused(desk.accounts.enrol(code, b"csr", "", later)) == "enrolment_code_invalid"
    assert await refused(desk.accounts.new_enrolment(agency.id, ACTOR, later)) == "state_forbids"


async def test_renewed_certificate_and_the_old_one_are_both_valid_until_its_end(desk: Desk) -> None:
    """A system changes keys without a gap; too early it is told when."""
    code = await desk.accounts.new_enrolment((await desk.agency()).id, ACTOR, NOW)
    await desk.accounts.enrol(code, b"csr", "QLVB", NOW)
    caller = await desk.enter(der(0))
    assert await refused(desk.accounts.renew(caller, b"csr", NOW + 304 * DAY)) == "state_forbids"
    desk.ca.now = NOW + 310 * DAY
    await desk.accounts.renew(caller, b"csr", desk.ca.now)
    assert (await desk.enter(der(0), now=desk.ca.now)).credential_id == caller.credential_id
    renewed = await desk.enter(der(1), now=desk.ca.now)
    assert await refused(desk.enter(der(0), now=NOW + 365 * DAY)) == "credential_expired"
    assert (await desk.enter(der(1), now=NOW + 365 * DAY)).credential_id == renewed.credential_id
    both = {credential.id: credential for credential in await desk.credentials_of(caller.agency_id)}
    assert both[renewed.credential_id].replaces_id == caller.credential_id
    assert both[renewed.credential_id].label == "QLVB"


async def test_revoking_ends_what_was_renewed_from_it_too(desk: Desk) -> None:
    """Whoever stole a key may have renewed it: one command ends both."""
    code = await desk.accounts.new_enrolment((await desk.agency()).id, ACTOR, NOW)
    issued = await desk.accounts.enrol(code, b"csr", "", NOW)
    later = NOW + 330 * DAY
    caller = await desk.enter(der(0), now=later)
    await desk.accounts.renew(caller, b"csr", later)
    ended = await desk.accounts.revoke(issued.fingerprint, ACTOR, later)
    assert len(ended) == 2
    for number in (0, 1):
        assert await refused(desk.enter(der(number), now=later)) == "credential_revoked"
    assert await refused(desk.accounts.renew(caller, b"csr", later)) == "credential_revoked"
    assert await refused(desk.accounts.revoke(issued.fingerprint, ACTOR, later)) == "not_found"


async def test_revocation_counts_for_the_next_request(desk: Desk) -> None:
    """A credential in use, and remembered, is refused as soon as the revocation has returned."""
    agency = await desk.agency()
    token, credential_id = await desk.accounts.issue_token(agency.id, label="t", lifetime=DAY, actor=ACTOR, now=NOW)
    for _ in range(3):
        await desk.enter(bearer=token)
    await desk.accounts.revoke(credential_id, ACTOR, NOW)
    assert await refused(desk.enter(bearer=token)) == "credential_revoked"


async def test_revoking_an_agency_ends_all_it_holds(desk: Desk) -> None:
    """One command for a system that was broken into."""
    agency, other = await desk.agency(), await desk.agency("H33.02")
    tokens = [
        (await desk.accounts.issue_token(one.id, label="", lifetime=DAY, actor=ACTOR, now=NOW))[0]
        for one in (agency, agency, other)
    ]
    assert len(await desk.accounts.revoke_all(agency.id, ACTOR, NOW)) == 2
    assert await refused(desk.enter(bearer=tokens[0])) == "credential_revoked"
    assert (await desk.enter(bearer=tokens[2])).agency_id == other.id


async def test_token_cannot_be_renewed_by_its_holder(desk: Desk) -> None:
    """Tokens are issued anew by an operator."""
    token, _ = await desk.accounts.issue_token(
        (await desk.agency()).id, label="", lifetime=DAY, actor=ACTOR, now=NOW
    )
    assert await refused(desk.accounts.renew(await desk.enter(bearer=token), b"csr", NOW)) == "not_permitted"


async def test_foreign_certificate_is_recorded_once(desk: Desk) -> None:
    """A certificate belongs to one agency."""
    for code, expected in (("H33.01", None), ("H33.02", "state_forbids")):
        recording = desk.accounts.record_certificate(
            (await desk.agency(code)).id, "AB" * 32, expires_at=NOW + DAY, label="", actor=ACTOR, now=NOW
        )
        if expected is None:
            await recording
        else:
            assert await refused(recording) == expected


async def test_every_change_leaves_an_event_without_a_secret(desk: Desk) -> None:
    """Codes and tokens, and their hashes, appear in no leaf."""
    agency = await desk.agency()
    before = len(await desk.store.events())
    code = await desk.accounts.new_enrolment(agency.id, ACTOR, NOW)
    await desk.accounts.enrol(code, b"csr", "", NOW)
    token, key = await desk.accounts.issue_token(agency.id, label="", lifetime=DAY, actor=ACTOR, now=NOW)
    await desk.accounts.revoke(key, ACTOR, NOW)
    caller = await desk.enter(der(0), now=NOW + 330 * DAY)
    await desk.accounts.renew(caller, b"csr", NOW + 330 * DAY)
    events = (await desk.store.events())[before:]
    assert [kind for kind, _ in events] == [
        "enrolment.offered",
        "credential.issued",
        "credential.issued",
        "credential.revoked",
        "credential.renewed",
    ]
    token_hash = next(c.fingerprint for c in await desk.credentials_of(agency.id) if c.kind == "token")
    for _, leaf in events:
        assert not any(secret in leaf for secret in (code, token, token_hash))

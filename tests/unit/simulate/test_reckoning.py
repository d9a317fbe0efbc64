"""The comparison of journals and ledger finds each fault it exists for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.simulate.journal import Accepted, Received, Record, Sent
from gateway.simulate.reckoning import LedgerDelivery, LedgerMessage, LedgerView, Reckoning, reckon

OFFICE = "000.01.21.H33"
OTHER = "000.02.21.H33"
OWN = "000.00.90.H33"
DIGEST = "a" * 64

SENT = Sent(
    key="circular",
    idempotency_key="circular",
    kind="document",
    path="/documents",
    http_status=202,
    tries=1,
    message="m1",
    sha256=DIGEST,
    deliveries=(Accepted("d1", OFFICE), Accepted("d2", OTHER)),
)
GOT = Received(
    delivery="d1",
    recipient=OFFICE,
    dispatch="x1",
    message="m1",
    kind="document",
    sha256=DIGEST,
    attempt=1,
    document_id="ref",
    first=True,
)
GOT_OTHER = msgspec.structs.replace(GOT, delivery="d2", recipient=OTHER)


def message(identifier: str = "m1", sender: str = "000.00.00.H33") -> LedgerMessage:
    """A message of the ledger."""
    return LedgerMessage(
        id=identifier, kind="document", sender_code=sender, document_ref="ref", business_type="0", sha256=DIGEST
    )


def delivery(identifier: str, recipient: str, dispatch: str = "x1") -> LedgerDelivery:
    """A delivery of the ledger."""
    return LedgerDelivery(
        id=identifier,
        message_id="m1",
        recipient_code=recipient,
        dispatch_id=dispatch,
        state="delivered",
        business_status="",
    )


def view(*, messages: Iterable[LedgerMessage] = (), attempts: int = 1, drop: str = "") -> LedgerView:
    """The ledger after one document for two offices behind one endpoint."""
    rows = [row for row in (delivery("d1", OFFICE), delivery("d2", OTHER)) if row.id != drop]
    return LedgerView(
        messages={item.id: item for item in (message(), *messages)},
        deliveries={row.id: row for row in rows},
        attempts={"x1": attempts},
    )


def compare(*journals: list[Record], ledger: LedgerView | None = None, unread: str = "") -> Reckoning:
    """Reckon with every office's mail read but one's."""
    return reckon(
        journals,
        ledger or view(),
        is_awaited=lambda _message, line: line.recipient_code != unread,
        own_code=OWN,
    )


def counts(result: Reckoning) -> tuple[int, int, int]:
    """The three numbers."""
    assert len(result.findings) >= (result.lost > 0) + (result.duplicated > 0)
    return result.lost, result.duplicated, result.retransmitted


def test_all_is_well_when_everything_was_handed_over_once() -> None:
    """The base case of the others."""
    assert counts(compare([SENT], [GOT, GOT_OTHER])) == (0, 0, 0)


def test_accepted_delivery_absent_from_the_ledger_is_lost() -> None:
    """A 202 is a promise about the ledger."""
    assert compare([SENT], [GOT], ledger=view(drop="d2")).lost == 1


def test_accepted_delivery_that_its_office_never_got_is_lost() -> None:
    """A 202 is a promise about the receiver."""
    assert counts(compare([SENT], [GOT])) == (1, 0, 0)


def test_delivery_whose_mail_nobody_opens_is_not_lost() -> None:
    """Unread is not lost."""
    assert counts(compare([SENT], [GOT], unread=OTHER)) == (0, 0, 0)


def test_other_bytes_than_were_accepted_are_lost() -> None:
    """What arrives must be what was sealed."""
    changed = msgspec.structs.replace(GOT, sha256="b" * 64)
    assert compare([SENT], [changed, GOT_OTHER]).lost == 1


def test_unsound_arrival_is_lost() -> None:
    """A document whose PDF is another one did not arrive."""
    unsound = msgspec.structs.replace(GOT, sound=False, note="the PDF is not the sender's")
    assert compare([SENT], [unsound, GOT_OTHER]).lost == 1


def test_delivery_handed_over_twice_is_duplicated() -> None:
    """A receiver whose dedupe fails is noticed."""
    assert compare([SENT], [GOT, GOT, GOT_OTHER], ledger=view(attempts=2)).duplicated == 1


def test_same_bytes_under_two_delivery_ids_are_duplicated() -> None:
    """A gateway that makes two deliveries of one document is noticed, which dedupe on the id cannot do."""
    second = msgspec.structs.replace(GOT, delivery="d3", dispatch="x2")
    rows = view()
    ledger = LedgerView(
        messages=rows.messages,
        deliveries={**rows.deliveries, "d3": delivery("d3", OFFICE, "x2")},
        attempts={"x1": 1, "x2": 1},
    )
    assert compare([SENT], [GOT, GOT_OTHER, second], ledger=ledger).duplicated == 1


def test_repetition_with_an_attempt_row_is_a_retransmission() -> None:
    """Sending again is allowed when the ledger says so and dedupe catches it."""
    again = msgspec.structs.replace(GOT, attempt=2, first=False)
    assert counts(compare([SENT], [GOT, GOT_OTHER, again], ledger=view(attempts=2))) == (0, 0, 1)


def test_repetition_without_an_attempt_row_is_duplicated() -> None:
    """The ledger must account for every transmission."""
    again = msgspec.structs.replace(GOT, attempt=2, first=False)
    assert counts(compare([SENT], [GOT, GOT_OTHER, again])) == (0, 1, 1)


def test_delivery_that_the_ledger_does_not_know_is_duplicated() -> None:
    """Nothing may come out that did not go in."""
    phantom = msgspec.structs.replace(GOT, delivery="d9", dispatch="x9")
    assert compare([SENT], [GOT, GOT_OTHER, phantom]).duplicated >= 1
    pulled = msgspec.structs.replace(GOT, delivery="d9", dispatch="", attempt=0, sha256="c" * 64)
    assert compare([SENT], [GOT, GOT_OTHER, pulled]).duplicated == 1


def test_message_without_a_202_is_duplicated() -> None:
    """A retry that was accepted as a second message shows in the ledger."""
    assert compare([SENT], [GOT, GOT_OTHER], ledger=view(messages=[message("m2")])).duplicated == 1


def test_message_of_the_gateway_itself_needs_no_202() -> None:
    """The gateway's own statuses have no sender's journal."""
    assert counts(compare([SENT], [GOT, GOT_OTHER], ledger=view(messages=[message("m2", OWN)]))) == (0, 0, 0)


def test_what_a_pulling_system_reads_again_is_no_retransmission() -> None:
    """The gateway did not send it."""
    pulled = msgspec.structs.replace(GOT, dispatch="", attempt=0)
    again = msgspec.structs.replace(pulled, first=False)
    assert counts(compare([SENT], [pulled, again, GOT_OTHER])) == (0, 0, 0)


# --- a protocol that names no deliveries

UNNAMED = Received(
    delivery=f"{DIGEST}/{OFFICE}",
    recipient=OFFICE,
    dispatch="doc-7",
    ref="doc-7",
    message="",
    kind="document",
    sha256=DIGEST,
    document_id="ref",
    first=True,
)
UNNAMED_OTHER = msgspec.structs.replace(UNNAMED, delivery=f"{DIGEST}/{OTHER}", recipient=OTHER)
TAKEN = msgspec.structs.replace(SENT, message="doc-1", deliveries=())


def test_what_a_protocol_leaves_out_is_found_by_digest_and_recipient() -> None:
    """Collected and submitted without ids, all is well."""
    assert counts(compare([TAKEN], [UNNAMED, UNNAMED_OTHER])) == (0, 0, 0)


def test_submission_of_which_the_ledger_has_no_bytes_is_lost() -> None:
    """An id of the peer's own is a promise, too."""
    lost = msgspec.structs.replace(TAKEN, sha256="c" * 64)
    assert compare([SENT, lost], [GOT, GOT_OTHER]).lost == 1


def test_entry_that_was_read_again_is_the_same_transmission() -> None:
    """What a system reads twice is its own doing."""
    again = msgspec.structs.replace(UNNAMED, first=False)
    assert counts(compare([TAKEN], [UNNAMED, again, UNNAMED_OTHER])) == (0, 0, 0)


def test_second_entry_of_the_same_bytes_is_a_transmission_that_an_attempt_must_account_for() -> None:
    """Without an attempt it is doubled, with one it is sent again."""
    twice = msgspec.structs.replace(UNNAMED, ref="doc-8", dispatch="doc-8", first=False)
    assert counts(compare([SENT], [UNNAMED, twice, UNNAMED_OTHER])) == (0, 1, 1)
    assert counts(compare([SENT], [UNNAMED, twice, UNNAMED_OTHER], ledger=view(attempts=2))) == (0, 0, 1)


def test_bytes_that_the_ledger_never_had_are_doubled() -> None:
    """Nothing arrives that was not accepted."""
    strange = msgspec.structs.replace(UNNAMED, sha256="d" * 64, ref="doc-9", dispatch="", delivery="dd/x")
    assert compare([TAKEN], [UNNAMED, UNNAMED_OTHER, strange]).duplicated == 1


def test_what_a_relay_carries_among_its_own_is_none_of_ours() -> None:
    """Bytes that somebody else handed to it, ours brought back included, need no attempt of ours."""
    returned = msgspec.structs.replace(TAKEN, key="returned", message="doc-8")
    again = msgspec.structs.replace(UNNAMED, ref="doc-8", dispatch="doc-8", first=False)
    assert counts(compare([SENT, returned], [UNNAMED, UNNAMED_OTHER, again])) == (0, 0, 0)
    own = msgspec.structs.replace(TAKEN, key="order", message="doc-9")
    neighbour = msgspec.structs.replace(UNNAMED, ref="doc-9", dispatch="doc-9", recipient="000.00.00.H01")
    assert counts(compare([SENT, own], [UNNAMED, UNNAMED_OTHER, neighbour])) == (0, 0, 0)

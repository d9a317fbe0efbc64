"""The delivery's states and the one table of its transitions.

A *delivery* is one document (or status message) for one recipient. Nobody else compares states to decide
a move: callers name a trigger, `after()` gives the next state or raises. The database repeats the states
in a CHECK and every UPDATE names the state it expects. The diagram in `DESIGN.md` is generated from
`TRANSITIONS` by `tools/diagrams.py`.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.errors import TransitionError


class State(StrEnum):
    """Where a delivery stands; the values are what the database and the interfaces hold."""

    #: In by acceptance, release, requeue or rescue; out by a claim (or the inbox hand-out), hold, withdrawal
    #: or age. A crash here loses nothing: the row is simply found due again.
    QUEUED = "queued"
    #: In by a claim committed before dialling, or by the receiver's first fetch from the inbox; out by the
    #: outcome. A crash here means *outcome unknown*: the next boot requeues it at once with the same id, so
    #: that a receiver that dedupes sees it once.
    IN_FLIGHT = "in_flight"
    #: In when an intermediary (the axis) took it and gave its own id; out by a confirmation that the
    #: recipient has it, or when a person found that id where the answer was lost. Never counted as arrived.
    RELAYED = "relayed"
    #: In when the recipient's system confirmed, or fetched the content in full and acknowledged, or when a person
    #: asked it after a restore and confirmed; out by the recipient's own status. Final where no status is expected.
    DELIVERED = "delivered"
    #: In by the recipient's own status message. Final.
    ACKNOWLEDGED = "acknowledged"
    #: In by a temporary failure; out when its time comes (claim), by a person, or by age.
    DEFERRED = "deferred"
    #: In by checks, an operator, a rule or an outcome nobody knows; out by release.
    HELD = "held"
    #: In by a permanent refusal of the transport or of policy (a 02 is a business status, not this).
    REFUSED = "refused"
    #: In when `retry.py` gave up by age; a person requeues it, which opens a new series of attempts.
    DEAD = "dead"
    #: In when it is dangerous to go on (poison, malware); kept whole for a person, who requeues it, or ends it with
    #: a second one.
    QUARANTINED = "quarantined"
    #: In when the sender or an operator took it back before it left, decided in the transaction that would hand it
    #: out.
    WITHDRAWN = "withdrawn"
    #: In when it went another way: a person delivered it by post or hand and recorded channel, number, who and
    #: when, or it was imported as sent by the system before us. Out by the recipient's own status, and by a
    #: requeue where it did not arrive, or came by that other way to us for a recipient of ours.
    HANDED_OVER = "handed_over"

    def is_final(self, *, expects_status: bool) -> bool:
        """Whether nothing more is awaited; `expects_status` was fixed when the delivery was made."""
        if self is State.DELIVERED:
            return not expects_status
        return self in _FINAL


_FINAL = frozenset({State.ACKNOWLEDGED, State.REFUSED, State.WITHDRAWN, State.HANDED_OVER})


class Trigger(StrEnum):
    """What moves a delivery; the values are the second half of the event names `delivery.<trigger>`."""

    CLAIMED = "claimed"
    FETCHED = "fetched"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    DEFERRED = "deferred"
    REFUSED = "refused"
    HELD = "held"
    RELEASED = "released"
    REQUEUED = "requeued"
    RESCUED = "rescued"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    QUARANTINED = "quarantined"
    HANDED_OVER = "handed_over"
    CONFIRMED = "confirmed"
    ADOPTED = "adopted"


def _table() -> dict[tuple[State, Trigger], State]:
    s, t = State, Trigger
    moves: dict[Trigger, tuple[State, tuple[State, ...]]] = {
        t.CLAIMED: (s.IN_FLIGHT, (s.QUEUED, s.DEFERRED)),
        t.FETCHED: (s.IN_FLIGHT, (s.QUEUED,)),
        t.RELAYED: (s.RELAYED, (s.IN_FLIGHT,)),
        t.DELIVERED: (s.DELIVERED, (s.IN_FLIGHT, s.RELAYED)),
        # A status proves arrival whatever we believed: lost replies, late outcomes and given-up sends included.
        # Not of what is held: by a report on its number alone nobody opens what is kept from him.
        t.ACKNOWLEDGED: (
            s.ACKNOWLEDGED,
            (s.DELIVERED, s.RELAYED, s.IN_FLIGHT, s.QUEUED, s.DEFERRED, s.DEAD, s.REFUSED, s.HANDED_OVER),
        ),
        t.CONFIRMED: (s.DELIVERED, (s.HELD,)),
        t.ADOPTED: (s.RELAYED, (s.HELD, s.DEFERRED, s.DEAD)),
        t.DEFERRED: (s.DEFERRED, (s.IN_FLIGHT,)),
        t.REFUSED: (s.REFUSED, (s.IN_FLIGHT, s.QUEUED, s.DEFERRED)),
        t.HELD: (s.HELD, (s.QUEUED, s.DEFERRED, s.IN_FLIGHT)),
        t.RELEASED: (s.QUEUED, (s.HELD,)),
        t.REQUEUED: (s.QUEUED, (s.DEAD, s.REFUSED, s.DEFERRED, s.QUARANTINED, s.HANDED_OVER)),
        t.RESCUED: (s.QUEUED, (s.IN_FLIGHT,)),
        t.EXPIRED: (s.DEAD, (s.QUEUED, s.DEFERRED)),
        t.WITHDRAWN: (s.WITHDRAWN, (s.QUEUED, s.DEFERRED, s.HELD, s.DEAD, s.QUARANTINED)),
        t.QUARANTINED: (s.QUARANTINED, (s.QUEUED, s.DEFERRED, s.IN_FLIGHT, s.HELD)),
        t.HANDED_OVER: (s.HANDED_OVER, (s.QUEUED, s.DEFERRED, s.HELD, s.DEAD, s.REFUSED)),
    }
    return {(before, trigger): after for trigger, (after, befores) in moves.items() for before in befores}


#: (state, trigger) -> next state; anything absent is impossible.
TRANSITIONS = _table()


def after(state: State, trigger: Trigger) -> State:
    """The state that `trigger` leads to; raises TransitionError where the table has none."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise TransitionError(f"{state} does not know {trigger}", state=state, trigger=trigger) from None


def sources(trigger: Trigger) -> frozenset[State]:
    """The states that `trigger` may leave from."""
    return frozenset(state for state, name in TRANSITIONS if name is trigger)

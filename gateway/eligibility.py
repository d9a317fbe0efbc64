"""Which deliveries a person's act may touch, why not the others, and when a second person must consent. Pure code.

An act is never carried out on what it cannot be for: each delivery of a choice is either fit, or unfit for one
reason of a closed list that has words in both languages. A dry run, the act itself and what is carried out later
all ask here, so that they say the same. The table of states stays in `gateway.states`.

Four eyes: a cancellation always, and any act on more than `FEW` deliveries. Whether the second person is another
one than the first, `gateway.ledger.proposals` sees to; what may be destroyed is `gateway.ledger.purges`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from gateway.states import State, Trigger, sources

#: Deliveries that one act touches at most, and up to how many one person may decide alone.
MOST: Final = 1_000
FEW: Final = 10


class ActName(StrEnum):
    """What a person may do to deliveries; the values are what tables and forms hold."""

    REQUEUE = "requeue"
    HOLD = "hold"
    RELEASE = "release"
    CONFIRM = "confirm"
    #: Nobody is sent it any more.
    CANCEL = "cancel"
    QUARANTINE = "quarantine"
    #: It was delivered by post or hand.
    HAND_OVER = "hand_over"
    #: What has arrived is pushed once more.
    REDELIVER = "redeliver"
    #: Another office gets the document, too.
    FORWARD = "forward"


#: The acts that are one move of the state machine.
TRIGGERS: Final[Mapping[ActName, Trigger]] = {
    ActName.REQUEUE: Trigger.REQUEUED,
    ActName.HOLD: Trigger.HELD,
    ActName.RELEASE: Trigger.RELEASED,
    ActName.CONFIRM: Trigger.CONFIRMED,
    ActName.CANCEL: Trigger.WITHDRAWN,
    ActName.QUARANTINE: Trigger.QUARANTINED,
    ActName.HAND_OVER: Trigger.HANDED_OVER,
}


class Unfit(StrEnum):
    """Why a delivery is not one that the act can be for."""

    WAITING = "waiting"
    UNDER_WAY = "under_way"
    ARRIVED = "arrived"
    NOT_ARRIVED = "not_arrived"
    HELD = "held"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    QUARANTINED = "quarantined"
    WITHDRAWN = "withdrawn"
    HANDED_OVER = "handed_over"
    PURGED = "purged"
    IS_STATUS = "is_status"
    NOT_PUSHED = "not_pushed"
    REPEATING = "repeating"
    IS_RECIPIENT = "is_recipient"
    NOT_ROUTABLE = "not_routable"
    UNKNOWN = "unknown"


#: Vietnamese, English.
WORDS: Final[Mapping[Unfit, tuple[str, str]]] = {
    Unfit.WAITING: ("đang chờ chuyển", "waits to be sent already"),
    Unfit.UNDER_WAY: ("đang chuyển, kết quả chưa có", "is under way; its outcome decides"),
    Unfit.ARRIVED: ("đã đến nơi nhận", "has arrived"),
    Unfit.NOT_ARRIVED: (
        "chưa đến nơi nhận: chọn “Thử gửi lại lượt chưa đến”",
        "has not arrived: choose “Try anew what did not arrive”",
    ),
    Unfit.HELD: ("đang được giữ lại", "is held"),
    Unfit.REFUSED: ("đã bị từ chối", "was refused"),
    Unfit.GIVEN_UP: ("đã hết hạn chuyển", "was given up"),
    Unfit.QUARANTINED: ("đang bị cách ly", "is quarantined"),
    Unfit.WITHDRAWN: ("đã rút", "was withdrawn"),
    Unfit.HANDED_OVER: ("đã chuyển bằng đường khác", "went another way"),
    Unfit.PURGED: ("nội dung đã hủy theo lệnh", "was destroyed by order"),
    Unfit.IS_STATUS: ("là trạng thái, không phải văn bản", "is a status, not a document"),
    Unfit.NOT_PUSHED: ("nơi nhận tự lấy về", "its recipient fetches by itself"),
    Unfit.REPEATING: ("đang chờ gửi lại", "waits to be pushed again already"),
    Unfit.IS_RECIPIENT: ("cơ quan đó đã là nơi nhận", "that office is a recipient already"),
    Unfit.NOT_ROUTABLE: ("không chuyển được tới cơ quan đó", "that office cannot be sent it"),
    Unfit.UNKNOWN: ("không tìm thấy", "is not there"),
}

_OF_STATE: Final[Mapping[State, Unfit]] = {
    State.QUEUED: Unfit.WAITING,
    State.DEFERRED: Unfit.WAITING,
    State.IN_FLIGHT: Unfit.UNDER_WAY,
    State.RELAYED: Unfit.ARRIVED,
    State.DELIVERED: Unfit.ARRIVED,
    State.ACKNOWLEDGED: Unfit.ARRIVED,
    State.HELD: Unfit.HELD,
    State.REFUSED: Unfit.REFUSED,
    State.DEAD: Unfit.GIVEN_UP,
    State.QUARANTINED: Unfit.QUARANTINED,
    State.WITHDRAWN: Unfit.WITHDRAWN,
    State.HANDED_OVER: Unfit.HANDED_OVER,
}
_ARRIVED: Final = frozenset({State.DELIVERED, State.ACKNOWLEDGED})
#: What is held waits for a decision about its content, what is quarantined is dangerous, what its sender took back
#: is nobody's: none of it is brought to one more office.
_NOT_FORWARDED: Final = frozenset({State.IN_FLIGHT, State.HELD, State.QUARANTINED, State.WITHDRAWN})
#: Acts after which the bytes are sent.
_SENDS: Final = frozenset({ActName.REQUEUE, ActName.RELEASE, ActName.REDELIVER, ActName.FORWARD})


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What an act needs to know of a delivery."""

    id: str
    message_id: str
    recipient_id: str
    recipient_code: str
    state: State
    kind: Literal["document", "status"]
    #: Whether its channel brings documents to the recipient, and can do so again.
    is_pushed: bool
    #: Whether it waits to be pushed again.
    is_repeating: bool
    #: Whether its bytes were destroyed by order.
    is_purged: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A choice, sorted."""

    fit: tuple[Line, ...]
    #: Why not -> ids of the deliveries.
    unfit: Mapping[Unfit, tuple[str, ...]]

    @property
    def left(self) -> int:
        """How many are unfit."""
        return sum(map(len, self.unfit.values()))


def allowed(trigger: Trigger) -> frozenset[State]:
    """The states that a person may pull the trigger in: never while it is out of our hands."""
    return sources(trigger) - {State.IN_FLIGHT}


def unfit(act: ActName, line: Line) -> Unfit | None:
    """Why the act is not for this delivery; None where it is."""
    if act in {ActName.FORWARD, ActName.REDELIVER} and line.kind == "status":
        return Unfit.IS_STATUS
    if not _fits_state(act, line.state):
        is_early = act is ActName.REDELIVER and line.state not in {State.WITHDRAWN, State.QUARANTINED}
        return Unfit.NOT_ARRIVED if is_early else _OF_STATE[line.state]
    if act in _SENDS and line.is_purged:
        return Unfit.PURGED
    if act is ActName.REDELIVER:
        return Unfit.NOT_PUSHED if not line.is_pushed else Unfit.REPEATING if line.is_repeating else None
    return None


def _fits_state(act: ActName, state: State) -> bool:
    if act is ActName.REDELIVER:
        return state in _ARRIVED
    if act is ActName.FORWARD:
        return state not in _NOT_FORWARDED
    return state in allowed(TRIGGERS[act])


def judge(act: ActName, lines: Sequence[Line], asked: Sequence[str] = ()) -> Judged:
    """Sort a choice; ids in `asked` of which there is no line are unknown."""
    fit: list[Line] = []
    others: dict[Unfit, list[str]] = {}
    for line in lines:
        why = unfit(act, line)
        if why is None:
            fit.append(line)
        else:
            others.setdefault(why, []).append(line.id)
    known = {line.id for line in lines}
    unknown = [key for key in dict.fromkeys(asked) if key not in known]
    if unknown:
        others[Unfit.UNKNOWN] = unknown
    return Judged(fit=tuple(fit), unfit={why: tuple(ids) for why, ids in others.items()})


def needs_second(act: ActName, deliveries: int) -> bool:
    """Whether one person may not decide this alone."""
    return act is ActName.CANCEL or deliveries > FEW

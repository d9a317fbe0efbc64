"""`docs/states.md` and the diagram in `gateway/DESIGN.md`, made from the one transition table."""

from __future__ import annotations

from gateway.states import TRANSITIONS, State, Trigger, sources
from tools.pages.members import documented

_HEAD = """\
# The states of a delivery

Made by `make docs` from `gateway/states.py`. A delivery is one document, or status message, for one recipient. A
transition that is not here is impossible: the code raises, and the UPDATE that would make it names the state it
expects and touches nothing.

"""


def page() -> str:
    """Diagram, states, transitions."""
    return f"{_HEAD}{diagram()}\n{_states()}\n{_transitions()}"


def diagram() -> str:
    """What happens on the way, as Mermaid; late proofs and rarer acts of a person stand in the table only."""
    usual = (
        Trigger.CLAIMED,
        Trigger.FETCHED,
        Trigger.RELAYED,
        Trigger.DELIVERED,
        Trigger.ACKNOWLEDGED,
        Trigger.DEFERRED,
        Trigger.REFUSED,
        Trigger.EXPIRED,
        Trigger.WITHDRAWN,
        Trigger.RESCUED,
        Trigger.RELEASED,
        Trigger.HELD,
        Trigger.REQUEUED,
        Trigger.QUARANTINED,
    )
    arrows: dict[tuple[State, State], list[str]] = {}
    for (before, trigger), after in TRANSITIONS.items():
        if trigger in usual and not _is_aside(before, trigger):
            arrows.setdefault((before, after), []).append(str(trigger))
    lines = [f"    {before} --> {after}: {' / '.join(names)}" for (before, after), names in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> queued: accepted", *lines, "```", ""])


def _is_aside(before: State, trigger: Trigger) -> bool:
    if trigger is Trigger.QUARANTINED:
        return before is not State.IN_FLIGHT
    return trigger is Trigger.ACKNOWLEDGED and before not in {State.DELIVERED, State.RELAYED}


def _states() -> str:
    told = documented(State)
    rows = [f"| `{state}` | {_finality(state)} | {told[state.name]} |" for state in State]
    return "\n".join(["| state | final | meaning |", "|---|---|---|", *rows, ""])


def _finality(state: State) -> str:
    with_status, without = state.is_final(expects_status=True), state.is_final(expects_status=False)
    return "yes" if with_status else "where no status is expected" if without else "no"


def _transitions() -> str:
    rows = []
    for trigger in Trigger:
        befores = ", ".join(f"`{state}`" for state in State if state in sources(trigger))
        after = next(state for (_, name), state in TRANSITIONS.items() if name is trigger)
        rows.append(f"| `{trigger}` | {befores} | `{after}` |")
    return "\n".join(["| trigger | from | to |", "|---|---|---|", *rows, ""])

"""What the sandbox asks of a system, as data: each step's words, what a test office does for it, and its judge.

The steps are the same for every protocol; `HOW` says which call does it in which of them. A step without a way in a
protocol is not asked there.
"""

from __future__ import annotations

from typing import Final

from gateway.conformance.peer_steps import FACADE, MEMBER, SERVICE
from gateway.conformance.receiving_steps import CONNECTING, RECEIVING
from gateway.conformance.sending_steps import REFUSED, SENDING
from gateway.conformance.stepping import HOW, Step

STEPS: Final = (*CONNECTING, *SERVICE, *RECEIVING, *SENDING, *REFUSED, *FACADE, *MEMBER)


def steps_of(binding: str) -> tuple[Step, ...]:
    """Those that the protocol has a way for."""
    return tuple(step for step in STEPS if step.how in HOW[binding])

"""Whether two accounts of the console may be in one hand: of the last days, by the log of changes.

Who opens an account, or gives it a first password, can sign in by it. So for some days it is no second person
beside whoever did, nor beside another account from the same hand; by then its person has come, or missed the old
password. What the administrators' socket did does not count: root needs no second person (decision 46).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gateway.clock import micros
from gateway.errors import RefusedError
from gateway.storage.pump import Transaction

#: As long as a first password may wait to be used.
_LATELY: Final = timedelta(days=7)


async def one_hand(tx: Transaction, first: str, second: str, now: datetime) -> RefusedError | None:
    """Why the second is no second person beside the first; actors as events name them."""
    params = {"first": first, "second": second, "since": micros(now - _LATELY)}
    found = await tx.fetch("change_find_one_hand", params)
    return RefusedError("second_person_opened") if found else None

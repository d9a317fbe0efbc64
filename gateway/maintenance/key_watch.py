"""Has the key that seals sign something now and then, so that its trouble is known before a document meets it.

While it does not sign, it is tried more often: a token that is back is in use again within seconds, also where no
document comes. A PIN that was refused is not tried again by this (`gateway.seal.pkcs11`). How the key is, is told
by `SealingKey.trouble`: to /readyz, metrics, `gateway status` and doctor. Nothing is stopped here: deliveries go
on, and a document that needs a receipt is refused with 503 by whoever asks for it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from gateway.signing import SealingKey

_USUAL: Final = timedelta(seconds=60)
_IN_TROUBLE: Final = timedelta(seconds=5)

_log = structlog.get_logger(__name__)


class KeyWatch:
    """One per server."""

    name = "key"

    def __init__(self, key: SealingKey) -> None:
        self._key = key
        #: The trouble that was told last; "": none.
        self._told = ""

    @property
    def every(self) -> timedelta:
        """Shorter while the key does not sign."""
        return _USUAL if self._key.trouble is None else _IN_TROUBLE

    async def run_once(self) -> None:
        """Try it, and say in the log what has changed."""
        await self._key.trial()
        trouble = self._key.trouble
        code = "" if trouble is None else trouble.code
        if code != self._told:
            if trouble is None:
                _log.warning("seal.signs_again")
            else:
                _log.error("seal.failing", code=trouble.code, detail=trouble.text)
        self._told = code

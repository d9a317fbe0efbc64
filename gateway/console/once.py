"""Forms that count once: their answer shows a secret, and a reload of that answer sends the form again.

Each form bears a mark of its own. One that was used, or that is of an earlier run of the server, does nothing more:
the person is led back to the page and told so. A form that was refused may be mended and sent again.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from aiohttp import web

from gateway.directory.lru import Lru
from gateway.errors import RefusedError

if TYPE_CHECKING:
    from gateway.console.visit import Visit

#: Marks of used forms that are remembered, and characters of one.
_REMEMBERED, _LONGEST = 10_000, 64


class Marks:
    """Those of one run of the server."""

    def __init__(self) -> None:
        self._run: Final = secrets.token_urlsafe(8)
        self._used: Final = Lru[str, bool](_REMEMBERED)

    def new(self) -> str:
        """For a form that is about to be shown."""
        return f"{self._run}.{secrets.token_urlsafe(16)}"

    def take(self, mark: str) -> bool:
        """Whether a form with it counts; it counts no second time."""
        if not mark.startswith(f"{self._run}.") or len(mark) > _LONGEST or self._used.get(mark):
            return False
        self._used.put(mark, True)  # noqa: FBT003
        return True

    def renewed(self, mark: str) -> str:
        """For a form that waited and is shown anew: another one where its own is of an earlier run."""
        return mark if mark.startswith(f"{self._run}.") else self.new()

    def give_back(self, mark: str) -> None:
        """Nothing came of the form."""
        self._used.pop(mark)


async def counted_once(
    visit: Visit, page: str, act: Callable[[Visit], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The answer of `act`; for a form that was sent before, the way back to its page."""
    marks, mark = visit.parts.once, visit.form.get("once", "")
    if not marks.take(mark):
        told = visit.gettext(
            "This form was sent before, or the server was started anew since: nothing was issued now. What was"
            " shown once is not shown again; if nobody has it, issue it anew here, and revoke the one that was"
            " lost."
        )
        visit.flash(told, "note")
        return visit.redirect(page)
    try:
        return await act(visit)
    except RefusedError:
        marks.give_back(mark)
        raise

"""Forms that came when their session had ended, of each person: in memory, until they are sent or left.

Several of one person are kept beside each other, as several tabs send them; the same one sent again takes its own
place. The oldest makes room where there are too many. A restart loses them: the tab they were filled in has what
was typed (`app.js`), and signing in leads back to its page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.directory.lru import Lru

#: The field by which a form says which of those it is; what pages send of themselves.
KEPT_FIELD: Final = "kept-form"
#: The largest form that is kept, in characters; all of a person's; and how many those may be.
KEPT_MOST: Final = 100_000
_ALL_MOST: Final = 2 * KEPT_MOST
_FORMS: Final = 8
#: How long a form is kept.
KEPT_FOR: Final = timedelta(hours=2)
_PEOPLE: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A form that came when its session had ended."""

    id: str
    path: str
    fields: tuple[tuple[str, str], ...]
    at: datetime
    #: Of its address.
    query: str = ""

    @property
    def size(self) -> int:
        """Its characters."""
        return sum(len(name) + len(value) for name, value in self.fields)

    def is_same(self, other: Kept) -> bool:
        """Whether it asks for the same; a mark that each page has of its own is no matter."""
        return self._asked == other._asked

    @property
    def _asked(self) -> tuple[str, str, list[tuple[str, str]]]:
        return self.path, self.query, [each for each in self.fields if each[0] != "once"]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptForms:
    """One per console."""

    #: By user, the newest first.
    _forms: Lru[str, tuple[Kept, ...]] = field(default_factory=lambda: Lru(_PEOPLE))

    def of(self, user_id: str, now: datetime) -> tuple[Kept, ...]:
        """Somebody's, the newest first, for as long as they are kept."""
        return tuple(each for each in self._forms.get(user_id) or () if now - each.at <= KEPT_FOR)

    def put(self, user_id: str, form: Kept) -> bool:
        """Whether it is kept: not what is too large. It takes the place of the same one."""
        if form.size > KEPT_MOST:
            return False
        kept, size = [form], form.size
        for each in self.of(user_id, form.at):
            if each.id == form.id or each.is_same(form):
                continue
            size += each.size
            if len(kept) == _FORMS or size > _ALL_MOST:
                break
            kept.append(each)
        self._forms.put(user_id, tuple(kept))
        return True

    def sent(self, user_id: str, form: Kept) -> None:
        """One was done now: that one, or what asked for the same, goes; others of its address stay."""
        self._only(user_id, lambda each: each.id != form.id and not each.is_same(form))

    def leave(self, user_id: str, form_id: str) -> None:
        """One is not wanted any more; "": none of them."""
        self._only(user_id, lambda each: bool(form_id) and each.id != form_id)

    def _only(self, user_id: str, stays: Callable[[Kept], bool]) -> None:
        left = tuple(filter(stays, self._forms.get(user_id) or ()))
        self._forms.pop(user_id)
        if left:
            self._forms.put(user_id, left)

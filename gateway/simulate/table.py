"""What the demo shows while it runs: a live table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from gateway.simulate.standing import Standing
from gateway.states import State

_ROWS = {
    "shared": "100 xã / shared",
    "pull": "15 xã kéo / pull",
    "push": "15 xã đẩy / push",
    "browser": "15 xã web / browser",
    "office": "sở, huyện / offices",
    "axis": "qua trục / axis",
}
_COLUMNS: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("chờ\nqueued", (State.QUEUED, State.DEFERRED, State.HELD)),
    ("đi\nflight", (State.IN_FLIGHT,)),
    ("chuyển\nrelay", (State.RELAYED,)),
    ("tới\ndeliv.", (State.DELIVERED,)),
    ("trả lời\nack.", (State.ACKNOWLEDGED,)),
    ("từ chối\nrefus.", (State.REFUSED, State.DEAD, State.QUARANTINED)),
    ("rút\nwithd.", (State.WITHDRAWN,)),
)
#: Seconds between two lines where there is no terminal.
_EVERY = 2.0
#: Of a column, so that the table fits into 80.
_WIDTH = 6


class Display:
    """A context; `show` is cheap enough for several calls a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._last = -_EVERY
        self._said = ""

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        """One line of its own."""
        self._console.print(text, highlight=False, markup=False)

    def show(self, standing: Standing, seconds: float, note: str) -> None:
        """The state of things."""
        if self._live is not None:
            self._live.update(_table(standing, seconds, note))
            return
        line = (
            f"{standing.reached}/{standing.wanted} theo kịch bản / as scripted"
            f" · {standing.documents} văn bản / documents · {standing.statuses} trạng thái / statuses"
        )
        if seconds - self._last >= _EVERY and line != self._said:
            self._last, self._said = seconds, line
            self._console.print(f"{seconds:6.1f} s  {line}", highlight=False)


def _table(standing: Standing, seconds: float, note: str) -> Table:
    title = f"Kiên Giang, tháng 11 năm 2018 / November 2018 — {seconds:.0f} s {note}"
    codes = "  ".join(f"{code}: {count}" for code, count in sorted(standing.codes.items()))
    caption = (
        f"{standing.reached}/{standing.wanted} theo kịch bản / as scripted"
        f" · {standing.documents} văn bản / documents"
        f"\n{standing.statuses} trạng thái / statuses\n{codes}"
    )
    table = Table(title=title, caption=caption, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("nơi nhận\nrecipients", no_wrap=True)
    for name, _ in _COLUMNS:
        table.add_column(name, justify="right", min_width=_WIDTH)
    table.add_column("chưa đọc\nunread", justify="right", min_width=_WIDTH)
    for key, name in _ROWS.items():
        states = standing.by_means.get(key, Counter[str]())
        cells = [sum(states.get(state, 0) for state in group) for _, group in _COLUMNS]
        unread = standing.unread if key == "browser" else 0
        cells[0] -= unread
        table.add_row(name, *(str(cell or "") for cell in cells), str(unread or ""))
    return table

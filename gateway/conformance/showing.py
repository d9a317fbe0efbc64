"""What the developer sees in the terminal: how to get in, what to do next, what came, and how each step stands."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from gateway.conformance.exposure import Exposure
from gateway.conformance.sandbox import Sandbox
from gateway.conformance.stepping import HOW, Step
from gateway.conformance.verdicts import Grade, Verdict, Words
from gateway.reasons import REASONS

_PASSED, _FAILED, _OPEN, _LATER = "[green]✓[/]", "[bold red]✗[/]", "[bold yellow]→[/]", "[dim]·[/]"


def show_access(console: Console, sandbox: Sandbox, binding: str) -> None:
    """Where to go, and with what."""
    console.print("\nMôi trường thử đã sẵn sàng / the sandbox is ready", style="bold", highlight=False)
    lines = sandbox.access()
    for name, value in lines.items():
        console.print(f"  {name:20} {value}", markup=False, highlight=False)
    console.print(f"  {sandbox.access_file.name:20} {sandbox.access_file}", markup=False, highlight=False)
    token, ca = lines["token_file"], lines["ca_file"]
    if binding == "sftp":
        console.print(
            f"\n  sftp -i {lines['sftp_key_file']} -o UserKnownHostsFile={lines['sftp_known_hosts_file']}"
            f" -P {lines['sftp_port']} {lines['sftp_user']}@{lines['sftp_host']}:{lines['sftp_root']}\n",
            markup=False,
            highlight=False,
        )
    elif binding in {"rest", "webhook"}:
        # printf is the shell's own: `ps` shows the token to nobody
        told = f"printf 'Authorization: Bearer %s' \"$(cat {token})\""
        console.print(
            f"\n  {told} | curl --cacert {ca} -H @- {lines['rest_url']}/limits\n",
            markup=False,
            highlight=False,
        )
    console.print(
        "Làm từng bước bên dưới bằng phần mềm của bạn; Ctrl-C để kết thúc và xem báo cáo.\n"
        "Do the steps below with your own software; Ctrl-C ends and writes the report.\n",
        markup=False,
        highlight=False,
    )


def show_exposure(console: Console, exposure: Exposure) -> None:
    """Said loudly where other machines may come in."""
    if exposure.is_local:
        return
    named = ", ".join(exposure.networks)
    for words in (
        f"CHÚ Ý: môi trường thử mở ra mạng ở {exposure.address}; thông tin đăng nhập dùng được từ {named}.",
        f"WARNING: the sandbox is open to the network at {exposure.address}; its credentials count from {named}.",
    ):
        console.print(words, style="bold red", markup=False, highlight=False)


class Board:
    """A live table on a terminal, lines elsewhere."""

    def __init__(self, console: Console, binding: str) -> None:
        self._console = console
        self._how = HOW[binding]
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def said(self, words: Words) -> None:
        """One line of its own."""
        self._console.print(f"{words.vi} / {words.en}", markup=False, highlight=False)

    def opened(self, step: Step) -> None:
        """A step waits for the developer."""
        told = step.told()
        self._console.print(
            f"{_OPEN} [bold]{escape(step.title.vi)}[/] [dim]{escape(step.title.en)} · {step.key}[/]"
        )
        for line, style in ((told.vi, ""), (told.en, "dim"), (self._how[step.how], "cyan")):
            self._console.print(f"    {line}", markup=False, highlight=False, style=style)

    def judged(self, step: Step, verdict: Verdict) -> None:
        """Something came for it."""
        mark = _PASSED if verdict.grade is Grade.PASSED else _FAILED
        self._console.print(f"{mark} {escape(step.title.vi)} [dim]{escape(step.title.en)} · {step.key}[/]")
        if verdict.grade is Grade.FAILED:
            for words in (verdict.saw, step.mend):
                self._console.print(f"    {words.vi}", markup=False, highlight=False)
                self._console.print(f"    {words.en}", markup=False, highlight=False, style="dim")

    def requested(self, exchange: Mapping[str, Any]) -> None:
        """A request came; why it was refused is said in words."""
        reason = REASONS.get(exchange["reason"])
        if reason is None:
            return
        detail = f" {exchange['detail']}" if exchange["detail"] else ""
        head = f"{exchange['method']} {exchange['operation']}: {exchange['status']} {reason.code}{detail}"
        self._console.print(f"    ! {head}", markup=False, highlight=False, style="yellow")
        self._console.print(f"      {reason.vi} {reason.next_vi}", markup=False, highlight=False)
        self._console.print(f"      {reason.en} {reason.next_en}", markup=False, highlight=False, style="dim")

    def show(
        self,
        steps: tuple[Step, ...],
        over: Mapping[str, Verdict],
        waiting: Mapping[str, Step],
        wrong: Mapping[str, Verdict],
    ) -> None:
        """How all of them stand; cheap enough for several calls a second."""
        if self._live is None:
            return
        table = Table(box=None, show_header=False, pad_edge=False)
        for step in steps:
            mark = _LATER
            if step.key in over:
                mark = _PASSED if over[step.key].grade is Grade.PASSED else "[dim]–[/]"
            elif step.key in wrong:
                mark = _FAILED
            elif step.key in waiting:
                mark = _OPEN
            table.add_row(mark, step.key, escape(step.title.vi), f"[dim]{escape(step.title.en)}[/]")
        done = sum(verdict.grade is Grade.PASSED for verdict in over.values())
        foot = Text(f"{done}/{len(steps)} · gõ tên bước + Enter để bỏ qua / type a step's name to skip it", "dim")
        self._live.update(Group(table, foot))

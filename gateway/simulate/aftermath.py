"""What the demo leaves to be found: an office that fails, papers for a clerk's desk, and problems that wait.

It comes after everything was compared, so it belongs to no script and is counted nowhere; `--exit` has none of it.
The system of one commune has a full disk: it refuses one document for good, and everything after that for the time
being. A line typed at the demo's terminal is the telephone call after which somebody there makes room; what was
refused for good has to be sent again by a person.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from gateway.clock import VIETNAM, SystemClock
from gateway.errors import EnvironmentRefusedError
from gateway.pki import client_tls_context
from gateway.seal.trust import TrustPurpose
from gateway.simulate.cast import Cast, Means, Office
from gateway.simulate.letter import make_letter
from gateway.simulate.member import Member
from gateway.simulate.misfits import merge_and_warn, receivers
from gateway.simulate.performance import Performance
from gateway.simulate.rest import Reply, Request, Rest
from gateway.simulate.stage import Stage
from gateway.simulate.systems import System
from gateway.simulate.writing import Named, Paper, Reference, Report, document_xml, status_xml
from gateway.states import State

#: Which of the pushed communes fails.
_FAILING: Final = 10
#: How long the ledger may take to show what its system answers, and how often that is looked at.
_PATIENCE_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.2
_ACCEPTED: Final = 202
_URGENT, _FLASH = 1, 3
#: Two documents of one number and day, of which the second looks like the first.
_INVITED: Final = "Giấy mời họp giao ban công tác văn thư"
#: The day of the province's decision in the script.
_DECIDED_ON: Final = date(2018, 11, 5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What there is to find."""

    failing: Office
    #: The number and notation of what it refused.
    refused: str
    #: A commune with a browser alone, whose clerk is one of the demo's people.
    desk: Office


def failing_system(stage: Stage, cast: Cast) -> tuple[Office, System]:
    """The office that fails, and its system."""
    office = cast.communes_by(Means.PUSH)[_FAILING]
    return office, next(system for system in stage.systems if system.owner == office.code)


async def leave(stage: Stage, cast: Cast, performance: Performance) -> Found:
    """Make it all."""
    office, system = failing_system(stage, cast)
    desks = cast.communes_by(Means.BROWSER)[:3]
    own = next(each for each in stage.systems if each.owner == cast.province.code)
    anchors = stage.pki.anchors(TrustPurpose.TLS)
    at = SystemClock().now()
    await performance.tell(system.role, f"fail {system.name}")
    rest = Rest(stage.url, client_tls_context(anchors, stage.pki.client(own.name)))
    try:
        refused = _paper(cast, at, "1302", "V/v báo cáo số liệu dân cư quý IV", (office,), priority=_URGENT)
        await _send(rest, refused, at)
        misfit = _paper(cast, at, "1306", "V/v cung cấp danh sách hộ nghèo", receivers(cast))
        lines = await _send(rest, misfit, at)
        warned = lines[receivers(cast)[1].code]
        await asyncio.gather(merge_and_warn(stage.layout, cast, warned), _refused(performance, office))
        flash = _paper(
            cast, at, "1303", "V/v ứng phó áp thấp nhiệt đới trên biển Tây", (office, *desks), priority=_FLASH
        )
        await _send(rest, flash, at)
        await _send(rest, _overdue(cast, at, desks[0]), at)
        for subject in (_INVITED, f"{_INVITED} (đổi phòng họp)"):
            await _send(rest, _paper(cast, at, "1305", subject, (office, *desks[:2]), kind=("Giấy mời", 25)), at)
    finally:
        await rest.close()
    await _report_wrongly(stage, cast, at)
    return Found(failing=office, refused=f"{refused.number}/{refused.notation}", desk=desks[0])


async def mend(stage: Stage, cast: Cast, performance: Performance) -> str:
    """Somebody there makes room on the disk; the office's name."""
    office, system = failing_system(stage, cast)
    await performance.tell(system.role, f"mend {system.name}")
    return office.name


def _paper(
    cast: Cast,
    at: datetime,
    number: str,
    subject: str,
    to: tuple[Office, ...],
    *,
    priority: int = 0,
    kind: tuple[str, int] = ("Công văn", 18),
    days_ago: int = 0,
) -> Paper:
    issued_on = at.astimezone(VIETNAM).date() - timedelta(days=days_ago)
    notation, (type_name, type_number) = "UBND-VP", kind
    return Paper(
        sender=_named(cast.province),
        recipients=tuple(_named(office) for office in to),
        document_id=f"{cast.province.code},{issued_on:%Y/%m/%d},{number}/{notation}",
        number=number,
        notation=notation,
        issued_on=issued_on,
        type_name=type_name,
        type_number=type_number,
        subject=subject,
        file_name=f"{number}-{notation}.pdf",
        file=make_letter(cast.province.name, f"{number}/{notation}", issued_on, type_name, subject),
        priority=priority,
    )


def _overdue(cast: Cast, at: datetime, desk: Office) -> Paper:
    """Issued a while ago, and nobody has answered by its day."""
    subject, to = "V/v báo cáo kết quả chuyển đổi số", (desk, *cast.districts[:2])
    paper = _paper(cast, at, "1204", subject, to, priority=_URGENT, days_ago=12)
    return replace(paper, due_on=paper.issued_on + timedelta(days=9))


async def _send(rest: Rest, paper: Paper, at: datetime) -> dict[str, str]:
    """Recipient -> its delivery."""
    key = f"{paper.number}-{paper.subject}"
    body = document_xml(paper, "A", at)
    reply = await rest.submit(Request(path="/documents", body=body, content_type="application/xml", key=_key(key)))
    _taken(reply)
    return {line["organId"]: line["id"] for line in reply.json["deliveries"]}


async def _refused(performance: Performance, office: Office) -> None:
    """Wait until it has."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not any(  # noqa: ASYNC110 - another process writes
                line.recipient_code == office.code and line.state == State.REFUSED
                for line in (await performance.view()).deliveries.values()
            ):
                await asyncio.sleep(_LOOK_SECONDS)


async def _report_wrongly(stage: Stage, cast: Cast, at: datetime) -> None:
    """Behind the axis somebody has mistyped the notation of the decision that is registered."""
    reporter = cast.neighbours[0]
    axis = next(each for each in stage.systems if each.behind_relay)
    about = Reference(
        organ_id=cast.province.code,
        number="2188",
        notation="QĐ.UBND",
        issued_on=_DECIDED_ON,
        document_id="",
    )
    report = Report(reporter=_named(reporter), about=about, code="05", description="Đang xử lý")
    member = Member(
        stage.axis_url,
        client_tls_context(stage.pki.anchors(TrustPurpose.TLS)),
        system_id=axis.name,
        secret=stage.secret_file(axis).read_bytes().strip(),
        clock=SystemClock(),
        connections=1,
    )
    try:
        body = status_xml(report, at)
        request = Request(path="/statuses", body=body, content_type="application/xml", key="mistyped")
        _taken(await member.submit(request))
    finally:
        await member.close()


def _taken(reply: Reply) -> None:
    if reply.status != _ACCEPTED:
        raise EnvironmentRefusedError(f"the gateway refused what the demo leaves: {reply.status} {reply.reason}")


def _named(office: Office) -> Named:
    return Named(code=office.code, name=office.name)


def _key(text: str) -> str:
    return text.encode("ascii", "ignore").decode()

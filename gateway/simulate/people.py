"""People who use the demo's console: of each role, and clerks of communes; passwords are drawn anew each time.

They lie in a file of mode 0600 beside the settings. Nobody has to choose another one first: it is a demo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.accounts.passwords import new_password
from gateway.accounts.roles import Role
from gateway.foundation import Foundation
from gateway.fsio import write_durably
from gateway.simulate.cast import Cast, Means
from gateway.simulate.layout import Layout


@dataclass(frozen=True, kw_only=True, slots=True)
class _Person:
    login: str
    name: str
    role: Role
    may_preview: bool = False
    offices: Sequence[str] = ()


def _people(cast: Cast) -> list[_Person]:
    offices = [office.code for office in cast.communes_by(Means.BROWSER)]
    return [
        _Person(login="quantri", name="Lê Thị Quản Trị", role=Role.ADMINISTRATOR),
        _Person(login="quantri2", name="Võ Văn Thứ Hai", role=Role.ADMINISTRATOR),
        _Person(login="vanhanh", name="Trần Văn Vận Hành", role=Role.OPERATOR, may_preview=True),
        _Person(login="nguoixem", name="Phạm Thị Xem", role=Role.VIEWER),
        _Person(login="kiemtra", name="Nguyễn Văn Kiểm Tra", role=Role.AUDITOR, may_preview=True),
        _Person(login="vanthu", name="Đỗ Thị Văn Thư", role=Role.CLERK, may_preview=True, offices=offices[:3]),
        _Person(login="vanthu2", name="Huỳnh Văn Thư", role=Role.CLERK, may_preview=True, offices=offices[3:4]),
    ]


_HEAD: Final = "# login  password  role, of the demo's console\n"


async def add_people(base: Foundation, cast: Cast, layout: Layout, actor: str) -> None:
    """Record them, and write down how they sign in."""
    lines = [_HEAD]
    for person in _people(cast):
        now, password = base.clock.now(), new_password()
        user, _ = await base.users.add(
            person.login,
            name=person.name,
            role=person.role,
            may_preview=person.may_preview,
            offices=person.offices,
            actor=actor,
            now=now,
            why="demo",
        )
        await base.users.choose_password(user, password, session="", now=now)
        lines.append(f"{person.login}  {password}  {person.role}\n")
    write_durably(layout.people, "".join(lines).encode())

"""What roles are called."""

from __future__ import annotations

from typing import Final

from gateway.accounts.roles import Role
from gateway.console.words import N_

ROLES: Final = {
    Role.VIEWER: N_("viewer"),
    Role.CLERK: N_("clerk"),
    Role.OPERATOR: N_("operator"),
    Role.AUDITOR: N_("auditor"),
    Role.ADMINISTRATOR: N_("administrator"),
}

"""What each role of the console may do: one table, the only one.

A route names one permission (`gateway.console.routes`); what no route names, nobody may. To look into documents is
a right of its own (`User.may_preview`), which no role includes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody is to the console."""

    #: Sees the whole ledger.
    VIEWER = "viewer"
    #: Registers and sends for the offices named with the user, and sees what these send and receive.
    CLERK = "clerk"
    #: Sees the whole ledger and acts on deliveries and channels.
    OPERATOR = "operator"
    #: Sees everything, looks it up and exports evidence; changes nothing.
    AUDITOR = "auditor"
    #: As an operator; and decides about users, agencies and settings.
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """What a route may ask for."""

    #: Nothing: who is not signed in may come, too.
    OPEN = "open"
    #: To be signed in.
    SELF = "self"
    #: To see documents; the page shows a clerk those of the own offices alone (`Visit.scope`).
    VIEW_OWN = "view_own"
    #: To see documents and channels of everybody.
    VIEW = "view"
    #: To act on deliveries and channels.
    OPERATE = "operate"
    #: To have offices told again of a document; the page lets a clerk do so for those of the own offices alone.
    REMIND = "remind"
    #: To register and send in an office's name.
    DESK = "desk"
    #: To look things up for an inspection.
    AUDIT = "audit"
    #: To see who may do what, and the settings.
    VIEW_ADMINISTRATION = "view_administration"
    #: To change them.
    ADMINISTER = "administer"
    #: To look into documents.
    PREVIEW = "preview"


_P = Permission
_SEES = frozenset({_P.OPEN, _P.SELF, _P.VIEW_OWN, _P.VIEW})

PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.VIEWER: _SEES,
        Role.CLERK: frozenset({_P.OPEN, _P.SELF, _P.VIEW_OWN, _P.DESK, _P.REMIND}),
        Role.OPERATOR: _SEES | {_P.OPERATE, _P.REMIND},
        Role.AUDITOR: _SEES | {_P.AUDIT, _P.VIEW_ADMINISTRATION},
        Role.ADMINISTRATOR: _SEES | {_P.OPERATE, _P.REMIND, _P.VIEW_ADMINISTRATION, _P.ADMINISTER},
    }
)

"""users: who may use the console, and as what."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.accounts.roles import Role
from gateway.accounts.users import user_of
from gateway.admin.acts import Change, Reply
from gateway.admin.users import ActOnUser, AddUser, EndSessions, SetUser
from gateway.clock import instant, micros, rfc3339
from gateway.commands.acting import open_for_reading, perform
from gateway.commands.context import (
    FINE,
    Context,
    Subparsers,
    add_command,
    add_group,
    add_json,
    add_reason,
)
from gateway.errors import RefusedError

_SHOWN = 16


def add(parsers: Subparsers) -> None:
    """The command with its subcommands."""
    group = add_group(parsers, "users", "who may use the console, and as what")
    new = add_command(
        group,
        "add",
        _add,
        "let somebody use the console; the first password is shown once",
        more="It ends after seven days; the person replaces it at once. The first administrator is made so, too.",
    )
    _login(new)
    _rights(new, required=True)
    new.add_argument(
        "--subject", default="", metavar="ID", help="who it is at the provider of [console.oidc]; no password then"
    )
    add_reason(new)
    add_json(new)
    put = add_command(group, "set", _set, "change what is given of a user's name and rights; signs the user out")
    _login(put)
    _rights(put, required=False)
    add_reason(put)
    add_json(put)
    add_json(add_command(group, "list", _list, "list all users"))
    for act, summary in (
        ("disable", "let a user sign in no more, and sign the user out"),
        ("enable", "let a disabled user sign in again"),
        ("unlock", "forget a user's wrong passwords"),
        ("reset", "give a user another first password, without a second factor; shown once"),
    ):
        command = add_command(group, act, _act, summary)
        command.set_defaults(act=act)
        _login(command)
        add_reason(command)
        add_json(command)
    sessions = add_command(group, "sessions", _sessions, "list a user's open sessions")
    _login(sessions)
    add_json(sessions)
    revoke = add_command(group, "revoke", _revoke, "end a user's sessions, or one of them")
    _login(revoke)
    revoke.add_argument("--session", default="", metavar="ID", help="that one alone, as `sessions` names it")
    add_reason(revoke)
    add_json(revoke)


def _login(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("login", metavar="LOGIN", help="as the person signs in")


def _rights(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--role", choices=[str(role) for role in Role], required=required, help="what the user may do"
    )
    parser.add_argument("--name", metavar="TEXT", help="what the person is called")
    parser.add_argument(
        "--office", action="append", metavar="CODE", help="a clerk's: any code of the agency; repeatable"
    )
    parser.add_argument(
        "--preview", action=argparse.BooleanOptionalAction, help="may look into documents; no role includes it"
    )


def _add(context: Context, args: argparse.Namespace) -> int:
    request = AddUser(
        login=args.login,
        name=args.name or "",
        role=Role(args.role),
        may_preview=bool(args.preview),
        offices=args.office or [],
        subject=args.subject,
        reason=args.reason,
    )
    return _performed(context, args, "user-add", request)


def _set(context: Context, args: argparse.Namespace) -> int:
    request = SetUser(
        login=args.login,
        name=args.name,
        role=Role(args.role) if args.role else None,
        may_preview=args.preview,
        offices=args.office,
        reason=args.reason,
    )
    return _performed(context, args, "user-set", request)


def _act(context: Context, args: argparse.Namespace) -> int:
    return _performed(context, args, "user-act", ActOnUser(act=args.act, login=args.login, reason=args.reason))


def _revoke(context: Context, args: argparse.Namespace) -> int:
    request = EndSessions(login=args.login, session=args.session, reason=args.reason)
    return _performed(context, args, "user-sign-out", request)


def _performed(context: Context, args: argparse.Namespace, act: str, request: Change) -> int:
    reply: Reply = asyncio.run(perform(context, act, request))
    if args.json:
        context.print_json(reply)
    else:
        context.facts(reply.items())
    return FINE


def _list(context: Context, args: argparse.Namespace) -> int:
    return _shown(context, args, asyncio.run(_users(context)))


def _sessions(context: Context, args: argparse.Namespace) -> int:
    return _shown(context, args, asyncio.run(_open_sessions(context, args.login)))


def _shown(context: Context, args: argparse.Namespace, rows: list[dict[str, Any]]) -> int:
    if args.json:
        context.print_json(rows)
    elif rows:
        context.table(tuple(rows[0]), (tuple(row.values()) for row in rows))
    return FINE


async def _users(context: Context) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        found = []
        now = ledger.clock.now()
        for row in await ledger.readers.fetch("user_list_all"):
            user = user_of(row)
            offices = [office[0] for office in await ledger.readers.fetch("user_list_offices", (user.id,))]
            agencies = await ledger.directory.agencies(offices)
            is_locked = user.locked_until is not None and now < user.locked_until
            state = "disabled" if user.disabled_at is not None else "locked" if is_locked else "fine"
            found.append(
                {
                    "login": user.login,
                    "name": user.name,
                    "role": str(user.role),
                    "preview": "yes" if user.may_preview else "no",
                    "offices": " ".join(sorted(each.organ_id for each in agencies.values())),
                    "second_factor": "yes" if user.totp is not None else "no",
                    "state": state,
                    "id": user.id,
                }
            )
    return found


async def _open_sessions(context: Context, login: str) -> list[dict[str, Any]]:
    async with open_for_reading(context.settings) as ledger:
        row = await ledger.readers.fetch_one("user_find_by_login", (login.lower(),))
        if row is None:
            raise RefusedError("not_found", f"there is no user {login}")
        params = {"user_id": row[0], "now": micros(ledger.clock.now())}
        rows = await ledger.readers.fetch("session_list_open", params)
    return [
        {
            "id": row[0][:_SHOWN],
            "since": rfc3339(instant(row[2])),
            "seen": rfc3339(instant(row[3])),
            "address": row[5],
            "browser": row[6],
        }
        for row in rows
    ]

"""Audit: is there this document, what became of it, and who says so; evidence to take away; the log since a day.

Whoever looks changes nothing. Every look-up is on record before its answer is shown (`gateway.ledger.inquiries`),
and only those who may audit see that record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime, time
from importlib import resources
from typing import Any, BinaryIO, Final
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.accounts.roles import Permission, Role
from gateway.admin.export import UNSAID, ExportAbsence, ExportDocument, exported, exported_absence, with_reason
from gateway.bundle.format import SUFFIX
from gateway.clock import VIETNAM, micros
from gateway.console import look_words
from gateway.console.acts import converted
from gateway.console.agencies import one
from gateway.console.formats import small_number
from gateway.console.headers import saved
from gateway.console.looks import looked_up
from gateway.console.pieces import hand_out, length, of_file, reopened, with_room
from gateway.console.route import Route
from gateway.console.uploaded import uploaded
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.errors import PoolError, ProofError, RefusedError
from gateway.inquiry import log_history, telling
from gateway.inquiry.bulk import MOST_DOCUMENTS
from gateway.inquiry.check_words import unexamined, words_of
from gateway.inquiry.checking import MOST_BYTES
from gateway.inquiry.finding import Absence, Found, Inquiries, Question, ids_of
from gateway.inquiry.finding_words import sentence
from gateway.inquiry.given import MOST_BYTES as MOST_ANCHORS
from gateway.inquiry.log_history import Outcome
from gateway.ledger.inquiries import InquiryReads, LookupAct
from gateway.ratelimit import AtOnce
from gateway.reasons import REASONS
from gateway.search.filter import parse
from gateway.search.lines import Search
from gateway.transparency.keys import read_vkeys

_PAGE: Final = 50
#: Files that one person has verified at once: each may be large.
_verifying: Final = AtOnce(1, "verifications")
#: Checks of one sort with one outcome that the page names one by one.
_ONE_BY_ONE: Final = 10
#: What was done, in words.
ACTS: Final[Mapping[LookupAct, str]] = {
    LookupAct.SEARCHED: N_("looked for"),
    LookupAct.OPENED: N_("looked at"),
    LookupAct.EXPORTED: N_("took the evidence"),
    LookupAct.VERIFIED: N_("verified a file"),
    LookupAct.COMPARED: N_("compared the log"),
    LookupAct.TAKEN: N_("took lines of the ledger"),
}
#: What a kept checkpoint says of the log: tone, in a word, in a sentence.
OUTCOMES: Final[Mapping[Outcome, tuple[str, str, str]]] = {
    Outcome.UNREADABLE: (
        "wait",
        N_("not a checkpoint"),
        N_(
            "The text cannot be read as a checkpoint, so that nothing was compared. Paste all of it, "
            "from the log's name to the last signature."
        ),
    ),
    Outcome.UNSIGNED: (
        "wait",
        N_("not signed by this log"),
        N_(
            "No key of this log signed this text as it stands, so that it says nothing about the log. "
            "It is of another log, or was changed."
        ),
    ),
    Outcome.CONSISTENT: ("good", N_("consistent"), N_("It is of this log's history.")),
    Outcome.SHORTER: (
        "bad",
        N_("not consistent"),
        N_(
            "This log's key signed for more leaves than the log has here: something was cut off. "
            "Keep the text, and tell whoever runs the gateway and its witnesses."
        ),
    ),
    Outcome.OTHER: (
        "bad",
        N_("not consistent"),
        N_(
            "This log's key signed for other leaves than the log has here. "
            "Keep the text, and tell whoever runs the gateway and its witnesses."
        ),
    ),
}
#: What an anchor is trusted for.
_PURPOSES: Final[Mapping[str, str]] = {
    "seal": N_("seals"),
    "tsa": N_("time stamps"),
    "institution": N_("the institution's signature"),
    "log": N_("the log"),
    "witness": N_("witnesses of the log"),
}


async def show(visit: Visit) -> web.StreamResponse:
    """The form, and the answer where something was asked."""
    query = visit.request.query
    text = query.get("number", "").strip()
    found = await _ask(visit, text) if text else None
    return visit.page("audit.html", asked=query, found=found, **_words(visit, found))


async def _ask(visit: Visit, text: str) -> Found:
    query, base = visit.request.query, visit.base
    year, role = query.get("year", "").strip(), query.get("role", "any")
    if year and not (year.isascii() and year.isdigit() and len(year) == len("2026")):
        raise RefusedError("parameter_invalid", "year: four digits")
    office = query.get("office", "").strip()
    question = Question(
        text=text,
        year=int(year) if year else None,
        office=(await one(visit, office)).organ_id if office else "",
        role="issuer" if role == "issuer" else "recipient" if role == "recipient" else "any",
    )
    inquiries = Inquiries(base.readers, base.directory, base.pump)
    return await inquiries.ask(question, actor=visit.actor, now=visit.at)


def _words(visit: Visit, found: Found | None) -> dict[str, Any]:
    language = visit.preferences.language
    if found is None:
        return {"told": {}, "absence": "", "proof": None, "ids": []}
    told = {
        each.document.id: telling.candidate_told(each, group, found, language, visit.instant)
        for group in found.groups
        for each in group.candidates
    }
    return {
        "told": told,
        "absence": "" if found.count else telling.absence_told(found, language),
        "proof": found.absence if isinstance(found.absence, Absence) else None,
        "ids": ids_of(found.groups),
        "grade_told": lambda grade: telling.grade_told(grade, language),
    }


async def lookups(visit: Visit) -> web.StreamResponse:
    """Who looked what up, newest first."""
    query, users = visit.request.query, await visit.base.users.all()
    asked = {key: text for key in ("who", "day", "text") if (text := query.get(key, "").strip())}
    actor = next((each.actor for each in users if each.login == asked.get("who")), asked.get("who"))
    found = await InquiryReads(visit.base.readers).lookups(
        limit=_PAGE,
        before=small_number(query.get("before", "")) or None,
        actor=actor,
        day=_day(asked["day"]) if "day" in asked else None,
        text=asked.get("text", ""),
    )
    older = visit.address("/audit/lookups", **asked, before=str(found[-1].seq)) if len(found) == _PAGE else ""
    return visit.page(
        "audit_lookups.html",
        lookups=[(each, *look_words.told(visit, each)) for each in found],
        names=await visit.names({each.actor for each in found}),
        acts=ACTS,
        asked=asked,
        users=[each for each in users if each.role is Role.AUDITOR or each.login == asked.get("who")],
        older=older,
    )


async def bundle(visit: Visit) -> web.StreamResponse:
    """The evidence of one document, as a file."""
    document, base = visit.request.match_info["id"], visit.base
    ask = converted({"document": document, "reason": visit.form.get("reason", "") or UNSAID}, ExportDocument)
    await looked_up(visit, LookupAct.EXPORTED, with_reason(document, ask.reason), 1)
    making = exported(base, visit.parts.server.key, ask, visit.actor, is_inspection=True)
    return await _sent(visit, f"{document}{SUFFIX}", with_room(visit, document, making))


async def absence(visit: Visit) -> web.StreamResponse:
    """The proof that there is no such document."""
    form, base = visit.form, visit.base
    asked = {
        "issuer": form.get("issuer", ""),
        "number": form.get("number", "").strip(),
        "first": form.get("first", ""),
        "last": form.get("last", ""),
        "reason": form.get("reason", "") or UNSAID,
    }
    ask: ExportAbsence = converted(asked, ExportAbsence)
    await looked_up(visit, LookupAct.EXPORTED, f"none: {ask.number}; {ask.issuer}; {ask.first} - {ask.last}", 0)
    name = f"none-{ask.first}-{ask.last}{SUFFIX}"
    making = exported_absence(base, visit.parts.server.key, ask, visit.actor)
    return await _sent(visit, name, with_room(visit, "", making))


async def show_verify(visit: Visit) -> web.StreamResponse:
    """The form for a file."""
    return visit.page("audit_verify.html", found=None, name="", given=[], action=visit.upload_url("/audit/verify"))


async def verifying_page(_visit: Visit) -> web.StreamResponse:
    """The page that verifies elsewhere, to be saved: its script may not run in this origin."""
    page = resources.files("gateway.verifying") / "verify.html"
    body = await asyncio.to_thread(page.read_bytes)
    return web.Response(body=body, content_type="application/octet-stream", headers=saved("verify.html"))


async def verify(visit: Visit) -> web.StreamResponse:
    """What a file that somebody brought proves: by the anchors brought along, or by this installation's."""
    limits = {"file": MOST_BYTES, "anchors": MOST_ANCHORS}
    with _verifying.one(visit.user.id):
        async with uploaded(visit, limits) as form:
            file = form.one("file")
            given = [(each.name, each.path) for each in form.of("anchors")]
            try:
                settings = visit.base.settings
                found = await visit.parts.checker.check(file.path, file.size, settings, visit.at, given)
            except PoolError as error:
                raise RefusedError("bundle_unexamined", str(error)) from error
    whose = "anchors brought along" if given else "own anchors"
    await looked_up(visit, LookupAct.VERIFIED, f"{file.name}: {found['verdict']}, {whose}", 1)
    return visit.page(
        "audit_verify.html",
        found=found,
        checks=_folded(found["checks"]),
        words_of=words_of,
        unexamined=unexamined,
        sentence=sentence,
        purposes=_PURPOSES,
        name=file.name,
        given=[name for name, _ in given],
        action=visit.upload_url("/audit/verify"),
    )


def _folded(checks: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], int]]:
    """One of those that are of one sort and come to the same, and how many these are.

    A circular has thousands. What failed is named.
    """
    sorts: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for check in checks:
        key = (check["name"].partition(".")[0], check["verdict"], check["reason"], check["counts"])
        sorts.setdefault(key, []).append(check)
    found: list[tuple[Mapping[str, Any], int]] = []
    for (sort, *_), those in sorts.items():
        is_long = len(those) > _ONE_BY_ONE and those[0]["verdict"] != "FAILED"
        found += [({**those[0], "name": sort}, len(those))] if is_long else [(each, 1) for each in those]
    return found


async def show_log(visit: Visit) -> web.StreamResponse:
    """Whether the log was only added to since a day."""
    day = visit.request.query.get("since", "")
    found = None
    if day:
        at = datetime.combine(_day(day), time(), VIETNAM)
        found = await log_history.since(visit.base.readers, at)
        await looked_up(visit, LookupAct.COMPARED, day, int(found.holds))
    return visit.page("audit_log.html", since=day, found=found, compared=None, note="", outcomes=OUTCOMES)


async def compare(visit: Visit) -> web.StreamResponse:
    """Whether the log begins with a checkpoint that somebody kept."""
    note, base = visit.form.get("note", "").replace("\r\n", "\n").strip() + "\n", visit.base
    try:
        keys = await asyncio.to_thread(lambda: read_vkeys(base.settings.log.vkey.read_bytes()))
    except (OSError, ProofError) as error:
        raise RefusedError("not_found", "log.vkey") from error
    compared = await log_history.compare(base.readers, note.encode(), tuple(keys))
    is_ours = compared.outcome is Outcome.CONSISTENT
    await looked_up(visit, LookupAct.COMPARED, note.replace("\n", " ")[:80], int(is_ours))
    return visit.page(
        "audit_log.html", since="", found=None, compared=compared, note=note.strip(), outcomes=OUTCOMES
    )


async def show_exports(visit: Visit) -> web.StreamResponse:
    """What is being made, and what can be fetched."""
    export = visit.parts.exports.of(visit.actor, visit.at)
    part = "audit_exports_part.html" if visit.is_fragment else "audit_exports.html"
    return visit.page(part, export=export, reason=REASONS.get(export.failed) if export else None)


async def begin_export(visit: Visit) -> web.StreamResponse:
    """Begin to make the bundles of an answer, or of all that fits a filter of the ledger."""
    documents = list(dict.fromkeys(visit.form.getall("document", [])))
    if wanted := visit.form.get("filter", ""):
        documents = await _fitting(visit, wanted)
        await looked_up(visit, LookupAct.EXPORTED, wanted, len(documents))
    reason = visit.form.get("reason", "").strip() or UNSAID
    visit.parts.exports.begin(
        visit.base,
        visit.parts.server.key,
        visit.parts.server.gateway.room,
        actor=visit.actor,
        documents=documents,
        reason=reason,
    )
    return visit.redirect("/audit/exports")


async def _fitting(visit: Visit, address: str) -> list[str]:
    """Documents with a line that fits, the newest first; RefusedError for more than one export takes."""
    found: dict[str, None] = {}
    async for lines in Search(visit.base.readers).all(parse(parse_qsl(address)), visit.scope):
        found |= dict.fromkeys(line.message_id for line in lines if line.kind == "document")
        if len(found) > MOST_DOCUMENTS:
            raise RefusedError("parameter_invalid", f"filter: more than {MOST_DOCUMENTS} documents fit; narrow it")
    return list(found)


async def fetch_export(visit: Visit) -> web.StreamResponse:
    """The finished file."""
    export = visit.parts.exports.of(visit.actor, visit.at)
    if export is None or export.file is None or export.finished_at is None:
        raise RefusedError("not_found")
    return await _stream(visit, f"evidence-{micros(export.began_at)}.zip", export.file)


async def _sent(visit: Visit, name: str, making: AbstractAsyncContextManager[BinaryIO]) -> web.StreamResponse:
    async with making as file:
        file.flush()
        return await _stream(visit, name, file)


async def _stream(visit: Visit, name: str, file: BinaryIO) -> web.StreamResponse:
    response = web.StreamResponse(headers=saved(name))
    response.content_type, response.content_length = "application/octet-stream", length(file)
    with reopened(file) as again:
        return await hand_out(visit, response, of_file(again))


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise RefusedError("parameter_invalid", "not a day such as 2026-11-29") from None
    if not date(1990, 1, 1) <= found <= date(2200, 1, 1):
        raise RefusedError("parameter_invalid", "since: not a day such as 2026-11-29")
    return found


_MAY: Final = Permission.AUDIT
ROUTES: Final = (
    Route("GET", "/audit", show, _MAY, heavy="page"),
    Route("GET", "/audit/lookups", lookups, _MAY),
    Route("POST", "/audit/bundle/{id}", bundle, _MAY),
    Route("POST", "/audit/absence", absence, _MAY),
    Route("GET", "/audit/verify", show_verify, _MAY),
    Route("POST", "/audit/verify", verify, _MAY, uploads=True),
    Route("GET", "/audit/verify.html", verifying_page, _MAY),
    Route("GET", "/audit/log", show_log, _MAY),
    Route("POST", "/audit/log", compare, _MAY),
    Route("GET", "/audit/exports", show_exports, _MAY),
    Route("POST", "/audit/exports", begin_export, _MAY),
    Route("GET", "/audit/exports/file", fetch_export, _MAY),
)

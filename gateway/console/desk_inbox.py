"""The clerk's inbox: what waits for the offices, one document beside its form, and what comes on paper."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from aiohttp import web

from gateway import views
from gateway.accounts.roles import Permission
from gateway.console.desk_parts import (
    SHOWN,
    beside_of,
    chosen_office,
    clerk_of,
    day_text,
    desk_of,
    discard,
    file_response,
    offices_of,
    sent_form,
    today,
)
from gateway.console.formats import small_number
from gateway.console.headers import SECURITY
from gateway.console.reminders import last_of
from gateway.console.route import Route
from gateway.console.signed import signed_of, signs_of
from gateway.console.terms import terms_of
from gateway.console.visit import Visit
from gateway.console.words import N_, translations
from gateway.desk.register import PaperForm
from gateway.edxml.envelope import Envelope
from gateway.errors import RefusedError
from gateway.ledger.desk import FIRST_PLACE, Item, Place
from gateway.ledger.entries import Paper
from gateway.mailbox import envelope_of
from gateway.model import AgencyId

_PAGE: Final = 100
#: Of each urgency so many of those that wait are counted, and the newest of them named; characters said of each.
_MOST_WAITING: Final = 500
_MOST_RUNG: Final = 100
_LONGEST: Final = 200
#: Why a document goes back; the clerk may write another reason.
REASONS: Final = (
    N_("Sent to the wrong office"),
    N_("Not within our competence"),
    N_("A file is missing"),
    N_("The form is not as prescribed"),
    N_("A signature is missing or not valid"),
)
#: Answers that a button stands for.
_ANSWERS: Final = {
    "02": N_("sent back"),
    "04": N_("assigned"),
    "05": N_("in progress"),
    "06": N_("completed"),
    "15": N_("agreed to the request"),
    "16": N_("declined the request"),
}
#: After these the clerk is still at the document.
_STAY: Final = frozenset({"04", "05", "06"})


async def show(visit: Visit) -> web.StreamResponse:
    """What waits, the urgent first."""
    query, clerk = visit.request.query, await clerk_of(visit)
    office = AgencyId(query["office"]) if query.get("office") else None
    after = query.get("after", "")
    page = await desk_of(visit).inbox.waiting(clerk, office, limit=_PAGE, after=_place(after))
    offices = await offices_of(visit)
    codes = {agency.id: frozenset(agency.codes) for agency in offices}
    names = {agency.id: agency.name for agency in offices}
    return visit.page(
        "desk_waiting.html" if visit.is_fragment else "desk.html",
        offices=offices,
        names=names | {old: names[office] for old, office in clerk.heirs.items()},
        chosen=office or "",
        after=after,
        items=page.items,
        asked=page.asked,
        asked_cut=len(page.asked) >= _PAGE,
        reminded=await last_of(visit, (item.delivery_id for item in [*page.items, *page.asked])),
        terms=await terms_of(visit, [*page.items, *page.asked]),
        signs=await signs_of(visit, (item.message_id for item in [*page.items, *page.asked])),
        cursor=f"{page.cursor.priority}-{page.cursor.seq}" if page.cursor else "",
        addressed={item.delivery_id: _predecessor(item, codes) for item in [*page.items, *page.asked]},
        newest=await visit.parts.live.newest(),
        brought=[agency for agency in offices if agency.endpoint and agency.endpoint.kind != "inbox"],
        desks=await desk_of(visit).reads.desks_of(clerk.offices),
    )


async def keep_desk(visit: Visit) -> web.StreamResponse:
    """Whether an office whose documents are brought to a system of its own has them here, too."""
    office, is_kept = AgencyId(visit.form.get("office", "")), visit.form.get("keep") == "1"
    await desk_of(visit).inbox.keep_desk(await clerk_of(visit), office, is_kept=is_kept)
    told = (
        visit.gettext("From now on its documents wait here, too.")
        if is_kept
        else visit.gettext("Nothing new of it waits here.")
    )
    return visit.redirect("/desk", flash=told)


def _place(text: str) -> Place:
    """Where a page begins, as its address says."""
    priority, dash, seq = text.partition("-")
    return Place(priority=small_number(priority), seq=small_number(seq)) if dash else FIRST_PLACE


def _predecessor(item: Item, codes: Mapping[AgencyId, Collection[str]]) -> str:
    """The code that the sender wrote, where it is none of the office's own now."""
    return "" if item.addressed_to in codes.get(item.recipient_id, ()) else item.addressed_to


async def urgent(visit: Visit) -> web.StreamResponse:
    """Which urgent documents wait, the most urgent first, of each urgency the newest: what notifications say."""
    found = await desk_of(visit).reads.urgent((await clerk_of(visit)).reach, limit=_MOST_WAITING + 1)
    told = {
        "login": visit.user.login,
        "count": sum(min(len(each), _MOST_WAITING) for each in found),
        "is_more": any(len(each) > _MOST_WAITING for each in found),
        "title": visit.gettext("Urgent document"),
        "known": [item.delivery_id for each in found for item in each],
        "newest": [
            {"id": item.delivery_id, "text": f"{item.code}: {item.subject}"[:_LONGEST]}
            for each in found
            for item in each[:_MOST_RUNG]
        ],
    }
    return web.Response(body=msgspec.json.encode(told), content_type="application/json", headers=SECURITY)


async def show_item(visit: Visit) -> web.StreamResponse:
    """Preview left, form right."""
    clerk, delivery_id = await clerk_of(visit), visit.request.match_info["id"]
    opened = await desk_of(visit).inbox.opened(clerk, delivery_id, today(visit).year)
    item = opened.item
    row = await visit.parts.server.gateway.mailbox.opened(clerk.for_office(item.recipient_id), delivery_id)
    envelope = envelope_of(row)
    home = clerk.home(item.recipient_id)
    office = (await visit.base.directory.agencies([home]))[home]
    return visit.page(
        "desk_item.html",
        opened=opened,
        item=item,
        office=office,
        predecessor=_predecessor(item, {home: frozenset(office.codes)}),
        envelope=envelope,
        files=envelope.attachments,
        shown=_first_shown(envelope),
        # the sender reads Vietnamese, whatever the clerk does
        reasons=[(translations("vi").gettext(each), each) for each in REASONS],
        term=(await terms_of(visit, [item])).get(delivery_id),
        signed=await signed_of(visit, item.message_id, await visit.base.reads.verdict(item.message_id)),
        reminded=(await last_of(visit, [delivery_id])).get(delivery_id),
        following=await _following(visit, delivery_id),
        day=today(visit).isoformat(),
        receivers=await desk_of(visit).reads.receivers(home),
        back=_address(visit, "/desk"),
        here=_address(visit, ""),
        newest=await visit.parts.live.newest(),
    )


def _first_shown(envelope: Envelope) -> int:
    """The number of the file that is shown at once, a PDF before a picture; 0 for none."""
    found = [(views.media_type(each), each.number) for each in envelope.attachments if not each.encryption]
    fit = [number for kind, number in found if kind == "application/pdf"]
    return next(iter(fit + [number for kind, number in found if kind in SHOWN]), 0)


async def show_file(visit: Visit) -> web.StreamResponse:
    """A file of a document that came."""
    clerk, delivery_id = await clerk_of(visit), visit.request.match_info["id"]
    number = small_number(visit.request.match_info["number"])
    opened = await desk_of(visit).reads.item(clerk.reach, delivery_id)
    if opened is None:
        raise RefusedError("not_found")
    mailbox, caller = visit.parts.server.gateway.mailbox, clerk.for_office(opened.recipient_id)
    async with mailbox.attachment(caller, delivery_id, number, "") as (file, found):
        kind = views.media_type(found)
        return await file_response(visit, file, found.size, found.safe_name or f"tep-{number}", kind)


async def register(visit: Visit) -> web.StreamResponse:
    """Number and 03, and on to the next one."""
    clerk, delivery_id = await clerk_of(visit), visit.request.match_info["id"]
    fields = {name: str(value) for name, value in visit.form.items()}
    following = await _following(visit, delivery_id)
    entry = await desk_of(visit).registering.register(
        clerk, delivery_id, beside_of(fields, is_filled=True), even_so=fields.get("even_so") == "1"
    )
    told = visit.gettext("Registered as number %(number)s.") % {"number": entry.number}
    return _on(visit, following, f"{entry.code}: {told}")  # the page that says it is that of another document


async def answer(visit: Visit) -> web.StreamResponse:
    """Any other status about it."""
    clerk, delivery_id = await clerk_of(visit), visit.request.match_info["id"]
    code, form = visit.form.get("code", ""), visit.form
    if code not in _ANSWERS:
        raise RefusedError("status_code_unknown", code[:10])
    reason = " – ".join(part for part in (form.get("preset", "").strip(), form.get("reason", "").strip()) if part)
    following = await _following(visit, delivery_id)
    await desk_of(visit).registering.answer(clerk, delivery_id, code, reason[:1000])
    told = visit.gettext("Answered: %(words)s (%(code)s).") % {"words": visit.gettext(_ANSWERS[code]), "code": code}
    if code in _STAY:
        return visit.redirect(_address(visit, f"/desk/in/{delivery_id}"), flash=told)
    return _on(visit, following, told)


async def answer_duplicate(visit: Visit) -> web.StreamResponse:
    """That it is in the register already."""
    clerk, delivery_id = await clerk_of(visit), visit.request.match_info["id"]
    following = await _following(visit, delivery_id)
    entry = await desk_of(visit).registering.answer_duplicate(clerk, delivery_id)
    told = visit.gettext("The sender is told that it is registered as number %(number)s.")
    return _on(visit, following, told % {"number": entry.number})


def _on(visit: Visit, following: str, flash: str) -> web.Response:
    """To the next document that waits, or to the list."""
    return visit.redirect(_address(visit, f"/desk/in/{following}" if following else "/desk"), flash=flash)


def _address(visit: Visit, path: str) -> str:
    """An address with the office that the clerk has chosen."""
    chosen = visit.request.query.get("office", "")
    return visit.address(path, office=chosen) if chosen else path


async def _following(visit: Visit, at: str) -> str:
    """The document after one, of the chosen office: the most urgent first, of these the oldest; then round."""
    clerk, chosen = await clerk_of(visit), visit.request.query.get("office", "")
    offices = clerk.reach_of(AgencyId(chosen) if chosen else None)
    waiting = await desk_of(visit).reads.waiting(offices, limit=_PAGE)
    ids = [item.delivery_id for item in waiting]
    if at in ids:
        place = ids.index(at)
        ids = [*ids[place + 1 :], *ids[:place]]
    return ids[0] if ids else ""


async def show_paper(visit: Visit) -> web.StreamResponse:
    """The form for what came on paper."""
    offices, chosen = await offices_of(visit), visit.request.query.get("office", "")
    wanted = [each.id for each in offices if chosen in ("", each.id)]
    receivers = [name for each in wanted for name in await desk_of(visit).reads.receivers(each)]
    return visit.page(
        "desk_paper.html",
        offices=offices,
        chosen=chosen,
        day=today(visit).isoformat(),
        receivers=dict.fromkeys(receivers),
    )


async def register_paper(visit: Visit) -> web.StreamResponse:
    """A number of the same series, with the scan."""
    clerk = await clerk_of(visit)
    given, files = await sent_form(visit)
    try:
        fields = dict(given)
        office = chosen_office(await offices_of(visit), fields.get("office", ""))
        scan = None
        if files:
            scan = await desk_of(visit).papers.add(clerk, office, files[0][0], files[0][1])
        paper = Paper(
            issuer=fields.get("issuer", "").strip()[:300],
            code_number=fields.get("number", "").strip()[:50],
            code_notation=fields.get("notation", "").strip()[:100],
            issued_on=day_text(fields, "issued_on"),
            type_name=fields.get("type_name", "").strip()[:100],
            subject=" ".join(fields.get("subject", "").split())[:2000],
        )
        form = PaperForm(
            office_id=office,
            paper=paper,
            beside=beside_of(fields, is_filled=True),
            scan_id=scan.id if scan else None,
            even_so=fields.get("even_so") == "1",
        )
        entry = await desk_of(visit).registering.register_paper(clerk, form)
    finally:
        await discard(visit, files)
    told = visit.gettext("Registered as number %(number)s.") % {"number": entry.number}
    several = len(visit.offices) > 1
    return visit.redirect(visit.address("/desk/paper", **({"office": office} if several else {})), flash=told)


ROUTES: Final = (
    Route("GET", "/desk", show, Permission.DESK),
    Route("GET", "/desk/urgent", urgent, Permission.DESK),
    Route("GET", "/desk/in/{id}", show_item, Permission.DESK),
    Route("GET", "/desk/in/{id}/file/{number}", show_file, Permission.DESK),
    Route("POST", "/desk/in/{id}/register", register, Permission.DESK),
    Route("POST", "/desk/in/{id}/answer", answer, Permission.DESK),
    Route("POST", "/desk/in/{id}/duplicate", answer_duplicate, Permission.DESK),
    Route("POST", "/desk/offices", keep_desk, Permission.DESK),
    Route("GET", "/desk/paper", show_paper, Permission.DESK),
    Route("POST", "/desk/paper", register_paper, Permission.DESK, uploads=True),
)

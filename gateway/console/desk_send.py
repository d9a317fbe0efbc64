"""Sending: drafts of the offices, one draft with its files and what its signatures say, groups of recipients."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from gateway.accounts.roles import Permission
from gateway.clock import micros
from gateway.console.desk_parts import (
    chosen_office,
    clerk_of,
    day_text,
    desk_of,
    discard,
    offices_of,
    sent_form,
    small_number,
    today,
)
from gateway.console.looks import looked_at_desk
from gateway.console.route import Route
from gateway.console.visit import Visit
from gateway.console.words import translations
from gateway.desk.sending import OutgoingForm, form_of, number_text
from gateway.errors import RefusedError
from gateway.ledger.drafts_kept import Draft
from gateway.model import Agency, AgencyId
from gateway.reasons import REASONS

_BREAKS: Final = re.compile(r"[\s,;]+")
_MOST_FOUND: Final = 20
_LONGEST_FOUND: Final = 200
_ACTS: Final = frozenset({"save", "find", "check", "number", "send"})


async def show(visit: Visit) -> web.StreamResponse:
    """Drafts, the last changed first."""
    clerk, offices = await clerk_of(visit), await offices_of(visit)
    drafts = await desk_of(visit).sending.drafts(clerk)
    return visit.page(
        "desk_drafts.html",
        offices=offices,
        names={agency.id: agency.name for agency in offices},
        drafts=[(draft, form_of(draft)) for draft in drafts],
        actors=await visit.names(draft.owner for draft in drafts),
    )


async def begin(visit: Visit) -> web.StreamResponse:
    """A new draft, empty, or an answer to a document that came."""
    clerk, offices = await clerk_of(visit), await offices_of(visit)
    answers = visit.form.get("answers", "")
    form = OutgoingForm()
    if answers:
        item = await desk_of(visit).reads.item(clerk.reach, answers)
        if item is None:
            raise RefusedError("not_found")
        # the document is in Vietnamese, whatever the clerk reads
        subject = translations("vi").gettext("Answer to %(code)s") % {"code": item.code}
        form = OutgoingForm(recipients=(item.sender_code,), subject=subject, answers=answers)
        office = clerk.home(item.recipient_id)
    else:
        office = chosen_office(offices, visit.form.get("office", ""))
    draft = await desk_of(visit).sending.save(clerk, office, form)
    return visit.redirect(f"/desk/send/{draft.id}")


async def show_draft(visit: Visit) -> web.StreamResponse:
    """One draft as it is."""
    draft = await desk_of(visit).sending.draft(await clerk_of(visit), visit.request.match_info["id"])
    await looked_at_desk(visit, "draft", draft.id, draft.office_id)
    return await _page(visit, draft, judgement=None)


async def _page(visit: Visit, draft: Draft, *, judgement: object) -> web.Response:
    clerk, desk = await clerk_of(visit), desk_of(visit)
    form = form_of(draft)
    known = await visit.base.directory.resolve(form.recipients, visit.at)
    entry = await desk.registering.entry(clerk, draft.entry_id) if draft.entry_id else None
    found: list[Agency] = []
    if words := visit.request.query.get("find", "").strip()[:_LONGEST_FOUND]:
        found = await visit.base.directory.search(words, limit=_MOST_FOUND)
    offices = await visit.base.directory.agencies([draft.office_id])
    return visit.page(
        "desk_draft.html",
        draft=draft,
        form=form,
        changed_at=micros(draft.changed_at),
        office=offices[draft.office_id],
        entry=entry,
        number=number_text(entry.number) if entry else "",
        recipients=[(code, known[code].name if code in known else "") for code in form.recipients],
        groups=await desk.sending.groups(clerk, draft.office_id),
        series=await desk.reads.series(draft.office_id, today(visit).year),
        sought=words,
        found=found,
        judgement=judgement,
    )


async def change(visit: Visit) -> web.StreamResponse:
    """Keep what was filled in, and do what the button says."""
    clerk, desk = await clerk_of(visit), desk_of(visit)
    draft = await desk.sending.draft(clerk, visit.request.match_info["id"])
    given, files = await sent_form(visit)
    try:
        fields = dict(given)
        act = fields.get("act", "save")
        if act not in _ACTS:
            raise RefusedError("parameter_invalid", "act")
        if (seen := small_number(fields.get("changed_at", ""))) and seen != micros(draft.changed_at):
            raise RefusedError("desk_draft_changed")
        removed = {value for name, value in given if name == "remove"}
        kept = [file.id for file in draft.files if file.id not in removed]
        for name, body in files:
            kept.append((await desk.papers.add(clerk, draft.office_id, name, body, is_scan=False)).id)
        groups = await desk.sending.groups(clerk, draft.office_id)
        form = _form(fields, form_of(draft), groups)
        draft = await desk.sending.save(
            clerk, draft.office_id, form, draft_id=draft.id, file_ids=kept, was=draft.changed_at
        )
    finally:
        await discard(visit, files)
    here = f"/desk/send/{draft.id}"
    if act == "number":
        try:
            entry = await desk.sending.take_number(clerk, draft.id)
        except RefusedError as error:
            if error.code != "desk_form_incomplete":
                raise
            visit.flash(f"{visit.of(REASONS[error.code])} {error.detail}", "wrong")
            return visit.redirect(here)
        told = visit.gettext("It has number %(number)s.") % {"number": number_text(entry.number)}
        return visit.redirect(here, flash=told)
    if act == "check":
        judgement = await desk.sending.look(clerk, draft.id)
        return visit.redirect(here, flash=visit.of(judgement))
    if act == "send":
        await desk.sending.send(clerk, draft.id, why_unsigned=fields.get("why_unsigned", ""))
        return visit.redirect("/desk/send", flash=visit.gettext("It is on its way."))
    # what was looked for stays there as long as the words do: several may be added, one after the other
    sought = " ".join(fields.get("find", "").split())[:_LONGEST_FOUND]
    return visit.redirect(
        visit.address(here, find=sought) if sought else here, flash=visit.gettext("The draft is kept.")
    )


def _form(fields: dict[str, str], old: OutgoingForm, groups: dict[str, tuple[str, ...]]) -> OutgoingForm:
    typed = [code for code in _BREAKS.split(fields.get("recipients", "")) if code]
    codes = [*typed, *groups.get(fields.get("group", ""), ())]
    if added := fields.get("add", ""):
        codes.append(added)

    def line(name: str, most: int = 200) -> str:
        return " ".join(fields.get(name, "").split())[:most]

    priority = fields.get("priority", "0")
    return OutgoingForm(
        recipients=tuple(dict.fromkeys(codes))[:2000],
        series=line("series", 30),
        notation=line("notation", 100),
        type_name=line("type_name", 100) or "Công văn",
        subject=line("subject", 2000),
        signer=line("signer"),
        signer_position=line("signer_position"),
        signer_competence=line("signer_competence"),
        place=line("place"),
        due_on=day_text(fields, "due_on"),
        priority=int(priority) if priority in {"0", "1", "2", "3"} else 0,
        receiver=line("receiver"),
        copies=small_number(fields.get("copies", "")),
        answers=old.answers,
    )


async def drop(visit: Visit) -> web.StreamResponse:
    """Forget a draft; on to the line whose number it had."""
    entry_id = await desk_of(visit).sending.drop(await clerk_of(visit), visit.request.match_info["id"])
    if not entry_id:
        return visit.redirect("/desk/send", flash=visit.gettext("The draft is gone."))
    visit.flash(visit.gettext("The draft is gone. Its number stays in the register: strike the line out."), "note")
    return visit.redirect(f"/desk/entries/{entry_id}?strike=1")


async def show_groups(visit: Visit) -> web.StreamResponse:
    """The groups of the offices."""
    offices = await offices_of(visit)
    groups = {
        agency.id: await desk_of(visit).sending.groups(await clerk_of(visit), agency.id) for agency in offices
    }
    return visit.page("desk_groups.html", offices=offices, groups=groups)


async def set_group(visit: Visit) -> web.StreamResponse:
    """The members of one from now on."""
    office = AgencyId(visit.form.get("office", ""))
    members = [code for code in _BREAKS.split(visit.form.get("members", "")) if code]
    await desk_of(visit).sending.set_group(await clerk_of(visit), office, visit.form.get("name", ""), members)
    return visit.redirect("/desk/groups", flash=visit.gettext("The group is kept."))


ROUTES: Final = (
    Route("GET", "/desk/send", show, Permission.DESK),
    Route("POST", "/desk/send", begin, Permission.DESK),
    Route("GET", "/desk/send/{id}", show_draft, Permission.DESK),
    Route("POST", "/desk/send/{id}", change, Permission.DESK, uploads=True),
    Route("POST", "/desk/send/{id}/drop", drop, Permission.DESK),
    Route("GET", "/desk/groups", show_groups, Permission.DESK),
    Route("POST", "/desk/groups", set_group, Permission.DESK),
)

"""Sending: drafts of the offices, one draft with its files and what its signatures say, groups of recipients."""

from __future__ import annotations

from collections.abc import Sequence
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
    today,
)
from gateway.console.desk_recipients import named, recipients_of
from gateway.console.formats import small_number
from gateway.console.looks import looked_at_desk
from gateway.console.parts import Looked
from gateway.console.route import Route
from gateway.console.signed import Signed, sign_of, signed_as
from gateway.console.visit import Visit
from gateway.console.words import translations
from gateway.desk.clerk import Clerk
from gateway.desk.sending import OutgoingForm, form_of, number_text
from gateway.errors import RefusedError
from gateway.ledger.drafts_kept import FIRST_DRAFT, Draft
from gateway.model import Agency, AgencyId
from gateway.reasons import REASONS
from gateway.signatures.judgement import judge

#: Drafts of one page.
_PAGE: Final = 100
_MOST_FOUND: Final = 20
_LONGEST_FOUND: Final = 200
#: How the next page says what signatures come to, by the tone of their sign.
_KINDS: Final = {"good": "done", "wait": "note", "bad": "wrong"}
_ACTS: Final = frozenset({"save", "find", "check", "number", "send"})


async def show(visit: Visit) -> web.StreamResponse:
    """Drafts, the last changed first, page by page."""
    clerk, offices = await clerk_of(visit), await offices_of(visit)
    after = _place(visit.request.query.get("after", ""))
    drafts = await desk_of(visit).sending.drafts(clerk, limit=_PAGE + 1, after=after)
    is_cut, drafts = len(drafts) > _PAGE, drafts[:_PAGE]
    return visit.page(
        "desk_drafts.html",
        offices=offices,
        names={agency.id: agency.name for agency in offices},
        drafts=[(draft, form_of(draft)) for draft in drafts],
        actors=await visit.names(draft.owner for draft in drafts),
        cursor=f"{micros(drafts[-1].changed_at)}-{drafts[-1].id}" if is_cut else "",
    )


def _place(text: str) -> tuple[int, str]:
    """Where a page begins, as its address says."""
    changed_at, dash, draft_id = text.partition("-")
    return (small_number(changed_at), draft_id) if dash else FIRST_DRAFT


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
    clerk, desk = await clerk_of(visit), desk_of(visit)
    form = form_of(draft)
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
        named=await named(visit, form.recipients),
        groups=await desk.sending.groups(clerk, draft.office_id),
        series=await desk.reads.series(draft.office_id, today(visit).year),
        sought=words,
        found=found,
        signed=_signed(visit.parts.looked.get(draft.id), draft),
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
        read = await recipients_of(visit, fields.get("recipients", ""))
        form = _form(fields, _codes(fields, read.codes, groups), form_of(draft).answers)
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
        return await _look(visit, clerk, draft, here)
    if read.guessed:
        told = visit.gettext("Found by words of their names: %(names)s. Look at the recipients.")
        visit.flash(told % {"names": "; ".join(read.guessed)}, "note")
        if act == "send":  # nobody has seen yet to whom it would go
            return visit.redirect(here)
    if act == "send":
        await desk.sending.send(clerk, draft.id, why_unsigned=fields.get("why_unsigned", ""))
        return visit.redirect("/desk/send", flash=visit.gettext("It is on its way."))
    # what was looked for stays there as long as the words do: several may be added, one after the other
    sought = " ".join((fields.get("seek") or fields.get("find", "")).split())[:_LONGEST_FOUND]
    return visit.redirect(
        visit.address(here, find=sought) if sought else here, flash=visit.gettext("The draft is kept.")
    )


async def _look(visit: Visit, clerk: Clerk, draft: Draft, here: str) -> web.Response:
    """What the signatures come to, at once; the page has each of them until there are other files."""
    examined = await desk_of(visit).sending.look(clerk, draft.id)
    visit.parts.looked.put(draft.id, Looked(file_ids=_ids(draft), at=visit.at, examined=examined))
    judgement = judge(examined)
    visit.flash(visit.of(judgement), _KINDS[sign_of(judgement).tone])
    return visit.redirect(here)


def _signed(looked: Looked | None, draft: Draft) -> Signed | None:
    """What was seen of the draft's files as they are."""
    if looked is None or looked.file_ids != _ids(draft):
        return None
    return signed_as(looked.examined, looked.at)


def _ids(draft: Draft) -> tuple[str, ...]:
    return tuple(file.id for file in draft.files)


def _codes(fields: dict[str, str], typed: Sequence[str], groups: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What was typed and added; what is added for something that was looked for stands in its place."""
    added, sought = fields.get("add", ""), fields.get("find", "")
    codes = [added if added and code == sought else code for code in typed]
    return tuple(dict.fromkeys([*codes, *groups.get(fields.get("group", ""), ()), *([added] if added else [])]))


def _form(fields: dict[str, str], recipients: tuple[str, ...], answers: str) -> OutgoingForm:
    def line(name: str, most: int = 200) -> str:
        return " ".join(fields.get(name, "").split())[:most]

    priority = fields.get("priority", "0")
    return OutgoingForm(
        recipients=recipients[:2000],
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
        answers=answers,
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
    clerk, sending = await clerk_of(visit), desk_of(visit).sending
    groups = {
        agency.id: [
            (name, members, await named(visit, members))
            for name, members in (await sending.groups(clerk, agency.id)).items()
        ]
        for agency in offices
    }
    return visit.page("desk_groups.html", offices=offices, groups=groups)


async def set_group(visit: Visit) -> web.StreamResponse:
    """The members of one from now on."""
    office = AgencyId(visit.form.get("office", ""))
    read = await recipients_of(visit, f"{visit.form.get('members', '')}\n{visit.form.get('add', '')}")
    await desk_of(visit).sending.set_group(await clerk_of(visit), office, visit.form.get("name", ""), read.codes)
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

"""Administration: agencies and what their systems are known by, certificates of the gateway, settings in force.

Also where a document would go and why not, and what systems of vendors have asked of late. Who may administer
changes; auditors read the same pages. A token or code is shown once, in the answer to the form.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.accounts.credentials import credential_of
from gateway.accounts.roles import Permission
from gateway.accounts.shared_secrets import secret_of
from gateway.admin import directory as acts
from gateway.admin.directory import (
    EndAgency,
    IssueToken,
    OfferEnrolment,
    RecordCertificate,
    Represent,
    RevokeCredential,
    RouteAgency,
)
from gateway.console import agency_form, changes, settings_shown
from gateway.console.acts import converted
from gateway.console.agencies import one, written
from gateway.console.once import counted_once
from gateway.console.route import Route
from gateway.console.uploaded import uploaded
from gateway.console.visit import Visit
from gateway.console.words import N_
from gateway.edxml.codes import BUSINESS_TYPES
from gateway.endings import Ending, beside, endings, without_replaced
from gateway.errors import RefusedError
from gateway.ledger.own_keys import own_certificates
from gateway.model import Agency, AgencyId
from gateway.reasons import REASONS
from gateway.route import Routed, route

_PAGE: Final = 50
#: Recipients of one question about routing.
_CODES: Final = 200
#: Of a number of days.
_DIGITS: Final = 5
_MOST_CERTIFICATE: Final = 20_000
_SHOWN_ONCE: Final = frozenset({"token", "enrol"})
_SIZE: Final = re.compile(r"[0-9]{1,5}([.,][0-9]{1,3})?")
#: Of documents.
_TYPES: Final = {kind.value: name for kind, name in BUSINESS_TYPES.items()}
#: By `Ending.level`: 60, 30 and 7 days before the end, later where the certificate has a short life.
_LEVELS: Final = (
    ("good", N_("in force")),
    ("wait", N_("to be renewed")),
    ("wait", N_("renew it soon")),
    ("bad", N_("renew it now")),
)
#: Why a recipient has no delivery that the gateway makes.
SKIPPED: Final = {
    "not_hosted": N_("the relay serves it itself"),
    "came_from_there": N_("it came from there"),
    "named_twice": N_("it is named twice"),
    "takes_no_statuses": N_("its channel takes no statuses"),
    "served_elsewhere": N_("another system serves it"),
}


async def show(visit: Visit) -> web.StreamResponse:
    """What there is."""
    return visit.page("admin.html")


async def agencies(visit: Visit) -> web.StreamResponse:
    """All of them, or those that words find."""
    query, directory = visit.request.query, visit.base.directory
    text, after = query.get("q", "").strip()[:200], AgencyId(query.get("after", "")[:40])
    if text:
        held = await directory.resolve([text], visit.at)
        named = await directory.search(text, limit=_PAGE + 1)
        found = list({agency.id: agency for agency in (*held.values(), *named)}.values())
    else:
        found = await directory.page(limit=_PAGE, after=after or None)
    is_cut, found = len(found) > _PAGE, found[:_PAGE]
    more = found[-1].id if not text and len(found) == _PAGE else ""
    channels = [endpoint.name for endpoint in await directory.endpoints()]
    values: dict[str, Any] = {
        "agencies": found,
        "text": text,
        "more": more,
        "is_cut": is_cut,
        "channels": channels,
        "kinds": agency_form.KINDS,
    }
    return visit.page("admin_agencies.html", **values)


async def agency(visit: Visit) -> web.StreamResponse:
    """One of them: names, channel, neighbours, credentials."""
    return visit.page("admin_agency.html", **await _agency(visit, await _named(visit)))


async def _named(visit: Visit) -> Agency:
    key = AgencyId(visit.request.match_info["id"])
    found = (await visit.base.directory.agencies([key])).get(key)
    if found is None:
        raise RefusedError("not_found")
    return found


async def _agency(visit: Visit, found: Agency) -> dict[str, Any]:
    base, now = visit.base, visit.at
    record = (await base.directory.records([found.id]))[found.id]
    spoken = await base.directory.agents_of(found.id, now) - {found.id}
    speaks = await base.directory.represented_by(found.id, now) - {found.id}
    around = {found.parent_id, found.successor_id, *spoken, *speaks} - {None}
    known = await base.directory.agencies([key for key in around if key is not None])
    credentials = await base.readers.fetch("credential_list_of_agency", (found.id,))
    secrets = await base.readers.fetch("shared_secret_list_of_agency", (found.id,))
    return {
        "agency": found,
        "contact": record.contact,
        "known": known,
        "spoken": [known[key] for key in sorted(spoken) if key in known],
        "speaks": [known[key] for key in sorted(speaks) if key in known],
        "credentials": [credential_of(row) for row in credentials],
        "secrets": [secret_of(row) for row in secrets],
        "channels": [endpoint.name for endpoint in await base.directory.endpoints()],
        "changes": await changes.newest(visit, agency=found.id),
        "exchanges": visit.parts.server.inspection.last(found.id)[:_PAGE],
        "reasons": REASONS,
        "now": now,
        "once": {},
        "record": visit.upload_url(f"/administration/agencies/{found.id}/certificate"),
    }


async def act(visit: Visit) -> web.StreamResponse:
    """One of the acts on an agency; a form whose answer shows a secret counts once."""
    if visit.form.get("act") not in _SHOWN_ONCE:
        return await _act(visit)
    return await counted_once(visit, f"/administration/agencies/{(await _named(visit)).id}", _act)


async def _act(visit: Visit) -> web.StreamResponse:
    found, form, server, actor = await _named(visit), visit.form, visit.parts.server, visit.actor
    code, reason = found.organ_id, form.get("reason", "").strip()
    once: dict[str, Any] = {}
    given: dict[str, object] = {"reason": reason}
    match form.get("act", ""):
        case "token":
            days = form.get("days", "")
            networks = form.get("networks", "").replace(",", " ").split()
            given |= {"organ_id": code, "label": form.get("label", "").strip(), "networks": networks}
            given |= {"days": int(days)} if days.isascii() and days.isdigit() and len(days) <= _DIGITS else {}
            once = await acts.issue_token(server, converted(given, IssueToken), actor)
        case "enrol":
            once = await acts.offer_enrolment(server, converted(given | {"organ_id": code}, OfferEnrolment), actor)
        case "revoke":
            given |= {"credential": form.get("credential", "")}
            await acts.revoke_credential(server, converted(given, RevokeCredential), actor)
        case "route":
            given |= {"organ_id": code, "endpoint": form.get("channel", "")}
            await acts.route_agency(server, converted(given, RouteAgency), actor)
        case "describe":
            await agency_form.describe(visit, found)
        case "represent":
            agent = await one(visit, form.get("agent", ""), is_open=True)
            given |= {"agent": agent.organ_id, "principal": code, "end": form.get("end") == "1"}
            await acts.represent(server, converted(given, Represent), actor)
        case "close":
            heir = form.get("successor", "").strip()
            given |= {
                "organ_id": code,
                "successor": (await one(visit, heir, is_open=True)).organ_id if heir else "",
            }
            await acts.end_agency(server, converted(given, EndAgency), actor)
        case _:
            raise RefusedError("parameter_invalid", "act")
    if once:
        return visit.page("admin_agency.html", **(await _agency(visit, found) | {"once": once}))
    return visit.redirect(f"/administration/agencies/{found.id}", flash=visit.gettext("Done."))


async def record(visit: Visit) -> web.StreamResponse:
    """Bind a certificate of another CA, that comes as a file."""
    found = await _named(visit)
    async with uploaded(visit, {"certificate": _MOST_CERTIFICATE}) as form:
        content = await asyncio.to_thread(form.one("certificate").path.read_bytes)
        try:
            # PEM as it is; DER, as Windows saves it, is told apart by its first byte
            pem = (
                content
                if not content.startswith(b"0")
                else x509.load_der_x509_certificate(content).public_bytes(Encoding.PEM)
            )
            text = pem.decode("ascii")
        except ValueError as error:
            raise RefusedError("parameter_invalid", "the file holds no certificate") from error
        given = {
            "organ_id": found.organ_id,
            "certificate": text,
            "label": form.fields.get("label", "").strip(),
            "networks": form.fields.get("networks", "").replace(",", " ").split(),
            "reason": form.fields.get("reason", "").strip(),
        }
    await acts.record_certificate(visit.parts.server, converted(given, RecordCertificate), visit.actor)
    told = visit.gettext("The certificate counts from the next request on.")
    return visit.redirect(f"/administration/agencies/{found.id}", flash=told)


async def certificates(visit: Visit) -> web.StreamResponse:
    """The gateway's own, with when they end, and which counted when."""
    settings = visit.base.settings
    used = await asyncio.to_thread(lambda: without_replaced(endings(settings), visit.at))
    others = await asyncio.to_thread(beside, settings)
    return visit.page(
        "admin_certificates.html",
        used=[(each, *_ends(each, visit.at)) for each in used],
        others=others,
        history=await own_certificates(visit.base.readers),
        now=visit.at,
    )


def _ends(found: Ending, now: datetime) -> tuple[str, str]:
    """Tone and words: each of the three warnings has its own."""
    if found.fault or found.ends is None:
        return "bad", N_("unusable")
    if found.ends <= now:
        return "bad", N_("ended")
    return _LEVELS[found.level(now)]


async def settings(visit: Visit) -> web.StreamResponse:
    """What is in force, and whether the file says so or it is the default."""
    path = visit.parts.server.config_path
    shown = await asyncio.to_thread(settings_shown.shown, visit.base.settings, path)
    return visit.page("admin_settings.html", groups=shown, path=str(path))


async def routing(visit: Visit) -> web.StreamResponse:
    """Where a document would go, to whom, by which channel, and why not."""
    query, base = visit.request.query, visit.base
    sender_text, text = query.get("from", "").strip(), query.get("to", "").strip()
    plan, heirs, kind = None, {}, "status" if query.get("kind") == "status" else "document"
    size, asked = query.get("size", "").strip(), query.get("type", "")
    business_type = asked if asked in _TYPES else "0"
    if sender_text and text:
        sender = await one(visit, sender_text)
        codes = await _codes_of(visit, text)
        known = await base.directory.resolve(codes, visit.at)
        heirs = await base.directory.agencies(
            {each.successor_id for each in known.values() if each.successor_id is not None}
        )
        plan = route(
            sender=sender,
            message=Routed(
                kind="status" if kind == "status" else "document", size=_bytes(size), business_type=business_type
            ),
            recipients=[(code, known.get(code)) for code in codes],
            successors=heirs,
            arrived_by=None,
            arrived_from_relay=False,
            now=visit.at,
        )
    return visit.page(
        "admin_routing.html",
        sender=sender_text,
        recipients=text,
        kind=kind,
        size=size,
        business_type=business_type,
        types=_TYPES,
        plan=plan,
        heirs=heirs,
        reasons=REASONS,
        skipped=SKIPPED,
    )


def _bytes(text: str) -> int:
    """Of a number of MB, with a comma or a point; one where nothing is said."""
    if text and not _SIZE.fullmatch(text):
        raise RefusedError("parameter_invalid", "size: MB, such as 20 or 1,5")
    return max(1, round(float(text.replace(",", ".")) * 1024**2)) if text else 1


async def _codes_of(visit: Visit, text: str) -> list[str]:
    """Codes as they are, known or not; names as the codes of those that are meant."""
    named = await written(visit, text)
    if len(named) > _CODES:
        raise RefusedError("parameter_invalid", f"to: {len(named)} > {_CODES}")
    codes = [each.text if each.is_code else (await one(visit, each.text)).organ_id for each in named]
    return list(dict.fromkeys(codes))


_SEES, _CHANGES = Permission.VIEW_ADMINISTRATION, Permission.ADMINISTER
ROUTES: Final = (
    Route("GET", "/administration", show, _SEES),
    Route("GET", "/administration/agencies", agencies, _SEES),
    Route("GET", "/administration/agencies/{id}", agency, _SEES),
    Route("POST", "/administration/agencies/{id}", act, _CHANGES),
    Route("POST", "/administration/agencies/{id}/certificate", record, _CHANGES, uploads=True),
    Route("GET", "/administration/certificates", certificates, _SEES),
    Route("GET", "/administration/settings", settings, _SEES),
    Route("GET", "/administration/routing", routing, _SEES),
)

"""The gateway as a member of the national axis: one `sendEdoc` for each dispatch and all its recipients.

A document goes out as it was received, with the CRLF behind it that the vendor's SDK writes, always with a
Content-Length and never chunked. `to` names the recipients of this dispatch; where there are so many that the
header grows beyond `VALUE_LENGTH_MAX` it is left out (the document names them itself), which the attempt's facts
say.

The axis knows no key by which it could tell a repetition, and a lost answer loses the id that it gave. So where an
earlier try may have arrived (`Outgoing.doubt`) the axis is asked first what it has from us, by sender, notation,
title and time:

- one such document: it is that one, *relayed* under the id that the list has (`inquiry: adopted`);
- none: the outcome stays unknown and the question is put again, since lists lag; after ASKED_TWICE questions it is
  sent once more, marked `possible_duplicate`;
- several, or none after that: *held*, for a person to decide.

A list that cannot be read settles nothing. Statuses may be repeated without harm, so nobody asks about them.

Settings beside those of `adapters.vxp.calls`: `hash_file` (`sdk`, as the SDK prints it, by default; `padded`),
`clock_tolerance_seconds` (300: how far the axis's clock may be off when times are compared).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import aiohttp

from adapters.upload import Upload, deferred, of_error, report_all
from adapters.vxp.calls import Acting
from adapters.vxp.outcomes import found_again, outcome_of_send
from adapters.vxp.reply import read_sent
from adapters.vxp.wire import VALUE_LENGTH_MAX, Look, digest_of
from gateway.errors import ConfigError, SourceError
from gateway.model import Endpoint, Outcome, OutcomeKind, Outgoing, SendReport
from gateway.ports import Body, Surroundings, allowed_seconds

#: Questions without a find before something in doubt is sent again.
ASKED_TWICE: Final = 2

_TOLERANCE_SECONDS = 300.0
_TYPES = {"document": "edoc", "status": "status"}


class VxpAdapter:
    """Sends to channels of kind vxp; one pool of connections for each."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._channels: dict[str, tuple[Endpoint, Acting]] = {}

    async def send(self, endpoint: Endpoint, outgoing: Outgoing, body: Body) -> SendReport:
        """Transmit once, or ask whether that is done already."""
        began = self._surroundings.clock.monotonic()
        try:
            calls = await self._calls(endpoint)
            report = await self._settled(endpoint, calls, outgoing)
            if report is None:
                report = await self._transmit(endpoint, calls, outgoing, body)
        except ConfigError as error:
            return report_all(outgoing, deferred("connect_failed", str(error)), {})
        except SourceError as error:
            return report_all(outgoing, deferred(error.code, error.detail), {"inquiry": "failed"})
        report.peer["duration_ms"] = round((self._surroundings.clock.monotonic() - began) * 1000)
        return report

    async def close(self) -> None:
        """Close every connection."""
        channels, self._channels = list(self._channels.values()), {}
        for _, calls in channels:
            await calls.close()

    async def _calls(self, endpoint: Endpoint) -> Acting:
        known = self._channels.get(endpoint.id)
        if (
            known is not None
            and known[0].settings == endpoint.settings
            and known[0].capabilities == endpoint.capabilities
        ):
            return known[1]
        calls = Acting(endpoint, self._surroundings, connections=endpoint.capabilities.max_in_flight)
        self._channels[endpoint.id] = (endpoint, calls)
        if known is not None:
            await known[1].close()
        return calls

    async def _settled(self, endpoint: Endpoint, calls: Acting, outgoing: Outgoing) -> SendReport | None:
        """What is known of something in doubt; None where it goes out (again)."""
        if outgoing.doubt is None or outgoing.kind == "status":
            return None
        parameters = {"servicetype": "eDoc", "messagetype": _TYPES[outgoing.kind]}
        lines = read_sent(await calls.look(Look.LIST_SENT, parameters))
        tolerance = timedelta(seconds=_number(endpoint, "clock_tolerance_seconds", _TOLERANCE_SECONDS))
        refs = found_again(outgoing, lines, system_id=calls.system_id, tolerance=tolerance)
        if len(refs) == 1:
            outcome = Outcome(kind=OutcomeKind.RELAYED, peer_ref=refs[0])
            return report_all(outgoing, outcome, {"inquiry": "adopted", "doc_id": refs[0]}, answered=True)
        if refs:
            detail = f"the axis has {len(refs)} that may be it: {', '.join(refs[:5])}"
            outcome = Outcome(kind=OutcomeKind.HELD, reason="outcome_ambiguous", detail=detail)
            return report_all(outgoing, outcome, {"inquiry": "several", "doc_ids": list(refs[:20])}, answered=True)
        if outgoing.doubt.inquiries + 1 < ASKED_TWICE:
            detail = "the axis does not list it; it is asked once more before it is sent again"
            outcome = Outcome(kind=OutcomeKind.UNKNOWN, reason="outcome_unknown", detail=detail)
            return report_all(outgoing, outcome, {"inquiry": "none"}, answered=True)
        if outgoing.doubt.repeats:
            detail = "it was sent twice without an answer, and the axis does not list it"
            outcome = Outcome(kind=OutcomeKind.HELD, reason="outcome_ambiguous", detail=detail)
            return report_all(outgoing, outcome, {"inquiry": "none"}, answered=True)
        return None

    async def _transmit(self, endpoint: Endpoint, calls: Acting, outgoing: Outgoing, body: Body) -> SendReport:
        parameters, facts = _parameters(endpoint, calls.system_id, outgoing, body)
        upload = Upload(body, media_type="application/octet-stream", end=b"\r\n")
        allowed = allowed_seconds(endpoint, outgoing.size, self._surroundings.timeout_seconds)
        try:
            status, retry_after, content = await calls.transmit(parameters, upload, allowed)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return report_all(outgoing, of_error(error, upload, allowed), upload.peer | facts)
        outcome = outcome_of_send(status, retry_after, content, self._surroundings.clock)
        answered = outcome.kind is not OutcomeKind.UNKNOWN and outcome.reason != "peer_credential_rejected"
        return report_all(outgoing, outcome, upload.peer | facts | {"http_status": status}, answered=answered)


def _parameters(
    endpoint: Endpoint, system_id: str, outgoing: Outgoing, body: Body
) -> tuple[dict[str, str], dict[str, object]]:
    """What is signed, and what the attempt's row should say of it."""
    facts: dict[str, object] = {}
    if outgoing.doubt is not None:
        facts["possible_duplicate"] = True
    parameters = {"from": system_id, "servicetype": "eDoc", "messagetype": _TYPES[outgoing.kind]}
    if outgoing.kind == "document":  # a status is routed by what it is about
        to = recipients_text([one.recipient_code for one in outgoing.deliveries])
        if to:
            parameters["to"] = to
        else:
            facts["to"] = "left out"
    parameters["hash-file"] = digest_of(body.sha256, str(endpoint.settings.get("hash_file", "sdk")))
    return parameters, facts


def recipients_text(codes: Sequence[str]) -> str:
    """The value of `to`; "" where it would be too long for a header."""
    text = json.dumps(list(codes), separators=(",", ":"))
    return text if len(text) <= VALUE_LENGTH_MAX else ""


def _number(endpoint: Endpoint, name: str, default: float) -> float:
    stated = endpoint.settings.get(name)
    return float(stated) if isinstance(stated, int | float) and stated >= 0 else default

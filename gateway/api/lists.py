"""Handlers of what anybody may look up: agencies, channels, code lists, limits, reason codes, certificates.

The code lists are those of QCVN 102:2016/BTTTT as used on the axis; see `schemas/README.md`.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.api import models, queries
from gateway.api.documents import id_of
from gateway.api.encryption import EncryptionCertificateOut
from gateway.api.headers import SECURITY
from gateway.api.route import Call, checked
from gateway.edxml.codes import PRIORITIES
from gateway.reasons import REASONS, Lasting


def _codes(*entries: tuple[str, str, str]) -> list[models.CodeOut]:
    return [models.CodeOut(code=code, name=models.Bilingual(vi=vi, en=en)) for code, vi, en in entries]


_CODES: Final = models.Codes(
    priorities=_codes(*((each.code, each.vi, each.en) for each in PRIORITIES.values())),
    business_types=_codes(
        ("0", "Văn bản mới", "New document"),
        ("1", "Thu hồi", "Recall"),
        ("2", "Cập nhật", "Update"),
        ("3", "Thay thế", "Replacement"),
    ),
    statuses=_codes(
        ("01", "Đã đến", "Arrived"),
        ("02", "Từ chối tiếp nhận", "Refused"),
        ("03", "Đã tiếp nhận", "Registered"),
        ("04", "Phân công xử lý", "Assigned"),
        ("05", "Đang xử lý", "Being handled"),
        ("06", "Hoàn thành", "Finished"),
        ("13", "Yêu cầu lấy lại", "Take-back requested"),
        ("15", "Đồng ý lấy lại, thu hồi, cập nhật", "Take-back, recall or update agreed"),
        ("16", "Từ chối lấy lại, thu hồi, cập nhật", "Take-back, recall or update declined"),
    ),
    steering_types=_codes(
        ("0", "Không phải chỉ đạo", "No directive"),
        ("1", "Chỉ đạo", "Directive"),
        ("2", "Báo cáo chỉ đạo", "Report on a directive"),
    ),
)
_REASONS: Final = models.Reasons(
    items=[
        models.ReasonOut(
            code=entry.code,
            temporary=entry.lasting is Lasting.TEMPORARY,
            status=entry.http,
            message=models.Bilingual(vi=entry.vi, en=entry.en),
            next_step=models.Bilingual(vi=entry.next_vi, en=entry.next_en),
        )
        for entry in REASONS.values()
    ]
)
_LONGEST_WAIT: Final = 60
_PAGE: Final = 500


async def search_agencies(call: Call) -> models.AgencyPage:
    """GET /agencies."""
    asked = checked(call.query, queries.AgencyFilter)
    return await call.gateway.agencies(asked.q, asked.organ_id, asked.limit, asked.cursor)


async def show_agency(call: Call) -> models.AgencyOut:
    """GET /agencies/{id}."""
    return await call.gateway.agency(id_of(call))


async def show_encryption_certificate(call: Call) -> EncryptionCertificateOut:
    """GET /agencies/{code}/encryption-certificate."""
    return await call.gateway.encryption_certificate(checked(call.path, queries.ByCode).code)


async def list_channels(call: Call) -> models.Channels:
    """GET /channels."""
    return models.Channels(items=await call.gateway.channels(call.caller))


async def list_codes(_call: Call) -> models.Codes:
    """GET /codes."""
    return _CODES


async def list_reasons(_call: Call) -> models.Reasons:
    """GET /reasons."""
    return _REASONS


async def show_limits(call: Call) -> models.Limits:
    """GET /limits."""
    limits = call.parts.settings.limits
    return models.Limits(
        max_body=limits.max_body,
        max_header=limits.max_header,
        max_attachment=limits.max_attachment,
        max_attachments_total=limits.max_attachments_total,
        max_attachments=limits.max_attachments,
        max_recipients=limits.max_recipients,
        daily_quota=await call.gateway.daily_quota(call.caller),
        requests_per_second=limits.requests_per_second,
        deliveries_per_second=limits.deliveries_per_second,
        requests_at_once=limits.requests_at_once,
        uploads_at_once=limits.uploads_at_once,
        page_size=_PAGE,
        longest_wait_seconds=_LONGEST_WAIT,
    )


async def enrol(call: Call) -> models.Certificate:
    """POST /enrol."""
    return await call.gateway.enrol(checked(call.body, models.EnrolmentRequest), call.request.remote or "")


async def renew(call: Call) -> models.Certificate:
    """POST /renew."""
    return await call.gateway.renew(call.caller, checked(call.body, models.RenewalRequest))


class Described:
    """The OpenAPI document and its page, made once; they describe the table that they are part of."""

    def __init__(self, document: bytes, page: bytes, page_policy: str) -> None:
        self._document = document
        self._page = page
        self._policy = page_policy

    async def document(self, _call: Call) -> web.StreamResponse:
        """GET /openapi.json."""
        return _static(self._document, "application/json", None)

    async def page(self, _call: Call) -> web.StreamResponse:
        """GET /docs."""
        return _static(self._page, "text/html", self._policy)


def _static(body: bytes, content_type: str, policy: str | None) -> web.Response:
    headers = SECURITY.copy()
    if policy is not None:
        headers["Content-Security-Policy"] = policy
    charset = "utf-8" if content_type == "text/html" else None
    return web.Response(body=body, headers=headers, content_type=content_type, charset=charset)

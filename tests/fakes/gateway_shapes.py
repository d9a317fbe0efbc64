"""The two agencies of the HTTP tests, and answers about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.api import models
from gateway.api.service import Arrival
from gateway.model import AgencyId

SENDER = AgencyId("agency-province")
RECIPIENT = AgencyId("agency-commune")
ORGAN_IDS = {SENDER: "H33.01", RECIPIENT: "000.01.01.H33"}
NOW = datetime(2018, 11, 1, 2, 0, tzinfo=UTC)


def document_shape(arrival: Arrival, message_id: str, kind: str, digest: str, size: int) -> models.DocumentOut:
    """One document as its sender sees it."""
    return models.DocumentOut(
        id=message_id,
        kind="status" if kind == "status" else "document",
        sender=arrival.caller.agency_id,
        sender_organ_id=ORGAN_IDS[arrival.caller.agency_id],
        document_id="H33.01,2018/11/01,125/UBND-VP",
        number="125",
        notation="UBND-VP",
        promulgated_on=NOW.date(),
        subject="x",
        business_type="0",
        priority=0,
        sha256=digest,
        size=size,
        received_at=arrival.at,
        accepted_at=NOW,
        original_id=None,
        states={"queued": 1},
    )


def delivery_shape(delivery_id: str, recipient: AgencyId) -> models.DeliveryOut:
    """A delivery that waits."""
    return models.DeliveryOut(
        id=delivery_id,
        recipient=recipient,
        organ_id=ORGAN_IDS[recipient],
        name="Xã",
        state="queued",
        final=False,
        business_status="",
        reason="",
        detail="",
        peer_reference="",
        created_at=NOW,
        state_at=NOW,
    )


def agency_shape(agency_id: AgencyId) -> models.AgencyOut:
    """An agency of the directory."""
    return models.AgencyOut(
        id=agency_id,
        organ_id=ORGAN_IDS[agency_id],
        codes=[ORGAN_IDS[agency_id]],
        name="Ủy ban nhân dân",
        kind="commune",
        parent=None,
        closed=False,
        successor=None,
        endpoint=None,
        capabilities={},
    )


def certificate_shape() -> models.Certificate:
    """What an enrolment gives."""
    return models.Certificate(
        certificate="PEM", chain="PEM", fingerprint="0" * 64, not_after=NOW + timedelta(days=365), organ_id="H33.01"
    )

"""Bad input against the whole gateway: each gets its reason code, nothing is stored, the next document passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.client import GatewayClient
from gateway.config.values import Size
from gateway.directory.changes import CloseAgency, CloseAgencyOperation
from gateway.errors import ProblemError
from gateway.reasons import REASONS
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation
from tests.journeys.killers import die
from tests.journeys.messages import document, status

VECTORS = Path(__file__).parents[1] / "vectors" / "edxml"
GOOD = document(PROVINCE, [COMMUNE], number="1")


def broken(pattern: bytes, replacement: bytes) -> bytes:
    """The good document with one thing changed."""
    changed, count = re.subn(pattern, replacement, GOOD, count=1, flags=re.DOTALL)
    assert count == 1
    return changed


BOMB = (
    b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><edXML>&y;</edXML>"""
)
EXTERNAL = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><edXML>&x;</edXML>"""

CASES = {
    "not_xml": (b"\x89PNG not xml at all", "xml_not_wellformed"),
    "bomb": (BOMB, "xml_forbidden_construct"),
    "external_entity": (EXTERNAL, "xml_forbidden_construct"),
    "doctype_alone": (b"<!DOCTYPE edXML><edXML/>", "xml_forbidden_construct"),
    "deep_nesting": (b"<edXML>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</edXML>", "xml_limits_exceeded"),
    "wrong_encoding": (GOOD.replace("Rạch".encode(), b"R\xe1ch"), "xml_encoding_invalid"),
    "cut_in_the_middle": (GOOD[: len(GOOD) // 2], "xml_not_wellformed"),
    "other_xml": (b"<?xml version='1.0'?><invoice/>", "not_edxml"),
    "no_from": (broken(rb"<edXML:From>.*?</edXML:From>", b""), "sender_missing"),
    "no_to": (broken(rb"<edXML:To>.*?</edXML:To>", b""), "recipients_missing"),
    "unknown_recipient": (GOOD.replace(COMMUNE.encode(), b"009.09.09.H33"), "recipient_unknown"),
    "unknown_sender": (GOOD.replace(PROVINCE.encode(), b"000.00.77.H33"), "sender_unknown"),
    "somebody_else": (document(PUSHED, [COMMUNE]), "sender_not_permitted"),
    "attachment_missing": (broken(rb"<AttachmentEncoded>.*</AttachmentEncoded>", b""), "attachment_missing"),
    "base64_cut": (broken(rb"(<edXML:ContentTransferEncoded[^>]*>.{41}).*?<", rb"\1<"), "attachment_invalid"),
    "header_of_two_megabytes": (
        document(PROVINCE, [COMMUNE], subject="x" * 2_000_000),
        "xml_limits_exceeded",
    ),
    "refusal_without_reason": (
        status(COMMUNE, "03", sender=PROVINCE).replace(b">03<", b">02<"),
        "status_reason_missing",
    ),
    "status_code_unknown": (
        status(COMMUNE, "03", sender=PROVINCE).replace(b">03<", b">77<"),
        "status_code_unknown",
    ),
}


async def refused(client: GatewayClient, body: bytes) -> ProblemError:
    """The problem that comes back for these bytes."""
    with pytest.raises(ProblemError) as caught:
        await client.submit(body)
    return caught.value


@pytest.mark.parametrize("name", sorted(CASES))
async def test_bad_document_is_refused_by_code_and_stores_nothing(installation: Installation, name: str) -> None:
    """Every refusal has a code of the closed list in both languages, and the queue goes on."""
    body, code = CASES[name]
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        sender = commune if code.startswith("status_") else province
        problem = await refused(sender, body)
        assert problem.code == code
        assert problem.code in REASONS
        assert problem.texts["vi"]
        assert problem.next_steps["en"]
        assert (await province.documents()).items == []
        await province.submit(GOOD)
    assert installation.app is not None
    assert list((installation.settings.storage.folder / "spool").iterdir()) == []


async def test_zip_bomb_is_refused(installation: Installation) -> None:
    """A small ZIP that unpacks to very much is refused while it unpacks."""
    body = document(PROVINCE, [COMMUNE], content=b"\0" * 40_000_000)
    assert len(body) < 300_000
    async with installation.client(PROVINCE) as province:
        assert (await refused(province, body)).code in {"attachment_bomb", "attachment_too_large"}


async def test_dangerous_attachment_name_becomes_a_safe_one(installation: Installation) -> None:
    """A name with `../` or of 400 characters is kept as evidence and never becomes a path."""
    name = b"../../" + b"a" * 400 + b".pdf"
    body = GOOD.replace(b">1.pdf<", b">" + name + b"<")
    async with installation.client(PROVINCE) as province, installation.client(COMMUNE) as commune:
        await province.submit(body)
        item = (await commune.inbox(wait=5)).items[0]
        found = (await commune.item(item.id)).attachments[0]
        assert "/" not in found.name
        assert len(found.name) <= 80
        assert found.name.endswith(".pdf")
        assert await commune.attachment(item.id, 1) == b"%PDF-1.4\nmot trang\n%%EOF\n"


async def test_closed_agency_is_refused(installation: Installation) -> None:
    """A recipient that no longer exists is refused by name."""
    assert installation.app is not None
    base = installation.app.foundation
    now = base.clock.now()
    found = await base.directory.resolve([COMMUNE, PUSHED], now)
    change = CloseAgency(
        agency_id=found[COMMUNE].id, at=now, successor_id=found[PUSHED].id, actor="operator:test", now=now
    )
    await base.directory.apply(base.pump, CloseAgencyOperation(), change)
    async with installation.client(PROVINCE) as province:
        problem = await refused(province, GOOD)
    assert problem.code == "recipient_closed"
    assert PUSHED in str(problem.detail)


async def test_quota_counts_bytes_times_recipients(installation: Installation) -> None:
    """What goes over the day's quota is refused with the time when it may be tried again."""
    assert installation.app is not None
    intake = installation.app.gateway.intake
    intake._default_quota = Size(len(GOOD) + 10)
    async with installation.client(PROVINCE) as province:
        await province.submit(GOOD)
        problem = await refused(province, document(PROVINCE, [COMMUNE], number="2"))
    assert problem.code == "quota_exceeded"
    assert problem.retry_after is not None


async def test_full_disk_refuses_before_anything_is_written(installation: Installation) -> None:
    """Below the minimum of free space a submission gets 503 and a time, and nothing reaches the spool."""
    assert installation.app is not None
    intake = installation.app.gateway.intake
    intake._min_free = Size(1 << 60)
    async with installation.client(PROVINCE) as province:
        problem = await refused(province, GOOD)
        assert (problem.code, problem.status) == ("disk_nearly_full", 503)
        assert problem.retry_after is not None
        intake._min_free = Size(0)
        await province.submit(GOOD)


async def test_parser_that_dies_is_a_refusal_and_the_next_document_passes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that kills its parser's process costs nobody else anything."""
    async with installation.client(PROVINCE) as province:
        with monkeypatch.context() as patched:
            patched.setattr("gateway.inspecting.inspect", die)
            problem = await refused(province, GOOD)
        assert problem.code == "parser_failed"
        await province.submit(GOOD)

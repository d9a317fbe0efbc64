"""Signatures that others made, on the way of a document: examined after its acceptance, before its delivery."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.installation import COMMUNE, MINISTRY, PROVINCE, prepare
from tests.journeys.messages import document
from tests.journeys.test_journey import reaches, until
from tests.unit.signatures.cms_made import CmsPlan
from tests.unit.signatures.pdf_made import signed
from tests.unit.signatures.vector_cases import write_anchors

CONFIG = """
[checks]
policy = "record"
require = ["{code}"]
signers = "foreign/signers"
stamps = "foreign/stamps"
"""


async def test_required_signatures_hold_a_document_until_their_verdict(tmp_path: Path, pki_folder: Path) -> None:
    """Signed by person and agency it goes on by itself; unsigned it waits for a person."""
    folder = tmp_path / "site"
    folder.mkdir()
    write_anchors(folder / "foreign")
    made = await prepare(folder, pki_folder, more=CONFIG.format(code=COMMUNE))
    pdf = signed(CmsPlan(member="person"), CmsPlan(member="agency")).data
    async with made.running(), made.client(PROVINCE) as province, made.client(COMMUNE) as commune:
        accepted = await province.submit(document(PROVINCE, [COMMUNE], content=pdf))
        item = (await commune.inbox(wait=20)).items[0]
        assert item.message_id == accepted.id
        shown = (await province.document(accepted.id)).signatures
        assert shown is not None
        assert (shown.verdict, shown.vi) == ("PASSED", "chữ ký cá nhân, chữ ký cơ quan: hợp lệ")
        assert [(each.signer_kind, each.verdict) for each in shown.items] == [
            ("person", "PASSED"),
            ("agency", "PASSED"),
        ]
        unsigned = await province.submit(document(PROVINCE, [COMMUNE], number="126"))

        async def judged() -> bool:
            line = await reaches(province, unsigned.id, COMMUNE, "held")
            return line.reason == "signatures_not_valid"

        await until(judged)
        recorded = await province.submit(document(PROVINCE, [MINISTRY], number="127"))
        assert (await province.document(recorded.id)).signatures is not None
        assert len((await commune.inbox()).items) == 1

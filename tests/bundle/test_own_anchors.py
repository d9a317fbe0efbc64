"""What the console trusts when nobody brings anchors along: all that this installation is configured with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.config.settings import Settings
from gateway.config.values import WitnessAddress
from gateway.inquiry.checking import Checker
from tests.bundle.making import AT, WITNESSES, witness
from tests.bundle.test_institution import signature, with_signature, write_institution


def configured(anchors: Path) -> Settings:
    """Settings that lead to what an auditor has in this folder, and to its witnesses."""
    known = Settings()
    addresses = tuple(
        WitnessAddress(url="https://witness.example.vn/", key=witness(name).verifier) for name in WITNESSES
    )
    return replace(
        known,
        seal=replace(known.seal, anchors=anchors / "seal"),
        stamps=replace(known.stamps, anchors=anchors / "tsa"),
        institution=replace(known.institution, anchors=anchors / "institution"),
        log=replace(known.log, vkey=anchors / "log.vkey", witnesses=addresses, quorum=2),
    )


async def test_console_judges_witnesses_and_institution_by_the_settings(tmp_path: Path) -> None:
    """As gateway-verify does with a folder of the same; they stand among what was trusted."""
    file, checker = tmp_path / "a.asice", Checker()
    file.write_bytes(with_signature(signature()))
    settings = configured(write_institution(tmp_path / "anchors"))
    found = await checker.check(file, file.stat().st_size, settings, AT)
    of = {check["name"]: check["verdict"] for check in found["checks"]}
    assert (found["verdict"], of["witnesses"], of["institution"]) == ("PASSED", "PASSED", "PASSED")
    assert {f"log.witness.{name}" for name in WITNESSES} <= of.keys()
    assert {purpose for purpose, *_ in found["trusted"]} == {"seal", "tsa", "institution", "log", "witness"}
    third = WitnessAddress(url="https://witness.example.vn/", key=witness("third/witness").verifier)
    settings = replace(settings, log=replace(settings.log, witnesses=(*settings.log.witnesses, third), quorum=3))
    found = await checker.check(file, file.stat().st_size, settings, AT)
    await checker.close()
    assert [each["reason"] for each in found["checks"] if each["name"] == "witnesses"] == ["too_few_witnesses"]

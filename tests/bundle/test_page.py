"""`verify.html` in a real browser: never PASSED where gateway-verify is not, over every vector."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import gateway.verifying
from gateway.bundle.absence import DayRegisters
from gateway.bundle.build import Material
from gateway.bundle.container import Container
from gateway.bundle.facts import written
from gateway.bundle.format import ARCHIVE, EXPORT, MIMETYPE
from gateway.seal.report import Verdict
from gateway.seal.stamp_token import token_of
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.seal.unsigned import Unsigned, archive_imprint, extended, signature_imprint
from gateway.seal.verify import verify_receipt
from gateway.transparency.registers import number_text
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Verification
from gateway.verifying.stamps import judged
from gateway.verifying.verify import verify
from tests.bundle.absences import parts, proof
from tests.bundle.browser import Page, browser
from tests.bundle.making import AT, MADE_AT, made
from tests.bundle.stamping import stamp
from tests.bundle.test_absences import at, places
from tests.bundle.test_institution import signature, with_signature, write_institution
from tests.bundle.test_purged import purged_story, without_bytes
from tests.bundle.vector_cases import ABSENCES, FOLDER
from tests.system_tools import require_tool
from tests.unit.seal.stamp_cases import NOTE
from tools.pages.verifying_page import page as made_page

PAGE = Path(gateway.verifying.__file__).with_name("verify.html")
SEALS, STAMPS = FOLDER.parent / "seal", FOLDER.parent / "stamps"
#: From the best to the worst.
ORDER = (Verdict.PASSED, Verdict.INDETERMINATE, Verdict.FAILED)
_TABLE = """Array.from(document.querySelectorAll('#checks tr'), (row) =>
    [row.children[0].textContent, row.children[1].firstChild.textContent])"""
_HELPERS = """
globalThis.raw = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
globalThis.store = (files) => storeOf(new Map(Object.entries(files).map(([name, text]) => [name, raw(text)])));
globalThis.anchors = async (seal) => ({seal: await store(seal), tsa: null, log: [], witnesses: [], quorum: 1});
"""


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with browser(require_tool("chromium", "chromium"), tmp_path / "profile") as found:
        yield found


def by_program(folder: Path, expected: dict[str, Any], at: datetime) -> Verification:
    anchors = expected["anchors"]
    given = None if anchors == "none" else Anchors.load(FOLDER / "anchors" / anchors)
    return verify(Container.of((folder / "bundle.asice").read_bytes()), given, at)


async def opened(page: Page, anchors: str) -> None:
    """The page with these anchors, chosen as a person would."""
    await page.open(PAGE.as_uri())
    if anchors == "none":
        return
    folder = FOLDER / "anchors" / anchors
    await page.choose("#seal", sorted((folder / "seal").iterdir()))
    await page.choose("#tsa", sorted((folder / "tsa").iterdir()))
    await page.choose("#keys", [folder / "log.vkey", folder / "witnesses.vkey"])
    keys = sorted(folder.glob("receivers/*"))
    if keys:
        await page.choose("#receivers", keys)
    await page.until(f"element('held').textContent.split(',').length === {4 + len(keys)}")


async def shown(page: Page, bundle: Path, day: str) -> tuple[Verdict, list[list[str]]]:
    """What a person sees who chooses this bundle then."""
    await page.value(f"delete document.body.dataset.done; element('at').value = '{day}'")
    await page.choose("#bundle", [bundle])
    await page.until("document.body.dataset.done")
    verdict = await page.value("element('verdict').textContent.split(':')[0]")
    return Verdict(verdict), await page.value(_TABLE)


def test_page_is_what_its_sources_make_and_asks_for_nothing_from_elsewhere() -> None:
    """One file: no address but the names of namespaces, a policy that allows its own script and style alone."""
    text = PAGE.read_text("utf-8")
    assert text == made_page()
    assert "default-src 'none'; script-src 'sha256-" in text
    assert "unsafe-" not in text
    for word in (
        " src=",
        "href=",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
        "innerHTML",
        "eval(",
        "document.write",
    ):
        assert word not in text, word


async def test_page_says_of_each_vector_what_gateway_verify_says(page: Page) -> None:
    """Chosen as a person would: the same verdict, and no check that is better than the program's."""
    chosen = ""
    paths = [*FOLDER.glob("*/expected.json"), *(FOLDER / ABSENCES).glob("*/expected.json")]
    folders = {path.parent: json.loads(path.read_text()) for path in sorted(paths)}
    for folder, expected in sorted(folders.items(), key=lambda each: str(each[1]["anchors"])):
        if expected["anchors"] != chosen:
            await opened(page, chosen := expected["anchors"])
        day = expected["at"][:10]
        at = datetime.combine(datetime.fromisoformat(expected["at"]).date(), time.max, UTC)
        own = by_program(folder, expected, at)
        verdict, table = await shown(page, folder / "bundle.asice", day)
        assert verdict is own.verdict, (folder.name, table)
        told = {check.name: check.verdict for check in own.checks}
        better = [name for name, seen in table if ORDER.index(Verdict(seen)) < ORDER.index(told[name])]
        assert not better, folder.name
        signed = {name for name in told if name.endswith(".signature") and name.startswith("receiver.")}
        assert signed <= {name for name, _ in table}, folder.name
    assert await page.value("performance.getEntriesByType('resource').length") == 0


async def test_page_leaves_a_destroyed_document_to_the_program(page: Page, tmp_path: Path) -> None:
    """It has no place for the original, so it is not better than the program, whatever that finds."""
    await opened(page, "good")
    bundle = tmp_path / "purged.asice"
    bundle.write_bytes(made(purged_story(), change=without_bytes))
    verdict, table = await shown(page, bundle, str(AT.date()))
    assert verdict is Verdict.INDETERMINATE
    assert table == [["format", "INDETERMINATE"]]


async def test_page_names_the_command_that_checks_a_month_archive(page: Page, tmp_path: Path) -> None:
    """It checks nothing of one, and says so."""
    await opened(page, "good")
    bundle = tmp_path / "ledger-2026-10.asice"
    bundle.write_bytes(
        made(change=lambda material: replace(material, others=dict(material.others) | {ARCHIVE: b"{}"}))
    )
    verdict, table = await shown(page, bundle, str(AT.date()))
    assert (verdict, table) == (Verdict.INDETERMINATE, [["format", "INDETERMINATE"]])
    assert "checks nothing of an archive: gateway-verify FILE --anchors DIR" in await page.value(
        "element('checks').textContent"
    )


async def test_page_tells_what_there_is_not(page: Page) -> None:
    """The question of a proof of absence stands where a bundle's document does."""
    await opened(page, "good")
    verdict, _ = await shown(page, FOLDER / ABSENCES / "number" / "bundle.asice", str(AT.date()))
    assert verdict is Verdict.PASSED
    assert "number 9/UBND-VP by 000.00.00.H33 to anybody" in await page.value("element('about').textContent")


async def test_proofs_of_absence_are_never_better_than_by_the_program(page: Page) -> None:
    """Each value of a day's file changed, and all of it sealed again by whoever has the key."""
    await opened(page, "good")
    await page.value(_HELPERS)
    anchors, good = Anchors.load(FOLDER / "anchors" / "good"), parts()
    day = good.days[0].day
    told = json.loads(written(good.registers[day]))
    verdicts = set()
    for number, path in enumerate(places(told)):
        changed = json.loads(json.dumps(told))
        above = at(changed, path[:-1])
        if above[path[-1]] is None or (number % 3 and path[-1] not in {"salts", "salt", "path"}):
            continue
        above[path[-1]] = other(above[path[-1]])
        made_so = replace(good, registers={**good.registers, day: msgspec.convert(changed, DayRegisters)})
        file = proof(made_so)
        own = verify(Container.of(file), anchors, AT).verdict
        seen = await page.value(
            f"verify(raw('{_b64(file)}'), given, {_millis(AT)}).then((found) => worstOf(found.checks))"
        )
        assert ORDER.index(Verdict(seen)) >= ORDER.index(own), path
        verdicts |= {own}
    assert verdicts == {Verdict.FAILED}


def other(value: Any) -> Any:
    """Another one of its kind."""
    if isinstance(value, str):
        swapped = {"number": "recipient", "recipient": "number", "": "00"}
        return swapped.get(value, value[:-1] + ("0" if value[-1:] != "0" else "1"))
    return value + 1


async def test_numbers_are_compared_as_by_the_program(page: Page) -> None:
    """Or not at all: letters of which the browser makes others are left to the program."""
    await page.open(PAGE.as_uri())
    codes = (*range(0x20, 0x250), *range(0x300, 0x3D0), *range(0x1E90, 0x1F00))
    plain = ["12/UBND-VP", "007/Đ", "0/a", "00/a", " 1 2 / b ", "a\u0323\u0302/x"]
    numbers = [*plain, *(f"1/{chr(code)}a" for code in codes)]
    tried = "(each) => { try { return numberText(each); } catch (error) { return null; } }"
    found = await page.value(f"{json.dumps(numbers)}.map({tried})")
    due = [number_text(*each.split("/", 1)) for each in numbers]
    assert [each for each in zip(numbers, found, due, strict=True) if each[1] not in {None, each[2]}] == []
    assert len([each for each in found if each is not None]) > 200
    assert None not in found[: len(plain)]


async def test_seals_and_stamps_are_never_better_than_by_the_program(page: Page) -> None:
    """The attacks on receipts and time stamps: what the program does not pass, the page does not."""
    await page.open(PAGE.as_uri())
    await page.value(_HELPERS)
    seal_anchors, stamp_anchors = _files(SEALS / "anchors"), _files(STAMPS / "anchors")
    seals = TrustStore.load(SEALS / "anchors", TrustPurpose.SEAL)
    stamps = Anchors(seal=seals, tsa=TrustStore.load(STAMPS / "anchors", TrustPurpose.TSA))
    passed = set()
    for folder in sorted(path.parent for path in SEALS.glob("*/expected.json")):
        at = datetime.fromisoformat(json.loads((folder / "expected.json").read_text())["at"])
        receipt, document, transfer = (
            (folder / name).read_bytes() for name in ("receipt.xml", "document.edxml", "transfer.json")
        )
        digest = hashlib.sha256(document).digest()
        own = verify_receipt(receipt, document_sha256=digest, transfer=transfer, anchors=seals, at=at).verdict
        told = await page.value(
            f"(async () => worstOf(await guarded('r', async () => checkReceipt('r', raw('{_b64(receipt)}'),"
            f" raw('{_b64(digest)}'), raw('{_b64(transfer)}'), {{at: {_millis(at)}, unexamined: new Set(),"
            f" anchors: await anchors({json.dumps(seal_anchors)})}}))))()"
        )
        assert told != "PASSED" or own is Verdict.PASSED, folder.name
        passed |= {folder.name} if told == "PASSED" else set()
    for folder in sorted(path.parent for path in STAMPS.glob("*/expected.json")):
        reply = (folder / "reply.tsr").read_bytes()
        own = judged("s", reply, hashlib.sha256(NOTE).digest(), stamps)[0].verdict
        told = await page.value(
            f"(async () => (await stampOf({{smallOf: () => raw('{_b64(reply)}')}}, 'evidence/stamps/0.tsr',"
            f" raw('{_b64(NOTE)}'), await store({json.dumps(stamp_anchors)})))[0].verdict)()"
        )
        assert told != "PASSED" or own is Verdict.PASSED, folder.name
        passed |= {folder.name} if told == "PASSED" else set()
    assert {"accepted-rsa", "accepted-p256", "accepted-listed", "accepted-old-certificate-id"} <= passed


async def test_stamps_within_seals_are_judged_as_by_the_program(page: Page, tmp_path: Path) -> None:
    """Over the receipt's value, over the export's, an archive stamp over all; and the same over other bytes."""
    await opened(page, "good")
    for name, imprint in (("right", None), ("wrong", bytes(32))):
        bundle = tmp_path / f"{name}.asice"
        bundle.write_bytes(stamped_within(imprint))
        at = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
        own = verify(Container.open(bundle), Anchors.load(FOLDER / "anchors" / "good"), at)
        verdict, table = await shown(page, bundle, "2026-11-23")
        assert verdict is own.verdict is (Verdict.FAILED if imprint else Verdict.PASSED)
        ours = {(each.name, str(each.verdict)) for each in own.checks if "stamp" in each.name}
        assert ours == {(each, told) for each, told in table if "stamp" in each}
        assert {"acceptance.stamp", "export.stamp", "export.archive_stamp"} <= {each for each, _ in ours}


def stamped_within(imprint: bytes | None) -> bytes:
    """A bundle whose receipt has a stamp in it, and whose export seal has two."""

    def token(about: bytes) -> bytes:
        return token_of(stamp(imprint or about, MADE_AT + timedelta(minutes=5)))

    def received(material: Material) -> Material:
        receipt = material.document.receipt
        properties = Unsigned(signature_stamp=token(signature_imprint(receipt)))
        return replace(material, document=replace(material.document, receipt=extended(receipt, properties)))

    plain = Container.of(made(change=received))
    content = hashlib.sha256()
    for name in plain.entries:
        if name not in {MIMETYPE, EXPORT}:
            content.update(plain.bytes_of(name))

    def archived(seal: bytes) -> bytes:
        first = Unsigned(signature_stamp=token(signature_imprint(seal)))
        over = archive_imprint(extended(seal, first), content)
        return extended(seal, replace(first, archive_stamp=token(over)))

    return made(change=received, seal=archived)


async def test_signature_of_the_institution_is_judged_as_by_the_program(page: Page, tmp_path: Path) -> None:
    """One that holds, over another checkpoint, cut short, by a key that may not; and without anchors for it."""
    folder = write_institution(tmp_path / "anchors")
    await opened(page, "good")
    cases = {
        "good": signature(), "other": signature(b"another checkpoint"), "cut": signature()[:-1], "empty": b"",
        "usage": signature(member="seal-wrong-usage"), "rsa": signature(member="seal-rsa"),
    }  # fmt: skip
    for has_anchors in (False, True):
        if has_anchors:
            await page.choose("#institution", [folder / "institution" / "root.pem"])
            await page.until("given.institution.size === 1")
        given = Anchors.load(folder if has_anchors else FOLDER / "anchors" / "good")
        for name, raw in cases.items():
            bundle = tmp_path / f"{has_anchors}-{name}.asice"
            bundle.write_bytes(with_signature(raw))
            at = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
            own = verify(Container.open(bundle), given, at)
            verdict, table = await shown(page, bundle, "2026-11-23")
            assert verdict is own.verdict, name
            assert {each.name: str(each.verdict) for each in own.checks}["institution"] == dict(table)[
                "institution"
            ]


async def test_no_changed_byte_passes_in_the_page(page: Page) -> None:
    """Wherever it is; and what is no bundle at all gets a verdict as well."""
    await page.open(PAGE.as_uri())
    await page.value(_HELPERS)
    folder = FOLDER / "anchors" / "good"
    keys = {name: _b64((folder / name).read_bytes()) for name in ("log.vkey", "witnesses.vkey")}
    told = await page.value(
        f"""(async () => {{
        const good = raw('{_b64(made())}'), at = {_millis(AT)};
        const files = (all) => new Map(Object.entries(all).map(([name, text]) => [name, raw(text)]));
        const seal = files({json.dumps(_files(folder / "seal"))}), keys = files({json.dumps(keys)});
        const given = {{seal, tsa: new Map(), keys}};
        const found = [];
        for (let at_ = 17; at_ < good.length; at_ += Math.floor(good.length / 40)) {{
          const changed = good.slice();
          changed[at_] ^= 1 << (at_ % 8);
          found.push(worstOf((await verify(changed, given, at)).checks));
        }}
        for (const size of [0, 1, 22, 1000]) {{
          found.push(worstOf((await verify(good.slice(0, size), given, at)).checks));
        }}
        return [worstOf((await verify(good, given, at)).checks), ...new Set(found)];
        }})()"""
    )
    assert told == ["PASSED", "FAILED"]


def _files(folder: Path) -> dict[str, str]:
    return {path.name: _b64(path.read_bytes()) for path in folder.iterdir()}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)

"""Registers of a running gateway: a closed day, the proof of absence verified offline, tampering that is found."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.clock import VIETNAM
from gateway.maintenance.registrar import MARGIN, Registrar
from gateway.observe import Metrics
from tests.journeys.installation import COMMUNE, PROVINCE, PUSHED, Installation, prepare
from tests.journeys.messages import document
from tests.journeys.test_bundles import anchors_of, verified
from tests.journeys.test_log import report_of, signed
from tests.journeys.test_log_tampering import found, tampered


class Tomorrow:
    """Eleven minutes past the next midnight of Vietnam, an hour after a start."""

    def __init__(self) -> None:
        self.today = datetime.now(VIETNAM).date()
        midnight = datetime.combine(self.today + timedelta(days=1), datetime.min.time(), VIETNAM)
        self._now, self._gone = (midnight + MARGIN + timedelta(minutes=1)).astimezone(UTC), 0.0

    def now(self) -> datetime:
        return self._now + timedelta(seconds=self._gone)

    def monotonic(self) -> float:
        self._gone += 3600.0
        return self._gone


async def sent(site: Installation, sender: str, recipient: str, number: str) -> str:
    async with site.client(sender) as client:
        return (await client.submit(document(sender, [recipient], number=number))).id


async def close_today(site: Installation) -> date:
    """As the duty does after midnight; its leaf is signed."""
    assert site.app is not None
    base, clock = site.app.foundation, Tomorrow()
    await signed(site)
    registrar = Registrar(base.readers, base.pump, clock=clock, metrics=Metrics())
    await registrar.run_once()
    assert str(clock.today) in registrar.condition.words, registrar.condition.words
    await signed(site)
    return clock.today


async def test_absence_is_proved_for_closed_days_and_refused_where_there_is_a_document(
    pki_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By number, recipient, both, and of an agency that sent nothing; verified offline, without the ledger."""
    folder = tmp_path / "site"
    folder.mkdir()
    site = await prepare(folder, pki_folder)
    anchors = anchors_of(site, tmp_path / "anchors")
    config = ["--config", str(folder / "config.toml")]
    out = tmp_path / "none.asice"

    async def export(*arguments: str, issuer: str = PROVINCE) -> int:
        asked = ["export", "--none", "--issuer", issuer, "--from", day, "--to", day, "--out", str(out)]
        return await asyncio.to_thread(main, [*config, *asked, *arguments])

    async with site.running():
        day = str(datetime.now(VIETNAM).date())
        await sent(site, PROVINCE, COMMUNE, "7")
        await sent(site, PROVINCE, PUSHED, "8")
        await sent(site, COMMUNE, PROVINCE, "3")
        assert await export("--number", "9/UBND-VP") == 1
        assert "register_open" in capsys.readouterr().err
        assert str(await close_today(site)) == day
        questions: tuple[tuple[str, ...], ...] = (
            ("--number", "9/UBND-VP"),
            ("--number", "7/UBND-VP", "--recipient", PUSHED),
            ("--recipient", PROVINCE),
        )
        for question in questions:
            assert await export(*question) == 0, capsys.readouterr().err
            await passed(out, anchors)
        assert await export(issuer=PUSHED) == 0
        await passed(out, anchors)
        alone = await asyncio.to_thread(verified, out)
        assert alone["verdict"] == "INDETERMINATE"
        spellings = (("--number", each) for each in ("07/ubnd-vp", "7/UBND–VP", "7/UBND VP", "7/UBNDVP"))
        for question in (*spellings, ("--recipient", COMMUNE), ()):
            assert await export(*question) == 1, question
            assert "document_exists" in capsys.readouterr().err
        assert await export("--number", "7") == 2
        assert await export("--from", "2020-01-01") == 1
        assert await asyncio.to_thread(main, [*config, "register", "list", "--json"]) == 0
        (listed,) = json.loads(capsys.readouterr().out)
        assert (listed["day"], listed["documents"], listed["registers"], listed["signed"]) == (day, 3, 2, True)
        assert (
            await asyncio.to_thread(main, [*config, "register", "show", day, "--agency", PROVINCE, "--json"]) == 0
        )
        (shown,) = json.loads(capsys.readouterr().out)["registers"]
        assert (shown["code"], shown["documents"], shown["entries"]) == (PROVINCE, 2, 2)
        assert await asyncio.to_thread(main, [*config, "register", "show", "2020-01-01"]) == 1


async def passed(file: Path, anchors: Path) -> None:
    report = await asyncio.to_thread(verified, file, "--anchors", str(anchors))
    assert report["verdict"] == "PASSED", report
    assert report["absent"]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, pki_folder: Path) -> tuple[Installation, list[str]]:
    """A stopped installation with a closed day of three documents; tests copy it."""
    folder = tmp_path_factory.mktemp("closed") / "site"
    folder.mkdir()

    async def fill() -> tuple[Installation, list[str]]:
        made = await prepare(folder, pki_folder)
        async with made.running():
            ids = [await sent(made, PROVINCE, COMMUNE, number) for number in ("1", "2", "3")]
            await close_today(made)
        return made, ids

    return asyncio.run(fill())


def faults(site: Installation, folder: Path, *statements: str) -> set[tuple[str, str]]:
    _, report = tampered(site, folder, *statements)
    return {each for each in found(report, "register_") if each[0].startswith("register_")}


def test_untouched_registers_are_found_in_order(closed: tuple[Installation, list[str]], tmp_path: Path) -> None:
    """And were looked at."""
    report = asyncio.run(report_of(closed[0]))
    assert report.counts.registers == 1
    assert faults(closed[0], tmp_path / "site") == set()


#: An agency that has nothing to do with the documents.
_OTHER = (
    "(SELECT id FROM agency WHERE id NOT IN (SELECT sender_id FROM message UNION SELECT recipient_id FROM delivery)"
    " LIMIT 1)"
)


@pytest.mark.parametrize(
    ("code", "statement"),
    [
        ("missing", "DELETE FROM message WHERE id = '{}'"),
        (
            "missing",
            "UPDATE event SET kind = 'document.linked' WHERE kind = 'document.accepted' AND message_id = '{}'",
        ),
        ("changed", "UPDATE message SET code_number = '12' WHERE id = '{}'"),
        ("changed", "UPDATE message SET sender_id = " + _OTHER + " WHERE id = '{}'"),
        ("changed", "UPDATE delivery SET recipient_id = " + _OTHER + " WHERE message_id = '{}'"),
        ("changed", "DELETE FROM delivery WHERE message_id = '{}'"),
        (
            "foreign",
            "UPDATE register SET entries = CAST(substr(entries, 1, 40) || substr(entries, 81) AS BLOB)",
        ),
    ],
)
def test_document_of_a_closed_day_that_was_tampered_with_is_named(
    closed: tuple[Installation, list[str]], tmp_path: Path, code: str, statement: str
) -> None:
    """Removed, changed, or taken out of the register itself: that document, and no other."""
    second = closed[1][1]
    named = faults(closed[0], tmp_path / "site", statement.format(second))
    assert (f"register_entry_{code}", second) in named
    assert not {each for each in named if each[1] in {closed[1][0], closed[1][2]}}


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("UPDATE register SET entries = zeroblob(length(entries))", "register "),
        ("DELETE FROM register", "register "),
        ("DELETE FROM register; DELETE FROM register_day", "event "),
        ("UPDATE register_day SET seed = zeroblob(32)", "register "),
        ("UPDATE register_day SET seq = 1", "register "),
        ("UPDATE register_day SET day = '2020-01-01'", "register 2020-01-01"),
    ],
)
def test_registers_that_were_tampered_with_are_found(
    closed: tuple[Installation, list[str]], tmp_path: Path, statement: str, subject: str
) -> None:
    """Also where they are gone together with their day: its event is a leaf of the log."""
    named = faults(closed[0], tmp_path / "site", *statement.split("; "))
    assert any(each[0] == "register_differs" and each[1].startswith(subject) for each in named), named


def test_line_put_into_a_closed_day_is_named(closed: tuple[Installation, list[str]], tmp_path: Path) -> None:
    """A further recipient of a document, as if it had been one from the beginning."""
    second = closed[1][1]
    columns = (
        "dispatch_id, state, expects_status, reason, detail, peer_ref, business_status, request_id, created_at,"
        " state_at, in_inbox, leased_by, leased_until, fetched_at, handed_over, told_at"
    )
    added = (
        "INSERT INTO delivery (seq, id, message_id, recipient_id, recipient_code, endpoint_id, " + columns + ")"
        f" SELECT seq + 1000, 'added', message_id, {_OTHER}, recipient_code, endpoint_id, {columns}"
        f" FROM delivery WHERE message_id = '{second}'"
    )
    assert faults(closed[0], tmp_path / "site", added) == {("register_entry_changed", second)}

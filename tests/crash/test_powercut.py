"""Power cuts in short: what was promised survives them, and a sync less would be noticed.

The long form is `make powercut`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.campaign import WEAKENED, Flaw, Replayer, recorded_run
from tests.crash.disk import contents, whole
from tests.crash.faulty import build_faults
from tests.crash.load import Recorded
from tests.system_tools import require_tool

_DOCUMENTS = 60


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, library: Path) -> Recorded:
    """A short run of the gateway."""
    return recorded_run(tmp_path_factory.mktemp("power") / "run", library, documents=_DOCUMENTS, say=print)


@pytest.fixture(scope="module")
def replayer(tmp_path_factory: pytest.TempPathFactory, recorded: Recorded) -> Replayer:
    """The same, to be cut."""
    return Replayer(recorded, tmp_path_factory.mktemp("cut"))


def test_all_acts_of_the_gateway_replayed_give_its_data_folder_byte_for_byte(
    tmp_path: Path, recorded: Recorded, replayer: Replayer
) -> None:
    """Nothing that the gateway writes escapes the recorder, in whichever process or thread."""
    whole(replayer.recording).write_to(tmp_path, replayer.recording.folder)
    assert contents(tmp_path) == contents(recorded.recorder.folder)
    assert (tmp_path / "data" / "gateway.sqlite").stat().st_size > 0


@pytest.mark.parametrize("seed", range(8))
def test_what_was_promised_before_a_power_cut_is_there_after_it(replayer: Replayer, seed: int) -> None:
    """Every 202 with its bytes and receipt, every acknowledgement; `fsck` finds no error."""
    verdict = replayer.replay(seed).verdict
    assert not verdict.is_violation, verdict


@pytest.mark.parametrize("flaw", [Flaw.BODIES, Flaw.FOLDERS, Flaw.UPLOADS])
def test_a_disk_that_ignores_a_sync_is_noticed(replayer: Replayer, flaw: Flaw) -> None:
    """So without these syncs the gateway would lose what it promised."""
    found = replayer.first_violation(flaw)
    assert found is not None
    assert found.verdict.lost


def test_what_was_promised_while_syncs_failed_is_there_after_a_power_cut(tmp_path: Path, library: Path) -> None:
    """Though whatever a failed sync was about may be gone for ever: no later sync was trusted with it."""
    faults = build_faults(require_tool("cc", "gcc"))
    recorded = recorded_run(tmp_path / "run", library, documents=_DOCUMENTS, faults=faults, say=print)
    (tmp_path / "cut").mkdir()
    replayer = Replayer(recorded, tmp_path / "cut", is_exact=False)
    assert replayer.recording.counts["F"] > 2
    for seed in range(8):
        verdict = replayer.replay(seed).verdict
        assert not verdict.is_violation, (seed, verdict)


def test_a_gateway_that_does_not_sync_its_commits_is_noticed(tmp_path: Path, library: Path) -> None:
    """`synchronous=NORMAL` loses the last commits."""
    recorded = recorded_run(tmp_path / "run", library, documents=_DOCUMENTS, module=WEAKENED, say=print)
    (tmp_path / "cut").mkdir()
    found = Replayer(recorded, tmp_path / "cut").first_violation(Flaw.NOTHING)
    assert found is not None
    assert found.verdict.lost

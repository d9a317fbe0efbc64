"""docs/connect-rest.md is true: its commands run as they stand against the demo, in both languages."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("connect-rest.md", "connect-rest.vi.md")


def commands(page: str) -> str:
    """What the page gives for a shell, all of it."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Played to its end, and up."""
    folder = tmp_path_factory.mktemp("d") / "demo"
    command = [sys.executable, "-m", "gateway", "demo", "--folder", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if "Ctrl-C" in line:
            break
    assert process.poll() is None, told
    yield folder
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_page_run_as_they_stand(demo: Path, page: str) -> None:
    """One document in, kept and answered; one out, delivered; the credential's file is its owner's alone."""
    script = commands(page).replace("cd build/demo", f"cd '{demo}'")
    ended = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert '"state":"delivered"' in ended.stdout
    assert "answerItem" in ended.stdout
    assert "document.accepted" in ended.stdout
    assert (demo / "header").stat().st_mode & 0o077 == 0
    token = (demo / "header").read_text().rpartition(" ")[2].strip()
    assert token.startswith("gw_")
    assert token not in ended.stdout + ended.stderr


def test_both_languages_give_the_same_commands() -> None:
    """Only the remarks behind them differ."""
    one, other = ([line.partition("  #")[0] for line in commands(page).splitlines()] for page in PAGES)
    assert [line.rstrip() for line in one] == [line.rstrip() for line in other]

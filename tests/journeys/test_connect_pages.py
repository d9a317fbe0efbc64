"""The pages that say how to connect are true: their commands run as they stand against one demo."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.cli import build_parser
from gateway.commands.context import ENVIRONMENT
from gateway.simulate.layout import free_ports
from tests.adapters.xroad_lab import XroadLab
from tests.journeys.pages import Ended, bare, followed, run_shell, sandboxes, shell_blocks, told_with

PAGES = (
    "README",
    "docs/connect-rest",
    "docs/connect-vxp",
    "docs/connect-webhook",
    "docs/connect-lgsp",
    "docs/connect-xroad",
    "docs/xroad-provider",
    "docs/connect-axis",
    "docs/end-to-end",
)

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """Played to its end, and up."""
    folder = tmp_path_factory.mktemp("d") / "demo"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "demo", "--folder", str(folder),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    told = b""
    async for line in process.stdout:
        told += line
        if b"Ctrl-C" in line:
            break
    assert process.returncode is None, told
    yield folder
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), 60)


async def attempt(demo: Path, blocks: Sequence[str], **places: str) -> Ended:
    """These blocks in one shell, one after the other."""
    return await run_shell(told_with("\n".join(blocks), {"build/demo": f"'{demo}'", **places}))


async def follow(demo: Path, blocks: Sequence[str], **places: str) -> str:
    """The same, to a good end; what they printed."""
    ended = await attempt(demo, blocks, **places)
    assert ended.code == 0, ended.told[-4000:]
    return ended.told


@pytest.mark.parametrize("page", ["README.md", "README.vi.md"])
async def test_readme_connects_a_system_and_operates(demo: Path, page: str) -> None:
    """Its blocks as they stand, one after the other in one terminal; before Ctrl-C at the demo `serve` refuses."""
    _, connect, real, operate, serve = shell_blocks(page)
    told = await follow(demo, [connect, real, operate])
    assert told.count("delivered") >= 3
    assert '"organId":"000.28.23.H33"' in told
    assert re.search(r"\b1 (new|unchanged)", told)  # the list of whichever page came first
    assert "server_key_pin" in told
    for words in ("All is well.", "xã Vân Khánh Tây", "HTTP 400", "1 of 1 would be moved", '"ok":true'):
        assert words in told, words
    (start, _) = connect.split("\n", 1)
    refused = await attempt(demo, [start, serve])
    assert refused.code == ENVIRONMENT
    assert "another process works in" in refused.told


async def test_rest_page_fetches_answers_and_sends(demo: Path) -> None:
    """One document in, kept and answered; one out, delivered; the credential's file is its owner's alone."""
    told = await follow(demo, followed("docs/connect-rest.md"))
    assert '"state":"delivered"' in told
    assert "answerItem" in told
    assert "document.accepted" in told
    assert (demo / "header").stat().st_mode & 0o077 == 0
    token = (demo / "header").read_text().rpartition(" ")[2].strip()
    assert token.startswith("gw_")
    assert token not in told


async def test_end_to_end_page_encrypts_sends_and_opens(demo: Path) -> None:
    """By our commands and by openssl alone; what the office says of its certificate is what the sender got."""
    told = await follow(demo, followed("docs/end-to-end.md"))
    digests = [line.split()[0] for line in told.splitlines() if line.endswith("  -")]
    assert len(digests) == 2
    assert digests[0] == digests[1]
    assert digests[0] in told.replace(f"{digests[0]}  -", "")
    assert (demo / "opened" / "mat.pdf").read_bytes() == (demo / "by-openssl.pdf").read_bytes() == b"%PDF-1.4\n"
    assert '"state":"delivered"' in told


async def test_vxp_page_lists_fetches_acknowledges_and_sends(demo: Path) -> None:
    """The secret is in two files of its owner and nowhere else; the operator sees the calls."""
    told = await follow(demo, followed("docs/connect-vxp.md"))
    assert (demo / "in.edxml").read_bytes().startswith(b"<?xml")
    assert told.count('"status":"OK"') == 3
    assert '"receiveStatus"' in told
    assert "getReceivedEdocList" in told
    for name in ("vxp.json", "vxp.secret"):
        assert (demo / name).stat().st_mode & 0o077 == 0
    assert (demo / "vxp.secret").read_text().strip() not in told


async def test_webhook_page_proves_pushes_rekeys_and_replays(demo: Path) -> None:
    """The receiver of the examples, on a port of its own; what was pushed twice is one document."""
    (port,) = free_ports(1)
    told = await follow(demo, followed("docs/connect-webhook.md"), **{"9443": str(port)})
    assert "so-tu-phap is verified." in told
    (received,) = (demo / "received").glob("*.edxml")
    assert received.read_bytes() == (demo / "out.edxml").read_bytes() == (demo / "again.edxml").read_bytes()
    assert '"queued":1' in told


async def test_lgsp_page_relays_to_a_platform(demo: Path) -> None:
    """The simulator has the document, and the attempt its id."""
    (port,) = free_ports(1)
    blocks = followed("docs/connect-lgsp.md")
    blocks[0] = told_with(blocks[0], {"simulate lgsp": f"simulate lgsp --port {port}"})
    told = await follow(demo, blocks, **{"18443": str(port)})
    assert "doc_id 1000000001" in told
    assert (demo / "lgsp/documents/1000000001.edxml").read_bytes() == (demo / "out.edxml").read_bytes()


async def test_xroad_page_delivers_through_a_security_server(demo: Path, tmp_path: Path) -> None:
    """With the one that tests have behind the name; without, `doctor` says that the name does not resolve."""
    key, channel, sending = followed("docs/connect-xroad.md")
    (start, _) = key.split("\n", 1)
    await follow(demo, [key])
    assert "name_unknown" in (await attempt(demo, [start, channel])).told
    async with AsyncExitStack() as stack:
        lab = XroadLab(tmp_path, stack)
        lab.trust(demo / "xroad.pem")
        await lab.start()
        shutil.copy(tmp_path / "anchors.pem", demo / "security-server.pem")
        place = {"security-server.example.vn": f"localhost:{lab.port}"}
        (making, _) = channel.rsplit("gateway", 1)
        told = await follow(demo, [start, making, sending], **place)
        assert "xroad: complete" in told
        ((_, body),) = lab.inbox.taken
        assert body == (demo / "out.edxml").read_bytes()


async def test_xroad_provider_page_serves_two_members(demo: Path) -> None:
    """What one sent, the other fetched, byte for byte, and settled."""
    told = await follow(demo, followed("docs/xroad-provider.md"))
    assert "Gateway for official documents" in told
    assert (demo / "in.edxml").read_bytes() == (demo / "out.edxml").read_bytes()
    assert '{"state":"done"}' in told


async def test_axis_page_makes_a_member_of_the_gateway(demo: Path) -> None:
    """The channel is sound, reached, used, and both books agree."""
    (port,) = free_ports(1)
    told = await follow(demo, followed("docs/connect-axis.md"), **{"8443": str(port)})
    assert "All is well." in told
    assert "chain and name are right" in told
    assert "1 lists are read now." in told
    assert "transmissions_here 1, recipients_here 1, transmissions_there 1" in told


@pytest.mark.parametrize("name", PAGES)
async def test_both_languages_give_the_same_commands(name: str) -> None:
    """Only the remarks behind them and the reasons differ."""
    one, other = ([bare(block) for block in shell_blocks(f"{name}{end}")] for end in (".md", ".vi.md"))
    assert one
    assert one == other


@pytest.mark.parametrize("name", [*PAGES, "docs/vendor-week"])
async def test_commands_of_the_sandbox_are_commands(name: str) -> None:
    """What they do is tested beside them; here, that each word of the page is one they know."""
    for line in sandboxes(f"{name}.md"):
        assert build_parser().parse_args(shlex.split(line)[1:]).run

"""Every example that can run here sends, receives, acknowledges and answers; the ledger has it all."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.simulate.reading import read
from tests.conformance.runs import EXAMPLES, text_of
from tests.examples.conftest import Site
from tests.system_tools import require_tool

pytestmark = pytest.mark.slow


async def run(*words: str | Path, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code and both outputs of a program."""
    process = await asyncio.create_subprocess_exec(
        *map(str, words), stdout=PIPE, stderr=PIPE, env=os.environ | (environment or {})
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


class Example:
    """One of the programs, with what it needs to get in."""

    def __init__(self, site: Site, *command: str | Path, **environment: str) -> None:
        self.site, self.command, self._environment = site, command, environment

    async def __call__(self, *words: str | Path, fails: bool = False) -> Any:
        """The JSON that it prints; or, where it must fail, what it says."""
        code, out, err = await run(*self.command, *words, environment=self._environment)
        assert (code != 0) is fails, (code, out, err)
        return out + err if fails else json.loads(out) if out.strip() else None

    def beside(self, **environment: str) -> Example:
        """The same, with more in its environment."""
        return Example(self.site, *self.command, **(self._environment | environment))


async def waiting(example: Example, command: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """An entry that fits; the test offices send the next ones as steps pass."""
    async with asyncio.timeout(90):
        while True:
            listed = await example(command)
            rows = listed if isinstance(listed, list) else listed.get("items", listed.get("data"))
            for row in rows:
                if fits(row):
                    return dict(row)
            await asyncio.sleep(0.3)


async def send_to_itself(example: Example, folder: Path) -> None:
    """So that something waits, whatever the tests before this one have taken."""
    own = folder / "own.edxml"
    own.write_bytes(example.site.papers.document(example.site.access["organ_id"]))
    await example("send", own)


async def rest_example(site: Site, language: str, classes: Path) -> Example:
    url, token, ca = site.access["rest_url"], site.access["token_file"], site.access["ca_file"]
    options = ("--url", url, "--token-file", token, "--ca", ca)
    if language == "curl":
        script = EXAMPLES / "curl" / "rest.sh"
        return Example(site, script, GATEWAY_URL=url, GATEWAY_TOKEN_FILE=token, GATEWAY_CA=ca)
    if language == "python":
        return Example(site, sys.executable, EXAMPLES / "python" / "rest_client.py", *options)
    if language == "csharp":
        return await csharp_example(site, "RestClient", classes, *options)
    source = EXAMPLES / "java" / "RestClient.java"
    javac, java = (require_tool(tool, "default-jdk-headless") for tool in ("javac", "java"))
    code, _, err = await run(javac, "-Xlint:-options", "--release", "8", "-d", classes, source)
    assert code == 0, err
    return Example(site, java, "-cp", classes, "RestClient", *options)


async def csharp_example(site: Site, name: str, folder: Path, *options: str | Path) -> Example:
    """Built and run by Mono, the only .NET that Debian has; its store of trusted roots is one of the test's own."""
    mcs, mono, sync = (
        require_tool(tool, "mono-mcs, ca-certificates-mono") for tool in ("mcs", "mono", "cert-sync")
    )
    program, home = folder / f"{name}.exe", folder / "home"
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    code, out, err = await run(mcs, "-warnaserror", f"-out:{program}", EXAMPLES / "csharp" / f"{name}.cs")
    assert code == 0, out + err
    if name == "VxpClient":
        code, out, err = await run(sync, "--user", site.access["ca_file"], environment={"HOME": str(home)})
        assert code == 0, out + err
    return Example(site, mono, program, *options, HOME=str(home))


@pytest.mark.parametrize("language", ["curl", "python", "java", "csharp"])
async def test_rest_example_sends_and_receives(site: Site, tmp_path: Path, language: str) -> None:
    """A document out, its repetition, a refusal in words; one in, acknowledged and answered 03."""
    example = await rest_example(site, language, tmp_path / "classes")
    paper, fetched = tmp_path / "out.edxml", tmp_path / "in.edxml"
    paper.write_bytes(site.papers.document("ready"))
    accepted = await example("send", paper)
    assert (await example("send", paper))["id"] == accepted["id"]
    assert len((await example("deliveries", accepted["id"]))["items"]) == 1
    broken = tmp_path / "broken.edxml"
    broken.write_bytes(paper.read_bytes()[:900])
    assert "xml_not_wellformed" in await example("send", broken, fails=True)
    await send_to_itself(example, tmp_path)
    item = await waiting(example, "inbox", lambda one: one["kind"] == "document" and one["businessType"] == "0")
    await example("fetch", item["id"], fetched)
    assert read(fetched.read_bytes().removeprefix(b"1212")).document_id == item["documentId"]
    await example("ack", item["id"])
    await example("status", item["id"], "03", f'Đã tiếp nhận "{language}"')
    seen = [each["operation"] for each in (await example("connection"))["items"]]
    assert {"submitDocument", "fetchItem", "acknowledgeItem", "answerItem"} <= set(seen)
    ledger = await site.ledger()
    assert ledger.messages[accepted["id"]].sender_code == site.access["organ_id"]
    line = ledger.deliveries[item["id"]]
    assert (line.state, line.business_status) == ("acknowledged", "03")
    site.took_steps = True


@pytest.mark.parametrize("language", ["python", "java"])
async def test_receive_loop_stores_before_it_acknowledges(site: Site, tmp_path: Path, language: str) -> None:
    """What it acknowledged is in its folder, byte for byte what the ledger has."""
    example = await rest_example(site, language, tmp_path / "classes")
    folder = tmp_path / "received"
    await example("receive", folder)
    ledger = await site.ledger()
    for file in folder.iterdir():
        assert ledger.deliveries[file.stem].state in {"delivered", "acknowledged"}
    assert not [file for file in folder.iterdir() if file.suffix == ".part"]


@pytest.mark.parametrize("language", ["curl", "python", "csharp"])
async def test_axis_example_sends_lists_gets_and_acknowledges(site: Site, tmp_path: Path, language: str) -> None:
    """Signed calls; the reply of a wrong secret is a refusal in words."""
    access = site.access
    secret = Path(access["vxp_secret_file"])
    example = await vxp_example(site, language, secret, tmp_path / "classes")
    paper, got = tmp_path / "out.edxml", tmp_path / "in.edxml"
    paper.write_bytes(site.papers.document("late"))
    sent = await example("send", paper)
    await send_to_itself(example, tmp_path)
    entry = (await waiting(example, "list", lambda one: one["messageType"] == "edoc"))["docId"]
    await example("get", entry, got)
    assert (await example("done", entry))["status"] == "OK"
    ledger = await site.ledger()
    assert ledger.messages[sent["DocId"]].sender_code == access["organ_id"]
    assert ledger.deliveries[entry].state == "delivered"
    assert read(got.read_bytes().removeprefix(b"1212")).document_id
    wrong = tmp_path / "wrong"
    wrong.write_text("another secret")
    wrong.chmod(0o600)
    site.took_steps = True
    other = await vxp_example(site, language, wrong, tmp_path / "classes")
    assert "credential_invalid" in await other("list", "edoc", fails=True)


async def vxp_example(site: Site, language: str, secret: Path, classes: Path) -> Example:
    url, system_id, ca = site.access["vxp_url"], site.access["vxp_system_id"], site.access["ca_file"]
    if language == "curl":
        environment = {"VXP_URL": url, "VXP_SYSTEM_ID": system_id, "VXP_SECRET_FILE": str(secret), "VXP_CA": ca}
        return Example(site, EXAMPLES / "curl" / "vxp.sh", **environment)
    options = ("--url", url, "--id", system_id, "--secret-file", secret)
    if language == "csharp":
        return await csharp_example(site, "VxpClient", classes, *options)
    return Example(site, sys.executable, EXAMPLES / "python" / "vxp_client.py", *options, "--ca", ca)


#: In front of each program that a shell starts: notes its arguments and environment, then is the program itself.
RECORDING = """#!/bin/bash
{{ printf '%s\\n' "$0" "$@"; env; }} >> {log}
exec {program} "$@"
"""


@pytest.mark.parametrize("name", ["rest.sh", "vxp.sh"])
async def test_shell_example_gives_its_secret_to_no_program(site: Site, tmp_path: Path, name: str) -> None:
    """Arguments are in `ps` for every user of the machine, and a signature is good for a day."""
    log, programs = tmp_path / "log", tmp_path / "bin"
    programs.mkdir()
    for tool in ("cat", "curl", "cut", "date", "find", "mv", "od", "openssl", "sed", "sync", "tr"):
        wrapper = programs / tool
        wrapper.write_text(RECORDING.format(log=log, program=shutil.which(tool)))
        wrapper.chmod(0o755)
    secret = Path(site.access["token_file" if name == "rest.sh" else "vxp_secret_file"])
    if name == "rest.sh":
        example = await rest_example(site, "curl", tmp_path)
    else:
        example = await vxp_example(site, "curl", secret, tmp_path)
    example = example.beside(PATH=f"{programs}:{os.environ['PATH']}")
    paper = tmp_path / "own.edxml"
    paper.write_bytes(site.papers.document(site.access["organ_id"]))
    await example("send", paper)
    recorded, kept = text_of(log), text_of(secret).strip()
    assert f"{programs}/curl\n" in recorded
    assert kept not in recorded
    assert "hash-header" not in recorded
    open_to_all = tmp_path / "open"
    shutil.copy(secret, open_to_all)
    open_to_all.chmod(0o640)
    told = await example.beside(GATEWAY_TOKEN_FILE=str(open_to_all), VXP_SECRET_FILE=str(open_to_all))(
        "send", paper, fails=True
    )
    assert f"chmod 600 {open_to_all}" in told


@pytest.mark.parametrize("name", ["rest.sh", "vxp.sh"])
async def test_shell_example_fails_where_the_gateway_refuses(site: Site, tmp_path: Path, name: str) -> None:
    """A script that goes on by the exit code loses nothing, though the axis's protocol says HTTP 200."""
    if name == "rest.sh":
        example = await rest_example(site, "curl", tmp_path)
    else:
        example = await vxp_example(site, "curl", Path(site.access["vxp_secret_file"]), tmp_path)
    paper = tmp_path / "page.edxml"
    paper.write_text("<html/>")
    assert "not_edxml" in await example("send", paper, fails=True)


async def test_lines_for_java_key_stores_work_as_written(site: Site, tmp_path: Path) -> None:
    """Each keytool and openssl line of the page is run as it stands, and Java gets in by the store they make."""
    keytool, java = (require_tool(tool, "default-jdk-headless") for tool in ("keytool", "java"))
    assert keytool
    shutil.copy(site.access["ca_file"], tmp_path / "root.pem")
    await shell(
        tmp_path, "openssl req -x509 -newkey rsa:2048 -nodes -keyout client.key -out client.pem -subj /CN=me"
    )
    lines = [line for line in block("README.md") if line.startswith(("keytool", "openssl pkcs12", "openssl req"))]
    assert len(lines) == 6
    assert lines == [line for line in block("README.vi.md") if line in lines]
    for line in lines:
        # the key that is made for a request has a store of its own
        own = "-genkeypair" in line or "-certreq" in line
        await shell(tmp_path, line.replace("client.jks", "own.jks") if own else line)
    assert "BEGIN" in text_of(tmp_path / "client.csr")
    example = await rest_example(site, "java", tmp_path / "classes")
    assert java in example.command
    options = ("-Djavax.net.ssl.trustStore=trust.jks", "-Djavax.net.ssl.trustStorePassword=changeit")
    command = " ".join(map(str, (*example.command[:1], *options, *example.command[1:-2], "inbox")))
    assert '"items"' in await shell(tmp_path, command)


def block(page: str) -> list[str]:
    """The lines that a page of the examples gives for a shell."""
    found, inside = [], False
    for line in (EXAMPLES / page).read_text().splitlines():
        if line.startswith("```"):
            inside = line == "```sh"
        elif inside:
            found.append(line)
    return found


async def shell(folder: Path, line: str) -> str:
    """What a line prints; it must end well."""
    process = await asyncio.create_subprocess_shell(line, cwd=folder, stdout=PIPE, stderr=PIPE)
    out, err = await process.communicate()
    assert process.returncode == 0, (line, err.decode())
    return out.decode()

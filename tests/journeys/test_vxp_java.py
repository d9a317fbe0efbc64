"""The starter in Java works at the endpoint as it is, in its own way and in that of the vendor's SDK."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.seal.trust import TrustPurpose
from tests.journeys.installation import COMMUNE, PROVINCE
from tests.journeys.messages import document, status
from tests.journeys.vxp_lab import VxpLab, vxp_lab
from tests.system_tools import require_tool

_SOURCE = Path(__file__).parents[2] / "deploy" / "examples" / "java" / "VxpClient.java"


async def run(*words: str) -> list[str]:
    """The lines that a program prints; it must end well."""
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, (out, err)
    return out.decode("ascii").splitlines()


async def java(lab: VxpLab, classes: Path, organ_id: str, *words: str) -> list[dict[str, object]]:
    """One run of the client for an office; its replies."""
    await lab.sdk(organ_id)
    secret = classes / f"{organ_id}.secret"
    secret.write_text(lab.secrets[organ_id] + "\n")
    anchors = lab.installation.pki.anchors(TrustPurpose.TLS) / "root.pem"
    options = ["--url", lab.url, "--id", organ_id, "--secret-file", str(secret), "--ca", str(anchors)]
    lines = await run(
        require_tool("java", "default-jdk-headless"), "-cp", str(classes), "VxpClient", *options, *words
    )
    return [json.loads(line) for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("manner", [[], ["--like-sdk"]], ids=["own", "like the SDK"])
async def test_java_client_sends_receives_and_answers(tmp_path: Path, pki_folder: Path, manner: list[str]) -> None:
    """One object for many calls: send, counts, lists, get, done, the status back, agencies."""
    javac = require_tool("javac", "default-jdk-headless")
    classes, inbox = tmp_path / "classes", tmp_path / "inbox"
    inbox.mkdir()
    await run(javac, "-Xlint:-options", "--release", "8", "-d", str(classes), str(_SOURCE))
    content, answer = document(PROVINCE, [PROVINCE, COMMUNE]), status(COMMUNE, "03", sender=PROVINCE)
    for name, data in (("document.edxml", content), ("status.edxml", answer)):
        (tmp_path / name).write_bytes(data)
    async with vxp_lab(tmp_path / "site", pki_folder) as lab:
        replies = await java(
            lab, classes, PROVINCE, *manner, "send", "edoc", str(tmp_path / "document.edxml"),
            "countReceiveEdoc", "receive", "edoc", str(inbox), "getSentEdocList", "getAgenciesList",
            "send", "edoc", str(tmp_path / "document.edxml"),
        )  # fmt: skip
        assert {reply["status"] for reply in replies} == {"OK"}
        assert replies[0] == replies[-1]
        assert replies[1]["count"] == 1
        assert [path.read_bytes() for path in inbox.iterdir()] == [content]
        listed = (await java(lab, classes, COMMUNE, *manner, "list", "edoc"))[0]["data"]
        assert isinstance(listed, list)
        out = tmp_path / "downloaded.edxml"
        told = await java(
            lab, classes, COMMUNE, *manner, "download", listed[0]["docId"], str(out), "done", listed[0]["docId"],
            "send", "status", str(tmp_path / "status.edxml"),
        )  # fmt: skip
        assert {reply["status"] for reply in told} == {"OK"}
        assert out.read_bytes() == content
        statuses = await java(lab, classes, PROVINCE, *manner, "countReceiveStatus", "list", "status")
        assert statuses[0]["count"] == 1

"""A bundle whose document was destroyed by order: what it proves without the bytes, with them, and with others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from gateway.bundle.build import Material
from gateway.bundle.certificate import Language
from gateway.bundle.certificate_html import page
from gateway.bundle.container import Container
from gateway.bundle.facts import written
from gateway.bundle.format import DOCUMENT, PURGE, RECORD, TRANSFER
from gateway.bundle.purge import Destroyed, Purge
from gateway.seal.report import Verdict
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import Verification
from gateway.verifying.verify import verify
from tests.bundle.making import (
    AT,
    MESSAGE,
    STAMPED_AT,
    Story,
    checkpoint_of,
    facts_of,
    leaf,
    made,
    made_id,
    story,
    with_,
    write_anchors,
)
from tests.unit.seal.sealing import DOCUMENT as BYTES
from tests.unit.seal.sealing import SIGNED_AT

ORDER = made_id(70)
DIGEST = sha256(BYTES).hexdigest()


def purged_story(digest: str = DIGEST) -> Story:
    """The story, and at its end the document is destroyed."""
    a = story()
    facts: dict[str, object] = {"sha256": digest, "order": ORDER, "list": "0" * 64}
    tree = (*a.tree, leaf("body.purged", SIGNED_AT + timedelta(minutes=20), facts, message=MESSAGE))
    return with_(a, tree=tree, chosen=(*a.chosen, len(a.tree)), recorded_at=STAMPED_AT)


def without_bytes(material: Material, *, message: str = MESSAGE, digest: str = DIGEST) -> Material:
    """Its bytes are not there, and it says so."""
    told = Destroyed(message=message, sha256=digest, size=len(BYTES), order=ORDER, purged_at="2026-11-22T03:00:00Z")
    papers = replace(material.document, body=None)
    return replace(material, document=papers, others={PURGE: written(Purge(destroyed=[told]))})


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    """What an auditor was given."""
    return write_anchors(tmp_path / "anchors")


def verified(data: bytes, anchors: Path, original: Path | None = None) -> Verification:
    return verify(Container.of(data), Anchors.load(anchors), AT, original=original)


def verdicts(found: Verification) -> dict[str, tuple[str, str]]:
    """Those that did not pass."""
    return {
        c.name: (str(c.verdict), c.reason) for c in found.checks if c.verdict is not Verdict.PASSED and c.counts
    }


def test_without_the_bytes_it_is_indeterminate_and_says_why(anchors: Path) -> None:
    """Seal, record, transfer manifest and leaf are verified against the digest; that is all that is open."""
    data = made(purged_story(), change=without_bytes)
    names = Container.of(data).entries
    assert DOCUMENT not in names
    assert {PURGE, RECORD, TRANSFER} <= names.keys()
    found = verified(data, anchors)
    assert verdicts(found) == {"document.bytes": ("INDETERMINATE", "document_purged")}
    assert found.verdict is Verdict.INDETERMINATE
    passed = {check.name for check in found.checks if check.verdict is Verdict.PASSED}
    assert {f"purge.{MESSAGE}", "acceptance.document.digest", "acceptance.leaf", "evidence_record"} <= passed


def test_with_the_original_it_passes(anchors: Path, tmp_path: Path) -> None:
    """Whoever still has the document proves that it is the one."""
    original = tmp_path / "original.edxml"
    original.write_bytes(BYTES)
    found = verified(made(purged_story(), change=without_bytes), anchors, original)
    assert verdicts(found) == {}
    assert found.verdict is Verdict.PASSED


def test_with_another_file_it_fails(anchors: Path, tmp_path: Path) -> None:
    """Another file is not the document, in a bundle that has it too."""
    other = tmp_path / "other.edxml"
    other.write_bytes(BYTES + b" ")
    for data in (made(purged_story(), change=without_bytes), made()):
        found = verified(data, anchors, other)
        assert verdicts(found)["document.original"] == ("FAILED", "document_other")


def test_file_that_cannot_be_read_decides_nothing(anchors: Path, tmp_path: Path) -> None:
    """A folder or nothing at all is no reason to call the bundle wrong."""
    found = verified(made(purged_story(), change=without_bytes), anchors, tmp_path)
    assert verdicts(found) == {"document.original": ("INDETERMINATE", "document_unreadable")}


Change = Callable[[Material], Material]
WRONG: dict[str, tuple[Story, Change, str, str]] = {
    "no leaf tells of it": (
        with_(story(), recorded_at=STAMPED_AT),
        without_bytes,
        f"purge.{MESSAGE}",
        "purge_not_in_log",
    ),
    "the leaf is about other bytes": (
        purged_story("1" * 64),
        without_bytes,
        f"purge.{MESSAGE}",
        "purge_not_in_log",
    ),
    "another digest": (
        purged_story(),
        lambda it: without_bytes(it, digest="2" * 64),
        f"purge.{MESSAGE}",
        "facts_differ",
    ),
    "another message": (
        purged_story(),
        lambda it: without_bytes(it, message=made_id(99)),
        f"purge.{made_id(99)}",
        "facts_differ",
    ),
    "the bytes are there": (
        purged_story(),
        lambda it: replace(without_bytes(it), document=it.document),
        f"purge.{MESSAGE}",
        "facts_differ",
    ),
    "not said at all": (
        purged_story(),
        lambda it: replace(without_bytes(it), others={}),
        "container",
        "entry_missing",
    ),
    "no list": (
        purged_story(),
        lambda it: replace(without_bytes(it), others={PURGE: b"{}"}),
        "purge",
        "facts_unreadable",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_contradicts_itself_fails(case: str, anchors: Path) -> None:
    """A document that was only taken out is no document that was destroyed."""
    a, change, name, reason = WRONG[case]
    found = verified(made(a, change=change), anchors)
    assert found.verdict is Verdict.FAILED
    assert verdicts(found)[name] == ("FAILED", reason)


@pytest.mark.parametrize(("language", "words"), [("vi", "đã hủy theo lệnh"), ("en", "destroyed by order")])
def test_certificate_says_that_it_was_destroyed(language: Language, words: str) -> None:
    """To whoever holds the paper, too."""
    facts = facts_of(story(), checkpoint_of(story())[1])
    assert words not in page(facts, language).decode()
    document = msgspec.structs.replace(facts.document, destroyed_at="2026-11-22T03:00:00Z")
    told = page(msgspec.structs.replace(facts, document=document), language).decode()
    assert f"{words}" in told
    assert "2026-11-22T03:00:00Z" in told


def test_command_takes_the_original(anchors: Path, tmp_path: Path) -> None:
    """By the option, for exactly one bundle."""
    bundle, original = tmp_path / "a.asice", tmp_path / "original.edxml"
    bundle.write_bytes(made(purged_story(), change=without_bytes))
    original.write_bytes(BYTES)
    command = [sys.executable, "-m", "gateway.verifying", str(bundle), "--anchors", str(anchors), "--json"]
    command += ["--at", AT.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (1, "INDETERMINATE")
    command += ["--document", str(original)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "PASSED"), done.stdout
    done = subprocess.run([*command, str(bundle)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2

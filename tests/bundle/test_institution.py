"""The institution's signature in a bundle: a check of its own, which counts where it is proved wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.bundle.build import Material
from gateway.bundle.container import Container
from gateway.bundle.format import INSTITUTION
from gateway.seal.institution import draft
from gateway.seal.report import Verdict
from gateway.verifying.anchors import Anchors
from gateway.verifying.findings import REASONS, Check
from gateway.verifying.verify import verify
from tests.bundle.making import AT, STAMPED_AT, checkpoint_of, made, story, write_anchors
from tests.pki.build import build
from tests.unit.seal.sealing import signer

#: The institution of these tests has a CA of its own.
ROOT, MEMBER = "seal-root", "seal-p256"


def signature(about: bytes = b"", member: str = MEMBER) -> bytes:
    """Over the bundle's checkpoint as the log signed it, or over something else."""
    key = signer(member)
    unsigned = draft(key, about or checkpoint_of(story())[0], STAMPED_AT)
    return unsigned.signed(key.sign(unsigned.attributes))


def with_signature(raw: bytes) -> bytes:
    """A bundle that holds it, sealed as a whole."""

    def change(material: Material) -> Material:
        others: Mapping[str, bytes] = {**material.others, INSTITUTION: raw}
        return replace(material, others=others)

    return made(change=change)


def write_institution(folder: Path) -> Path:
    """What an auditor was given, the institution's CA among it."""
    write_anchors(folder)
    (folder / "institution").mkdir()
    root = build()[ROOT].certificate.public_bytes(Encoding.PEM)
    (folder / "institution" / "root.pem").write_bytes(root)
    return folder


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return write_institution(tmp_path / "anchors")


def judged(bundle: bytes, anchors: Path | None, at: datetime = AT) -> tuple[Verdict, Check | None]:
    """The whole verdict, and what is said of the institution."""
    given = None if anchors is None else Anchors.load(anchors)
    found = verify(Container.of(bundle), given, at)
    own = [check for check in found.checks if check.name == "institution"]
    assert len(own) <= 1
    return found.verdict, own[0] if own else None


def test_signature_over_the_checkpoint_passes_and_names_who(anchors: Path) -> None:
    """With anchors of its own."""
    verdict, check = judged(with_signature(signature()), anchors)
    assert verdict is Verdict.PASSED
    assert check is not None
    assert (check.verdict, check.counts) == (Verdict.PASSED, True)
    assert "seal-p256" in check.detail


def test_bundle_without_one_holds_and_says_so(anchors: Path) -> None:
    """It is made in its turn, so that not every bundle has one; without anchors for it nothing is said."""
    verdict, check = judged(made(), anchors)
    assert verdict is Verdict.PASSED
    assert check is not None
    assert (check.reason, check.counts) == ("no_institution_signature", False)
    shutil.rmtree(anchors / "institution")
    assert judged(made(), anchors) == (Verdict.PASSED, None)


@pytest.mark.parametrize(
    "raw",
    [
        lambda: signature(b"another checkpoint"),
        lambda: signature()[:-1],
        lambda: b"",
        lambda: signature(member="seal-wrong-usage"),
    ],
    ids=["other-checkpoint", "cut", "empty", "usage"],
)
def test_signature_that_is_wrong_fails_the_bundle(raw: Callable[[], bytes], anchors: Path) -> None:
    """A bundle that brings something wrong is not one to rely on."""
    verdict, check = judged(with_signature(raw()), anchors)
    assert verdict is Verdict.FAILED
    assert check is not None
    assert check.reason == "institution_signature_wrong"


def test_signature_of_an_unknown_or_ended_certificate_does_not_count(anchors: Path) -> None:
    """What the rest proves is proved without it; nothing undecided is called valid."""
    bundle = with_signature(signature())
    verdict, check = judged(bundle, anchors, AT + timedelta(days=3653))
    assert check is not None
    assert (check.verdict, check.reason, check.counts) == (Verdict.INDETERMINATE, "institution_untrusted", False)
    root = build()["tsa-root"].certificate.public_bytes(Encoding.PEM)
    (anchors / "institution" / "root.pem").write_bytes(root)
    verdict, check = judged(bundle, anchors)
    assert verdict is Verdict.PASSED
    assert check is not None
    assert (check.reason, check.counts) == ("institution_untrusted", False)
    shutil.rmtree(anchors / "institution")
    for given in (None, anchors):
        _, check = judged(bundle, given)
        assert check is not None
        assert (check.reason, check.counts) == ("no_institution_anchors", False)


def test_every_reason_has_words_in_both_languages() -> None:
    """Vietnamese first."""
    for code in ("no_institution_signature", "no_institution_anchors", "institution_untrusted"):
        assert all(REASONS[code])

"""Whatever may be found wrong of a signature, a seal or a file is told in Vietnamese, too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from gateway.console.signed import finding_of
from gateway.inquiry.check_words import NOT_EXAMINED, PARTS
from gateway.inquiry.detail_words import DETAILS
from gateway.inquiry.finding_words import KINDS, OF_SEALS, OF_SIGNATURES, sentence
from gateway.seal.indications import MEANINGS
from gateway.seal.report import Indication, failed, undecided
from gateway.signatures.model import Kind
from gateway.verifying.findings import REASONS

_GATEWAY = Path(str(resources.files("gateway")))
_ALL = {**OF_SIGNATURES, **OF_SEALS, **DETAILS}
#: What is no finding: words of its own, what programs set, what was not examined.
_OTHERS = {
    "signatures": {"judgement.py", "signer.py", "lookups.py"},
    "verifying": {"findings.py", "command.py", "page.py", "anchors.py", "__main__.py"},
}
#: Of the seals those files alone whose sentences are findings; the rest is what reading and keys say to programs.
_OF_SEALS = {"path.py", "ocsp.py", "timestamp.py", "verify.py", "institution.py", "profile.py", "shape.py"}
#: Not findings, among the files that have some.
_NO_FINDINGS = re.compile(
    r"(receipts|time stamps|checkpoints) are verified with|at needs a time zone|revocation of \{\}: no list"
    r"|^digest of |time of sealing: claimed|^looked at |the shape (refuses|has)|^\{\} is (not )?\{\}$"
    r"|^; it leads|^\{\}: (larger|signatures within|no attachment)|^XML signatures: "
)


def _text(node: ast.AST) -> str:
    """A literal, `{}` for what is put in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    assert isinstance(node, ast.JoinedStr)
    return "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values)


def _literals(folder: str) -> Iterator[str]:
    for file in sorted((_GATEWAY / folder).glob("*.py")):
        if file.name in _OTHERS.get(folder, set()) or (folder == "seal" and file.name not in _OF_SEALS):
            continue
        tree = ast.parse(file.read_text())
        inner = {id(each) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for each in node.values}
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inner | docs:
                yield _text(node)


def _sentences(folder: str) -> set[str]:
    """Those that people read: two words at least beside what is put in."""
    return {
        each
        for each in _literals(folder)
        if each.count(" ") > 1
        and len(re.findall(r"[A-Za-z]{2,}", each.replace("{}", " "))) > 1
        and not _NO_FINDINGS.search(each)
    }


@pytest.mark.parametrize(
    ("folder", "words"),
    [("signatures", OF_SIGNATURES), ("seal", {**OF_SEALS, **OF_SIGNATURES}), ("verifying", DETAILS)],
)
def test_every_sentence_of_a_finding_has_its_vietnamese(folder: str, words: dict[str, str]) -> None:
    found = _sentences(folder) - NOT_EXAMINED.keys()
    assert len(found) > 50
    assert not found - words.keys()


def test_no_words_are_left_of_what_nobody_says_any_more() -> None:
    said = {each for folder in ("signatures", "seal", "verifying") for each in _literals(folder)}
    # put together of several
    joined = {"{} of {} signed, {} must: {}", "{}; it leads to your anchors"}
    assert not _ALL.keys() - said - joined


def test_every_translation_takes_what_is_put_in() -> None:
    assert not [each for each, told in _ALL.items() if told.count("{}") != each.count("{}")]
    assert len(_ALL) == len(OF_SIGNATURES) + len(OF_SEALS) + len(DETAILS)


def test_every_indication_and_kind_has_words() -> None:
    assert MEANINGS.keys() == set(Indication)
    assert KINDS.keys() == set(Kind)
    assert all(REASONS[str(each).lower()] == words for each, words in MEANINGS.items())


def test_names_of_a_messages_shape_have_words() -> None:
    """They stand in tuples beside their sentences, where no check is made yet."""
    names = {each for each in _literals("signatures") if re.fullmatch(r"(xml|xades|pdf|qcvn)\.[a-z]+", each)}
    assert len(names) > 10
    assert not names - PARTS.keys()


def test_what_is_put_in_is_told_too() -> None:
    assert sentence("the certificate was revoked on 2026-11-22", "vi") == "chứng thư bị thu hồi ngày 2026-11-22"
    many = (
        "the certificate may not sign this: it is a CA certificate; extendedKeyUsage allows no signing of documents"
    )
    assert sentence(many, "vi") == (
        "chứng thư không được dùng để ký: đó là chứng thư của CA; extendedKeyUsage không cho ký văn bản"
    )
    assert sentence("the file was changed after this signature, and nobody signed the change", "vi") == (
        "tệp bị thay đổi sau chữ ký này, và không ai ký thay đổi đó"
    )
    pending = (
        "3 newer events had no proof when the bundle was made: "
        "it speaks of the log's first 9 leaves; export again later"
    )
    assert sentence(pending, "vi") == (
        "3 sự kiện mới chưa có chứng minh khi lập gói: gói nói về 9 lá đầu của nhật ký; hãy xuất lại sau"
    )
    assert sentence(many, "en") == many
    for foreign in ("What a library said", "the certificate was revoked on " + "x" * 2000):
        assert sentence(foreign, "vi") == foreign


def test_finding_says_what_was_looked_at_what_it_came_to_and_why() -> None:
    why = "the signature value does not hold under the certificate's key"
    told = finding_of(failed("signature.value", Indication.SIG_CRYPTO_FAILURE, why))
    assert told.vi == "chữ ký đúng: không đạt – chữ ký không đúng với khóa của chứng thư"
    assert told.en == f"signature holds: failed – {why}"
    assert told.code == "signature.value SIG_CRYPTO_FAILURE"
    foreign = finding_of(
        undecided("certificate.path", Indication.NO_CERTIFICATE_CHAIN_FOUND, "Unable to build a path")
    )
    assert foreign.vi == (
        "chứng thư dẫn tới điểm tin cậy: chưa xác định được – Chứng thư không dẫn tới CA nào được tin cậy. "
        "Unable to build a path"
    )

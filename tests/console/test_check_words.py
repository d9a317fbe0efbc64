"""Every kind of check that the verifier can give is called something that people understand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Environment, PackageLoader

from gateway.console.words import translations
from gateway.inquiry.check_words import NOT_EXAMINED, PARTS, SUBJECTS, unexamined, words_of
from gateway.seal import verify as of_seals
from gateway.verifying import absence, archive, verify

_GATEWAY = Path(str(resources.files("gateway")))
#: What takes a check's first word by another name than `name`.
_NAMED = {"of_seal": 0, "seen": 0, "_holds": 0}
_VARIABLES = {"name", "title", "_NAME", "NAME", "ORIGINAL", "_PATH", "_REVOCATION"}
#: Names of verifying's own that are no checks.
_OTHERS = {"bundle"}
#: Checks of a time stamp and of the institution's signature come to one check each.
_WHOLE = ("timestamp.py", "institution.py", "crl.py")


def _text(node: ast.AST) -> str:
    """A literal; `0` stands for what is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "0" for each in node.values)
    return ""


def _pairs(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """What is named, and the value."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                yield from zip(target.elts, node.value.elts, strict=False)
            else:
                yield target, node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield node.target, node.value


def _makers(folder: str) -> dict[str, int]:
    """Functions of checks, and where among what they are given the name stands."""
    found = {**_NAMED, "passed": 0, "failed": 0, "undecided": 0}
    for file in (_GATEWAY / folder).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                given = [each.arg for each in node.args.args]
                if "name" in given and re.search("Check|Timed", ast.unparse(node.returns)):
                    found[node.name] = given.index("name") - (given[0] == "self")
    return found


def _names(folder: str) -> Iterator[str]:
    makers = _makers(folder)
    for file in sorted((_GATEWAY / folder).glob("*.py")):
        if folder == "seal" and file.name in _WHOLE:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                at = makers.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
                found = [_text(node.args[at])] if at is not None and at < len(node.args) else []
            else:
                found = [_text(value) for target, value in _pairs(node) if getattr(target, "id", "") in _VARIABLES]
            yield from (each for each in found if each and each not in _OTHERS)


def test_every_check_of_the_verifier_has_words() -> None:
    names = set(_names("verifying"))
    assert len(names) > 40
    whole = {each for each in names if not each.startswith("0")}
    assert not {each for each in whole if words_of(each) is None}
    ends = {each.removeprefix("0.").removesuffix("0") for each in names - whole} - {""}
    assert ends - {"0"} <= PARTS.keys()


@pytest.mark.parametrize("folder", ["seal", "signatures"])
def test_every_check_of_a_seal_or_signature_has_words(folder: str) -> None:
    names = {each for each in _names(folder) if "." in each or each == "signing_time"}
    assert len(names) > 5
    assert not {each for each in names if words_of(f"export.{each}") in (None, SUBJECTS["export"])}


def test_what_was_not_examined_is_told_in_vietnamese() -> None:
    said = {
        *absence._NOT_EXAMINED,
        *archive._NOT_EXAMINED,
        *verify._NOT_EXAMINED,
        of_seals._NO_TIME_STAMP,
    }
    assert said == NOT_EXAMINED.keys()
    told = unexamined("revocation of CN=Con dấu: no list of its issuer", "vi")
    assert told == "việc thu hồi chứng thư CN=Con dấu: không có danh sách của CA"
    assert unexamined("of tomorrow", "vi") == "of tomorrow"


def test_subject_and_part_are_told_together() -> None:
    assert words_of("acceptance.document.digest") == (
        "Biên nhận của trục khi tiếp nhận văn bản: văn bản không bị thay đổi",
        "Receipt for the document: document unchanged",
    )
    assert words_of("messages.01J.signature.value") == (
        "Bản tin về văn bản: chữ ký đúng",
        "Message about the document: signature holds",
    )
    assert words_of("log.witness.leaf.example") == SUBJECTS["log.witness"]
    assert words_of("export.digest of evidence/leaves/12.json") == words_of("export.digest")
    assert words_of("leaf.12") == words_of("leaf")
    assert words_of("tomorrow.1") is None


def test_inboxes_that_offices_share_are_told_apart_by_their_names() -> None:
    environment = Environment(
        loader=PackageLoader("gateway.console"), extensions=["jinja2.ext.i18n"], autoescape=True
    )
    environment.install_gettext_translations(translations("vi"), newstyle=True)  # type: ignore[attr-defined]  # of the extension
    environment.filters.update(dict.fromkeys(("office", "when", "day", "number"), str))
    called = environment.get_template("parts.html").module.channel_name  # type: ignore[attr-defined]  # a macro

    def line(kind: str, label: str) -> SimpleNamespace:
        endpoint = SimpleNamespace(kind=kind, name="hop-thu-web")
        return SimpleNamespace(state=SimpleNamespace(endpoint=endpoint), label=label)

    assert called(line("inbox", "hop-thu-web")) == "Hộp thư chung: hop-thu-web"
    assert called(line("inbox", "Sở Y tế")) == "Sở Y tế"
    assert called(line("webhook", "hop-thu-web")) == "hop-thu-web"

"""Each of the project's own checks can fail: shown a small tree with one defect, it names place and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.project.trees import CODE, EVENTS, MIGRATION, REASONS, SQL, STATES, plant, write
from tools.checks import clauses, machine, registries, sizes, vendors, wording
from tools.checks.__main__ import main

#: Split, so that the check does not take this file's defects for citations.
KNOWN, UNKNOWN = "RFC" + " 5035", "RFC" + " 1"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with nothing wrong."""
    return plant(tmp_path)


def test_good_tree_passes_every_check(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check that complains about nothing wrong would be switched off."""
    assert main(tree) == 0
    assert "fine" in capsys.readouterr().out


def test_bad_tree_fails_the_command(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is what CI sees."""
    write(tree, "gateway/utils.py", "")
    assert main(tree) == 1
    assert "wording: gateway/utils.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("gateway/long.py", "x = 1\n" * 501, "gateway/long.py has 501 lines"),
        ("gateway/sql/long.sql", "--\n" * 501, "gateway/sql/long.sql has 501 lines"),
        ("tests/long.py", "def f():\n" + "    x = 1\n" * 60, "tests/long.py:1 f has 61 lines"),
        (
            "tests/deep.py",
            "class C:\n    async def f(self):\n" + "        x = 1\n" * 60,
            "tests/deep.py:2 f has 61",
        ),
    ],
)
def test_long_file_or_function_is_named(tree: Path, name: str, text: str, told: str) -> None:
    """500 lines for a file, 60 for a function."""
    [problem] = sizes.problems(write(tree, name, text))
    assert told in problem


def test_size_exception_needs_to_be_listed_and_needed(tree: Path) -> None:
    """An exception works by its exact name, and one that is no longer needed is a problem itself."""
    listed = '[tool.sizes.allowed]\n"gateway/long.py" = "a table"\n"gateway/gone.py" = "was long"\n'
    write(tree, "pyproject.toml", listed)
    [problem] = sizes.problems(write(tree, "gateway/long.py", "x = 1\n" * 501))
    assert "gateway/gone.py is within the caps" in problem


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("gateway/a.py", "# TO" + "DO later\n", "gateway/a.py:1: TO" + "DO"),
        ("gateway/b.sql", "\n-- FIX" + "ME\n", "gateway/b.sql:2: FIX" + "ME"),
        ("adapters/helpers.py", "", "adapters/helpers.py"),
        ("gateway/c.py", 'x = "SELECT id FROM message"\n', "gateway/c.py:1 SQL in Python"),
        ("gateway/d.py", 'x = f"""\n  UPDATE message SET {1}"""\n', "SQL in Python"),
        ("gateway/e.py", "etree.fromstring(data)\n", "gateway/e.py:1 an XML parser of its own"),
        ("adapters/f.py", "lxml.etree\nET.parse(file)\n", "adapters/f.py:2 an XML parser"),
    ],
)
def test_unwanted_wording_is_named(tree: Path, name: str, text: str, told: str) -> None:
    """Notes to self, empty names, SQL and parsers outside their place."""
    [problem] = wording.problems(write(tree, name, text))
    assert told in problem


def test_docstring_about_sql_is_no_sql(tree: Path) -> None:
    """A docstring may speak of statements."""
    assert wording.problems(write(tree, "gateway/a.py", '"""SELECT a FROM b is what it does."""\n')) == []


@pytest.mark.parametrize(
    ("cited", "told"),
    [
        (f'"""[RFC 5035 5] and {UNKNOWN}."""', f"gateway/a.py:1: {UNKNOWN} is not in docs/references.md"),
        (f'"""[{KNOWN} 5.4.1]"""', "gateway/a.py:1: clause 5.4.1 is not below '## RFC 5035'"),
        ('"""[ETSI TS 119 102-1 5.1.3]"""', "gateway/a.py:1: ETSI TS 119 102-1 is not in"),
        ('"""QCVN 102:2016 says"""', "gateway/a.py:1: QCVN 102:2016 is not in"),
    ],
)
def test_citation_that_leads_nowhere_is_named(tree: Path, cited: str, told: str) -> None:
    """A clause that nobody can look up proves nothing."""
    [problem] = clauses.problems(write(tree, "gateway/a.py", cited + "\n"))
    assert told in problem


def test_reference_that_nobody_cites_is_named(tree: Path) -> None:
    """The index holds what is used, nothing else."""
    write(tree, "docs/references.md", f"## {KNOWN}\n\n- 5 something\n- 6 more\n\n## {UNKNOWN}\n")
    assert clauses.problems(tree) == [
        "docs/references.md: nothing cites RFC 5035 6; remove it",
        f"docs/references.md: nothing cites {UNKNOWN}; remove it",
    ]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("gateway/journey.py", CODE + "x = Event.DOCUMENT_EATEN\n", "journey.py:6 Event.DOCUMENT_EATEN is not in"),
        ("gateway/events.py", EVENTS + '    SERVER_STARTED = "server.started"\n', "nothing records server.started"),
        (
            "gateway/events.py",
            EVENTS.replace('"document.accepted"', '"DocAccepted"'),
            "not of the form noun.past_verb",
        ),
        (
            "gateway/events.py",
            EVENTS.replace('"delivery.moved"', '"document.accepted"'),
            "delivery.moved is missing",
        ),
        ("gateway/journey.py", CODE.replace("not_found", "gone"), "journey.py:5 reason 'gone' is not in"),
        ("gateway/journey.py", CODE.replace("peer_busy", "sleepy"), "journey.py:4 reason 'sleepy' is not in"),
        ("gateway/reasons/requests.py", REASONS.replace('_p("', '_p("poison", 1), _p("'), "nothing uses poison"),
        ("gateway/reasons/contents.py", REASONS, "not_found stands at gateway/reasons/"),
        ("gateway/journey.py", CODE.replace("get_one", "get_two"), "journey.py:2 the statement 'message_get_two'"),
        ("gateway/ledger/sql/reads.sql", SQL + SQL.replace("one", "all"), "nothing runs message_get_all"),
    ],
)
def test_registry_and_use_that_differ_are_named(tree: Path, name: str, text: str, told: str) -> None:
    """Both ways: what is used is registered, what is registered is used."""
    assert any(told in problem for problem in registries.problems(write(tree, name, text)))


def test_reason_used_in_sql_counts(tree: Path) -> None:
    """Some codes are written by statements."""
    write(tree, "gateway/reasons/requests.py", REASONS.replace('_p("', '_p("poison", 1), _p("', 1))
    assert registries.problems(write(tree, "gateway/ledger/sql/reads.sql", SQL.replace("1", "'poison'"))) == []


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "gateway/states.py",
            STATES.replace('"delivered"\n', '"delivered"\n    LOST = "lost"\n'),
            "no transition leads to lost",
        ),
        (
            "gateway/states.py",
            STATES.replace('"moved"\n', '"moved"\n    EATEN = "eaten"\n'),
            "trigger eaten moves nothing",
        ),
        ("gateway/storage/migrations/0001_first.sql", MIGRATION.replace("'queued', ", ""), "differ in queued"),
        (
            "gateway/storage/migrations/0001_first.sql",
            "CREATE TABLE delivery (id TEXT);\n",
            "has no CHECK on state",
        ),
        ("tests/test_states.py", "", "no test goes through states.TRANSITIONS"),
    ],
)
def test_machine_that_disagrees_is_named(tree: Path, name: str, text: str, told: str) -> None:
    """Table, database and tests say the same."""
    assert any(told in problem for problem in machine.problems(write(tree, name, text)))


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("gateway/paths.py", 'PATHS = {"vxp": "/vxp"}\n', "vxp"),
        ("gateway/deep/reasons.py", "# put it into XroadVnpt-sign-header\n", "Xroad"),
        ("gateway/ledger/sql/peers.sql", "-- of the X-Road security servers\n", "X-Road"),
    ],
)
def test_vendors_name_in_the_gateway_is_named(tree: Path, name: str, text: str, word: str) -> None:
    """In code, in a comment and in SQL."""
    [problem] = vendors.problems(write(tree, name, text))
    assert problem.startswith(f"{name}:1: names {word}")


@pytest.mark.parametrize("name", ["adapters/vxp/wire.py", "gateway/channels.py", "gateway/simulate/axis/wire.py"])
def test_vendors_name_is_fine_where_it_is_the_matter(tree: Path, name: str) -> None:
    """Adapters, the composition root, simulators."""
    assert vendors.problems(write(tree, name, '"""VXP."""\n')) == []

"""The fuzzer's targets without the fuzzer: seeds, former findings, and a few hundred mutations of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import FOUND, TARGETS, Run

_CORPUS = {name: target.corpus(name) for name, target in TARGETS.items()}
_MUTATIONS = 25


@pytest.fixture(scope="module")
def parsers() -> dict[str, Run]:
    return {name: target.open() for name, target in TARGETS.items()}


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_former_findings_are_answered(name: str, parsers: dict[str, Run]) -> None:
    """Every one of them, by its parser's own error or a finding."""
    assert _CORPUS[name]
    for data in _CORPUS[name]:
        parsers[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_are_answered(name: str, parsers: dict[str, Run]) -> None:
    """Bytes changed, dropped, doubled, put in from another seed, and words that mean something."""
    run, target, corpus = parsers[name], TARGETS[name], _CORPUS[name]

    @settings(max_examples=_MUTATIONS, deadline=None, database=None)
    @given(st.sampled_from(corpus), st.sampled_from(corpus), st.randoms(use_true_random=False))
    def mutated(seed: bytes, other: bytes, chance: random.Random) -> None:
        data = bytearray(seed)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) + 1)
            kind = chance.randrange(5)
            if kind == 0 and at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            elif kind == 1:
                del data[at : at + chance.randint(1, 64)]
            elif kind == 2:
                data[at:at] = data[at : at + chance.randint(1, 256)]
            elif kind == 3:
                begin = chance.randrange(len(other) + 1)
                data[at:at] = other[begin : begin + chance.randint(1, 256)]
            elif target.words:
                data[at:at] = chance.choice(target.words)
        run(bytes(data[: target.most_bytes]))

    mutated()


def test_every_former_finding_has_its_line() -> None:
    """What a file is and why it is there, in the folder's page."""
    told = (FOUND / "README.md").read_text("utf-8")
    files = [path for path in FOUND.rglob("*") if path.is_file() and path.parent != FOUND]
    assert files
    assert {path.parent.name for path in files} <= TARGETS.keys()
    assert not [path for path in files if f"{path.parent.name}/{path.name}" not in told]


def test_targets_answer_bytes_of_no_kind(parsers: dict[str, Run]) -> None:
    """Nothing at all, and noise."""
    for run in parsers.values():
        for data in (b"", b"\x00", b"\xff" * 100, bytes(range(256)) * 4):
            run(data)

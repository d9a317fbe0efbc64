"""The parser answers whatever it is given, and in flat memory."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.edxml.parser import ParsedMessage
from gateway.reasons import REASONS
from tests.unit.edxml_read.samples import attachment, document, parse
from tools.vectors import vector_folders

_SEEDS = [(folder / "input.edxml").read_bytes() for folder in vector_folders()]


def _is_sane(message: ParsedMessage) -> None:
    report = message.report
    assert report.refusal == "" or report.refusal in REASONS
    assert report.envelope is not None or report.refusal
    assert (message.skeleton is None) == (report.envelope is None)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_give_a_report(data: bytes) -> None:
    """Never an exception."""
    _is_sane(parse(data))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(_SEEDS), st.randoms(use_true_random=False))
def test_mutated_vectors_give_a_report(seed: bytes, chance: random.Random) -> None:
    """Bytes changed, dropped, doubled and swapped in messages that nearly work."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at, length = chance.randrange(len(data) + 1), chance.choice((1, 1, 2, 8, 40))
        act = chance.randrange(4)
        if act == 0:
            data[at : at + length] = bytes(chance.choice(b'<>/&;:=" aA0\x00\xff') for _ in range(length))
        elif act == 1:
            del data[at : at + length]
        elif act == 2:
            data[at:at] = data[at : at + length]
        else:
            other = chance.randrange(len(data) + 1)
            data[at:at] = data[other : other + length]
    _is_sane(parse(bytes(data)))


_STREAM = """
import base64, resource, sys
from gateway.edxml.extract import extract_attachment
from gateway.edxml.limits import ParseLimits
from gateway.edxml.parser import parse_file

class Count:
    size = 0
    def write(self, data):
        self.size += len(data)

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
limits = ParseLimits()
report = parse_file(sys.argv[1], limits=limits).report
out = Count()
extract_attachment(sys.argv[1], number=1, out=out, limits=limits)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(report.refusal or "taken", report.envelope.attachments[0].size, out.size, grown)
"""


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xml", "mime"])
def test_three_hundred_megabytes_parse_in_flat_memory(tmp_path: Path, form: str) -> None:
    """A message of 300 MB is read, and its attachment handed out, with less than 24 MB more than a small one."""
    head, tail = _split_mime() if form == "mime" else _split_document()
    path = tmp_path / "large.edxml"
    block = (b"QUJD" * 19 + b"\n") * 1000
    count = 300 * 1000**2 // len(block)
    try:
        with path.open("wb") as file:
            file.write(head)
            for _ in range(count):
                file.write(block)
            file.write(tail)
        done = subprocess.run(
            [sys.executable, "-c", _STREAM, str(path)], capture_output=True, text=True, check=True, timeout=300
        )
    finally:
        path.unlink(missing_ok=True)
    verdict, size, written, grown = done.stdout.split()
    assert (verdict, int(size), int(written)) == ("taken", count * 57 * 1000, count * 57 * 1000)
    assert int(grown) < 24 * 1024


def _split_document() -> tuple[bytes, bytes]:
    head, _, tail = document(attachments=attachment("HERE")).partition(b"HERE")
    return head, tail


def _split_mime() -> tuple[bytes, bytes]:
    fields = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return b"--B\r\n\r\n" + document() + b"\r\n--B\r\n" + fields, b"\r\n--B--\r\n"

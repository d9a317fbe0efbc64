"""The container: one shape, every departure from it found, and other people's tools read it."""

from __future__ import annotations

import io
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bundle.container import Container, ContainerWriter
from gateway.bundle.format import DOCUMENT, MANIFEST, MIMETYPE, ROLES, role_of
from gateway.bundle.manifest import manifest_of
from gateway.errors import BundleError
from tests.bundle.making import made
from tests.system_tools import require_tool

BUNDLE = made()


def codes(data: bytes) -> set[str]:
    return {fault.code for fault in Container.of(data).faults}


def test_bundle_has_no_faults_and_its_bytes_are_the_same_each_time() -> None:
    """Same story, same bytes; `mimetype` first; the manifest lists what there is."""
    container = Container.of(BUNDLE)
    assert not container.faults
    assert made() == BUNDLE
    assert next(iter(container.entries)) == MIMETYPE
    assert container.bytes_of(MANIFEST) == manifest_of(container.entries)
    assert BUNDLE[30:69] == b"mimetypeapplication/vnd.etsi.asic-e+zip"


def test_other_peoples_tools_read_it(tmp_path: Path) -> None:
    """Python's zipfile and Info-ZIP's unzip find the same entries and no errors."""
    path = tmp_path / "a.asice"
    path.write_bytes(BUNDLE)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(Container.open(path).entries)
    subprocess.run([require_tool("unzip", "unzip"), "-tq", str(path)], check=True, capture_output=True)


@pytest.mark.parametrize("length", [0, 1, 21, 100, len(BUNDLE) - 1])
def test_file_cut_short_is_said_to_be(length: int) -> None:
    """Wherever it was cut."""
    assert codes(BUNDLE[:length]) == {"cut_short"}


def test_bytes_behind_the_end_or_before_the_start_are_faults() -> None:
    """A second reading of the file has no place to stand."""
    assert codes(BUNDLE + b"x") == {"cut_short"}
    assert codes(b"MZ" + BUNDLE) >= {"directory_wrong"}


def rezipped(*, compression: int = zipfile.ZIP_STORED, names: tuple[str, ...] = (), first: str = MIMETYPE) -> bytes:
    """By somebody else's tool."""
    file = io.BytesIO()
    container = Container.of(BUNDLE)
    order = sorted(container.entries, key=lambda name: name != first)
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name in order:
            archive.writestr(name, container.bytes_of(name))
        for name in names:
            archive.writestr(name, b"x")
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (rezipped(compression=zipfile.ZIP_DEFLATED), "compressed"),
        (rezipped(), "headers_unusual"),
        (rezipped(names=("../../etc/passwd",)), "unsafe_name"),
        (rezipped(names=("/etc/passwd",)), "unsafe_name"),
        (rezipped(names=("messages\\..\\x",)), "unsafe_name"),
        (rezipped(names=("Document.edxml",)), "unknown_entry"),
        (rezipped(names=("evidence/leaves/007.json",)), "unknown_entry"),
        (rezipped(first=DOCUMENT), "mimetype_not_first"),
    ],
)
def test_departures_have_their_codes(data: bytes, code: str) -> None:
    """Each by its name."""
    assert code in codes(data)


def test_every_entry_twice_and_a_name_twice_are_told() -> None:
    """A duplicate is a duplicate, whatever its bytes."""
    with pytest.warns(UserWarning, match="Duplicate name"):
        doubled = rezipped(names=(DOCUMENT,))
    assert "duplicate_entry" in codes(doubled)


def test_every_byte_of_the_structure_counts() -> None:
    """No bit of headers and directory may be another without a fault."""
    end = struct.unpack_from("<I", BUNDLE, len(BUNDLE) - 6)[0]
    for position in [*range(30), *range(end, len(BUNDLE))]:
        changed = bytearray(BUNDLE)
        changed[position] ^= 0x01
        assert codes(bytes(changed)), position


def test_every_byte_of_entries_counts() -> None:
    """Check sums are looked at."""
    changed = bytearray(BUNDLE)
    changed[Container.of(BUNDLE).entries[DOCUMENT].offset] ^= 0x01
    assert codes(bytes(changed)) == {"bytes_changed"}


@given(st.binary(max_size=400), st.integers(0, len(BUNDLE)), st.integers(0, 60))
def test_no_file_raises(junk: bytes, at: int, lost: int) -> None:
    """Whatever the bytes, there is a list of faults."""
    Container.of(junk)
    Container.of(BUNDLE[:at] + junk + BUNDLE[at + lost :])


def test_writer_refuses_what_is_not_of_the_format() -> None:
    """And what there is already."""
    writer = ContainerWriter(io.BytesIO())
    for name in ("x.txt", "../a", MIMETYPE):
        with pytest.raises(BundleError):
            writer.add(name, b"")


def test_roles_are_told_apart() -> None:
    """No name has two roles, and sloppy names have none."""
    assert role_of("messages/01900000-0000-7000-8000-00000000000a.receipt.xml") == "message_receipt"
    assert role_of("evidence/leaves/12.tlog-proof") == "proof"
    assert role_of("document.edxml\n") is None
    assert len(set(ROLES)) == len(ROLES)

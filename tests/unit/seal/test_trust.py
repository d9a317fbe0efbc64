"""Trust stores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import TrustStoreError
from gateway.seal.trust import TrustPurpose, TrustStore
from tests.pki.build import build

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def load(folder: Path) -> TrustStore:
    return TrustStore.load(folder, TrustPurpose.SEAL)


def test_store_holds_the_certificates_and_lists_of_its_folder(tmp_path: Path) -> None:
    """Anchors keep their file's name; other files are ignored."""
    build().write_anchors(tmp_path, "seal-root", "foreign-root")
    (tmp_path / "README.md").write_text("not read", "utf-8")
    store = load(tmp_path)
    assert [each.name for each in store.anchors] == ["foreign-root", "seal-root"]
    assert len(store.revocations) == 1
    assert len(store.at(NOW)) == 2


def test_missing_or_empty_store_is_refused(tmp_path: Path) -> None:
    """An empty store would refuse every seal for a reason that nobody sees."""
    with pytest.raises(TrustStoreError, match="holds no CA certificate"):
        load(tmp_path)
    with pytest.raises(TrustStoreError, match="No such file"):
        load(tmp_path / "none")


def test_store_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    """Who may write an anchor may forge any seal, so folder, certificates and notes are all looked at."""
    build().write_anchors(tmp_path, "seal-root")
    tmp_path.chmod(0o777)
    with pytest.raises(TrustStoreError, match="chmod o-w"):
        load(tmp_path)
    tmp_path.chmod(0o755)
    (tmp_path / "seal-root.pem").chmod(0o666)
    with pytest.raises(TrustStoreError, match=r"seal-root\.pem may be written"):
        load(tmp_path)
    (tmp_path / "seal-root.pem").chmod(0o644)
    note = tmp_path / "seal-root.toml"
    note.write_text('note = "x"\n', "utf-8")
    note.chmod(0o666)
    with pytest.raises(TrustStoreError, match=r"seal-root\.toml may be written"):
        load(tmp_path)


def test_certificate_that_is_no_ca_is_refused(tmp_path: Path) -> None:
    """An end entity among the anchors is a mistake, not a way to pin."""
    build().write_anchors(tmp_path, "seal-root", "seal-rsa")
    with pytest.raises(TrustStoreError, match="is not a CA's"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["broken.pem", "broken.crl.pem"])
def test_damaged_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    """A file that cannot be read is not skipped: the operator meant something by it."""
    build().write_anchors(tmp_path, "seal-root")
    (tmp_path / name).write_text("-----BEGIN NOTHING-----", "utf-8")
    with pytest.raises(TrustStoreError, match=name):
        load(tmp_path)


def test_note_limits_the_time_in_which_an_anchor_is_trusted(tmp_path: Path) -> None:
    """A date means the whole day, an instant itself."""
    build().write_anchors(tmp_path, "seal-root")
    (tmp_path / "seal-root.toml").write_text(
        'trusted_from = 2026-01-01\ntrusted_until = 2026-11-22\nnote = "read out by telephone"\n', "utf-8"
    )
    store = load(tmp_path)
    assert store.anchors[0].note == "read out by telephone"
    assert store.at(NOW)
    assert not store.at(datetime(2026, 11, 23, tzinfo=UTC))
    assert not store.at(datetime(2025, 12, 31, tzinfo=UTC))
    (tmp_path / "seal-root.toml").write_text("trusted_until = 2026-11-22T16:00:00+07:00\n", "utf-8")
    assert not load(tmp_path).at(NOW)


@pytest.mark.parametrize(
    "note", ["trusted_til = 2026-01-01", "trusted_from = 'soon'", "= 1", "trusted_from = 2026-01-01T00:00:00"]
)
def test_note_that_is_not_understood_is_refused(tmp_path: Path, note: str) -> None:
    """A mistyped limit must not mean no limit."""
    build().write_anchors(tmp_path, "seal-root")
    (tmp_path / "seal-root.toml").write_text(note, "utf-8")
    with pytest.raises(TrustStoreError, match=r"seal-root\.toml"):
        load(tmp_path)

"""Secrets at rest: what opens them, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.accounts.secret_box import SecretBox
from gateway.errors import KeyFileError


def test_secret_opens_for_its_own_purpose_only(tmp_path: Path) -> None:
    """A row copied to another agency, or changed by a bit, opens nothing."""
    box = SecretBox(tmp_path / "secrets")
    box.make()
    sealed = box.seal(b"gw_secret", "id\nsystem")
    assert b"gw_secret" not in sealed
    assert box.open(sealed, "id\nsystem") == b"gw_secret"
    assert box.seal(b"gw_secret", "id\nsystem") != sealed
    for other, purpose in ((sealed, "id\nother"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), "id\nsystem"), (b"", "")):
        with pytest.raises(KeyFileError, match="not the key"):
            box.open(other, purpose)


def test_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """A second one would hide that the first is lost; nobody else may read it."""
    box = SecretBox(tmp_path / "secrets")
    with pytest.raises(KeyFileError, match="cannot read"):
        box.seal(b"x", "p")
    box.make()
    assert box.path.stat().st_mode & 0o777 == 0o600
    assert box.path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(KeyFileError, match="exists"):
        box.make()
    sealed = box.seal(b"x", "p")
    box.path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        SecretBox(tmp_path / "secrets").open(sealed, "p")


@pytest.mark.parametrize("content", ["", "no hexadecimal", "00" * 31, "00" * 33])
def test_file_that_holds_no_key_is_named(tmp_path: Path, content: str) -> None:
    """In words that say what is wrong, without the file's content."""
    box = SecretBox(tmp_path)
    box.path.write_text(content)
    box.path.chmod(0o600)
    with pytest.raises(KeyFileError, match="holds no key") as caught:
        box.seal(b"x", "p")
    assert not content or content not in str(caught.value)


def test_another_key_in_its_place_opens_nothing_that_was_sealed(tmp_path: Path) -> None:
    """And is seen at once, without a restart."""
    box = SecretBox(tmp_path)
    box.make()
    sealed, first = box.seal(b"x", "p"), box.key_id
    box.path.unlink()
    box.make()
    assert box.key_id != first
    with pytest.raises(KeyFileError):
        box.open(sealed, "p")

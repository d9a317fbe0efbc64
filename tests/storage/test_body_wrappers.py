"""One suite for both wrappers of data keys, key file and token; and what is wrong with a token."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.config.values import TokenPlace
from gateway.errors import KeyFileError, TokenError
from gateway.storage.body_keys import DataKey, KeyFile, WrappedKey, Wrapper
from gateway.storage.body_token import BodyKeyPlace, Keyring, TokenKeys
from tests.system_tools import require_tool
from tests.token_lab import PIN, WRONG, TokenLab, make_token

LABEL = "gateway-bodies"
KINDS = ("file", "token")


def place_on(lab: TokenLab) -> BodyKeyPlace:
    file, mark = lab.folder / "bodies.key", lab.folder / "body-pin.refused"
    return BodyKeyPlace(file=file, token=lab.place(LABEL), secret=lab.secret, mark=mark)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenLab:
    return make_token(tmp_path / "token", monkeypatch)


class Site:
    """A place of one kind with one key."""

    def __init__(self, place: BodyKeyPlace) -> None:
        self.place = place
        self.add()

    def add(self) -> str:
        """One more key, the newest."""
        with self.place.token_opened(writes=True) as token:
            if token is not None:
                return token.make()
        (KeyFile.add if self.place.file.exists() else KeyFile.make)(self.place.file)
        return KeyFile.load(self.place.file).newest

    def remove(self, key_id: str) -> None:
        """One key less."""
        with self.place.token_opened(writes=True) as token:
            if token is not None:
                token.remove(key_id)
                return
        KeyFile.remove(self.place.file, key_id)


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """Of either kind."""
    if request.param == "file":
        return Site(BodyKeyPlace(file=tmp_path / "bodies.key"))
    return Site(place_on(request.getfixturevalue("lab")))


@pytest.fixture
def wrapper(site: Site) -> Iterator[Wrapper]:
    """Opened."""
    with site.place.opened() as found:
        yield found


def test_secret_comes_back_and_no_two_writings_of_it_are_alike(wrapper: Wrapper) -> None:
    """Under the newest key, in 60 bytes."""
    secret = os.urandom(32)
    first, second = (wrapper.wrap(secret, b"bound") for _ in range(2))
    assert first != second
    assert {len(first), len(second)} == {60}
    assert secret not in first + second
    assert [wrapper.unwrap(wrapper.newest, each, b"bound") for each in (first, second)] == [secret] * 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda wrapped: wrapped[:-1] + bytes([wrapped[-1] ^ 1]),
        lambda wrapped: bytes([wrapped[0] ^ 1]) + wrapped[1:],
        lambda wrapped: wrapped[:20],
        lambda _: b"",
    ],
    ids=["tag", "nonce", "cut", "empty"],
)
def test_wrapped_key_that_was_changed_opens_nothing(wrapper: Wrapper, spoil: Callable[[bytes], bytes]) -> None:
    """And is told apart from a token that fails; so is one that was bound to something else."""
    wrapped = wrapper.wrap(bytes(32), b"bound")
    for data, bound in ((spoil(wrapped), b"bound"), (wrapped, b"other")):
        with pytest.raises(KeyFileError, match="not what was written") as caught:
            wrapper.unwrap(wrapper.newest, data, bound)
        assert not isinstance(caught.value, TokenError)
    assert wrapper.unwrap(wrapper.newest, wrapped, b"bound") == bytes(32)


def test_key_that_is_not_there_is_named_with_those_that_are(wrapper: Wrapper) -> None:
    """So that an operator knows which copy to look for."""
    wrapped = wrapper.wrap(bytes(32), b"bound")
    with pytest.raises(KeyFileError, match=rf"lacks the key {'ab' * 8}.*{wrapper.newest}"):
        wrapper.unwrap("ab" * 8, wrapped, b"bound")


def test_data_key_comes_back_under_old_and_new_key(site: Site) -> None:
    """As it is turned; when the old one is gone, what is under it does not open."""
    key = DataKey.make()
    with site.place.opened() as before:
        old, row = before.newest, key.wrapped(before)
    new = site.add()
    assert new != old
    with site.place.opened() as turned:
        assert turned.newest == new
        assert DataKey.unwrapped(row, turned) == key
        after = key.wrapped(turned)
    assert after.wrapper == new
    site.remove(old)
    with site.place.opened() as left:
        assert DataKey.unwrapped(after, left) == key
        with pytest.raises(KeyFileError, match=f"lacks the key {old}"):
            DataKey.unwrapped(row, left)


def test_both_write_the_same_form(lab: TokenLab) -> None:
    """What a token's key wraps is what AES-256-GCM of a file's key would: the ledger knows one form."""
    file, token = Site(BodyKeyPlace(file=lab.folder / "bodies.key")), Site(place_on(lab))
    key = DataKey.make()
    rows = []
    for site in (file, token):
        with site.place.opened() as wrapper:
            rows.append(key.wrapped(wrapper))
    assert len({len(row.wrapped) for row in rows}) == 1
    with token.place.opened() as both:  # the file lies beside the token: both rows open
        assert [DataKey.unwrapped(row, both) for row in rows] == [key, key]
        assert both.newest == rows[1].wrapper
    with token.place.opened(into_file=True) as both:
        assert both.newest == rows[0].wrapper


def test_token_is_not_asked_for_what_the_file_opens(lab: TokenLab) -> None:
    """Before the rotation that moves the keys, a server starts without the token."""
    file = Site(BodyKeyPlace(file=lab.folder / "bodies.key"))
    key = DataKey.make()
    with file.place.opened() as wrapper:
        row = key.wrapped(wrapper)
    with lab.pulled_out(), place_on(lab).opened() as both:
        assert DataKey.unwrapped(row, both) == key
        with pytest.raises(TokenError, match="token"):
            both.wrap(bytes(32), b"")


def test_key_cannot_leave_the_token_and_is_told_by_its_id(lab: TokenLab) -> None:
    """Sensitive, not extractable, private; its number is one more than the last one's."""
    import pkcs11

    first = Site(place_on(lab)).add()
    attribute = pkcs11.Attribute
    driver = pkcs11.lib(str(lab.place().module))
    driver.reinitialize()
    with driver.get_token(token_label=lab.label).open(user_pin=PIN) as session:
        objects: Iterable[Any] = session.get_objects({attribute.LABEL: LABEL})
        keys = {each.id.hex(): each for each in objects}
        found = keys[first]
        assert [found[each] for each in (attribute.SENSITIVE, attribute.EXTRACTABLE, attribute.PRIVATE)] == [
            True,
            False,
            True,
        ]
        with pytest.raises(pkcs11.AttributeSensitive):
            found[attribute.VALUE]
    assert sorted(each[:8] for each in keys) == ["00000001", "00000002"]


def test_wrong_pin_is_given_once_whoever_starts_however_often(
    lab: TokenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each start is a new process: the token's own mark and ours are heeded; a person alone tries again."""
    place = Site(place_on(lab)).place
    lab.write_pin(WRONG)
    for _ in range(3):
        with (
            pytest.raises(TokenError, match="gateway keys bodies try --pin-again") as caught,
            place.opened() as keys,
        ):
            keys.wrap(bytes(32), b"")
        assert caught.value.code == "pin_refused"
        assert WRONG not in str(caught.value)
    assert place.mark.exists()
    asked: list[object] = []
    monkeypatch.setattr(TokenKeys, "_start", asked.append)
    with pytest.raises(TokenError, match="not tried again"), place.opened() as keys:
        keys.wrap(bytes(32), b"")
    assert asked == [], "the token is not even asked, for one that remembers nothing"
    monkeypatch.undo()
    monkeypatch.setenv("SOFTHSM2_CONF", os.fspath(lab.folder / "softhsm2.conf"))
    lab.write_pin()
    os.utime(lab.secret, ns=(1, 1))
    with pytest.raises(TokenError, match="none is tried until a person does"), place.opened() as keys:
        keys.wrap(bytes(32), b"")
    with place.token_opened(again=True) as token:
        assert token is not None
        assert token.trial()
    assert not place.mark.exists()
    with place.opened() as keys:
        assert keys.wrap(bytes(32), b"")


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        ({"token": "another"}, "token_missing", "plug it in"),
        ({"module": Path("/usr/lib/none.so")}, "module_unusable", "install it"),
        ({"key": "another"}, "", "gateway keys bodies init"),
        ({"key": ""}, "", "object=LABEL"),
    ],
    ids=["label", "driver", "no-key", "no-label"],
)
def test_what_is_not_there_is_a_sentence_with_a_next_step(
    lab: TokenLab, spoil: dict[str, object], code: str, words: str
) -> None:
    """With the code of a finding where the token is meant."""
    place = Site(place_on(lab)).place
    assert place.token is not None
    spoilt = replace(place, token=replace(place.token, **spoil))  # type: ignore[arg-type]
    with pytest.raises(KeyFileError, match=words) as caught, spoilt.opened() as keys:
        keys.wrap(bytes(32), b"")
    assert caught.value.facts.get("code", "") == code


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda secret: secret.chmod(0o640), "chmod 600"),
        (lambda secret: secret.unlink(), "cannot read"),
        (lambda secret: secret.write_bytes(b""), "must hold one line"),
    ],
    ids=["mode", "missing", "empty"],
)
def test_file_of_the_pin_is_looked_at(lab: TokenLab, spoil: Callable[[Path], object], words: str) -> None:
    """As that of the seal's token."""
    place = Site(place_on(lab)).place
    spoil(lab.secret)
    with pytest.raises(KeyFileError, match=words), place.opened() as keys:
        keys.wrap(bytes(32), b"")
    with (
        pytest.raises(KeyFileError, match="body_secret"),
        replace(place, secret=None).opened() as keys,
    ):
        keys.wrap(bytes(32), b"")


HANGING = """
#include <unistd.h>
unsigned long C_GetFunctionList(void **list) { (void)list; for (;;) pause(); }
"""
DYING = "#include <stdlib.h>\nunsigned long C_GetFunctionList(void **list) { (void)list; abort(); }\n"


# patience includes the start of the process, which takes seconds on a busy machine
@pytest.mark.parametrize(
    ("source", "patience", "code"),
    [(HANGING, 2, "token_silent"), (DYING, 60, "token_failed")],
    ids=["hangs", "dies"],
)
def test_driver_that_hangs_or_dies_takes_nobody_with_it(
    lab: TokenLab, source: str, patience: float, code: str
) -> None:
    """It runs in a child, which is given up; nothing of it is left."""
    compiler = require_tool("cc", "gcc")
    module = lab.folder / "driver.so"
    (lab.folder / "driver.c").write_text(source)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", module, lab.folder / "driver.c"], check=True, timeout=60)
    place = TokenPlace(module=module, token=lab.label, key=LABEL)
    keys = TokenKeys(place, lab.secret, lab.folder / "mark", patience=patience)
    with pytest.raises(TokenError, match="driver") as caught:
        keys.wrap(bytes(32), b"")
    assert caught.value.code == code
    assert keys._process is None


def test_mark_tells_nothing_of_the_pin(lab: TokenLab) -> None:
    """It names the PIN's file by inode and time; everybody may read it, so that root's start does not hide it."""
    place = Site(place_on(lab)).place
    lab.write_pin(WRONG)
    with pytest.raises(TokenError), place.opened() as keys:
        keys.wrap(bytes(32), b"")
    found = lab.secret.stat()
    assert place.mark.read_text() == f"{found.st_ino} {found.st_mtime_ns}\n"
    assert stat.S_IMODE(place.mark.stat().st_mode) == 0o644


def test_row_of_another_key_or_id_opens_nothing(wrapper: Wrapper) -> None:
    """A row that was exchanged is found by what its id is bound to."""
    first, second = (DataKey.make().wrapped(wrapper) for _ in range(2))
    swapped = WrappedKey(id=first.id, wrapper=first.wrapper, wrapped=second.wrapped)
    with pytest.raises(KeyFileError, match="not what was written"):
        DataKey.unwrapped(swapped, wrapper)


def test_ring_asks_whoever_has_the_key(tmp_path: Path) -> None:
    """Of a file alone it is the file."""
    KeyFile.make(tmp_path / "bodies.key")
    file = KeyFile.load(tmp_path / "bodies.key")
    ring = Keyring(file, None)
    assert ring.newest == file.newest
    assert ring.unwrap(file.newest, ring.wrap(b"x", b""), b"") == b"x"

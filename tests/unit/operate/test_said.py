"""What a peer said is kept in part, and says so itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.webhook_reply import REPLY_BYTES_MAX, redacted, words_of
from gateway.said import LONGEST, Said, read_said, shortened


@given(st.text("ab…[] B+0123456789", max_size=60), st.integers(20, 50), st.none() | st.integers(0, 10**9))
def test_what_is_cut_says_so_and_what_is_not_is_as_it_was(text: str, most: int, size: int | None) -> None:
    """It is never longer than asked for; the size is read back."""
    kept = shortened(text, most, size=size)
    assert len(kept) <= most
    if len(text) <= most:
        assert kept == text
    else:
        found = read_said(kept)
        assert (found.is_cut, found.size) == (True, size)
        assert text.startswith(found.text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("HTTP 503", Said(text="HTTP 503")),
        ("x" * LONGEST, Said(text="x" * LONGEST, is_cut=True)),
        ("HTTP 503 …", Said(text="HTTP 503 ", is_cut=True)),
        ("HTTP 503 a… [2000 B]", Said(text="HTTP 503 a", is_cut=True, size=2000)),
        ("HTTP 503 a… [65536+ B]", Said(text="HTTP 503 a", is_cut=True, size=65536, or_more=True)),
        ("… [2 B] and on", Said(text="… [2 B] and on")),
    ],
)
def test_mark_is_read_at_the_end_alone(text: str, said: Said) -> None:
    """What was kept before there was a mark is told apart by its length."""
    assert read_said(text) == said


@pytest.mark.parametrize("size", [600, 5_000, REPLY_BYTES_MAX + 1])
def test_words_of_an_answer_say_how_long_it_was(size: int) -> None:
    """As far as it was read; a secret in it stays out."""
    content = (b"token=abc " + b"lam lai sau " * (size // 12 + 1))[:size]
    found = read_said(words_of(content, before="HTTP 503 "))
    assert found.text.startswith("HTTP 503 […] lam lai sau")
    most = min(size, REPLY_BYTES_MAX)
    assert (found.is_cut, found.size, found.or_more) == (True, most, size > REPLY_BYTES_MAX)
    assert read_said(words_of(content, 200, is_whole=False)).size is None


def test_answer_that_is_kept_whole_has_no_mark() -> None:
    """Up to the last character."""
    assert words_of(b"a" * 31 + b" " + b"b" * 31, before="HTTP 503 ") == f"HTTP 503 {'a' * 31} {'b' * 31}"
    assert redacted("lam lai sau " * 3, 40) == "lam lai sau lam lai sau lam lai sau"
    assert redacted("lam lai sau " * 9, 40).endswith("…")

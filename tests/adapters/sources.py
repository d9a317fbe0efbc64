"""What every polled source owes the watcher; the other half of `tests.adapters.conformance`.

A subclass gives the fixture `stage`: a peer that keeps entries, and clients of it. Sources do as they are told;
that the gateway tells them only after its commit, and what a kill there leads to, is `tests.journeys.taking`.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

import pytest

from gateway.errors import SourceError
from gateway.ports import Settlement, Source
from gateway.reasons import REASONS

Trouble = Literal["is_absent", "fails", "talks_nonsense"]

_CONTENT = "<edXML>công văn đến</edXML>".encode()
_LARGE = b"<edXML>" + b"0123456789abcdef" * 200_000 + b"</edXML>"
_DONE = Settlement(done=True, message_id="0193", answer=b"{}", transfer=b"{}", xades=b"<x/>")
_REFUSED = Settlement(done=False, reason="edxml_invalid", detail="it has no From")


class SourceStage(Protocol):
    """A peer with entries for us."""

    async def put(self, content: bytes) -> None:
        """Another document waits."""
        ...

    def client(self) -> Source:
        """A client that remembers nothing, as after a restart."""
        ...

    async def trouble(self, trouble: Trouble | None) -> None:
        """From now on the peer is like this; None: well again."""
        ...

    async def spoil(self, ref: str) -> None:
        """The entry stays listed, but cannot be had any more."""
        ...

    async def told(self) -> list[bool]:
        """What the peer heard of its entries: True for each that is ours, False for each refused, in order."""
        ...


async def fetched(source: Source, ref: str) -> bytes:
    """One entry's bytes."""
    content = bytearray()

    async def write(chunk: bytes) -> None:
        content.extend(chunk)

    await source.fetch(ref, write)
    return bytes(content)


class SourceConformance:
    """The suite."""

    #: Whether the peer can be told of a refusal for good.
    tells_refusals: ClassVar[bool] = True

    @pytest.fixture
    def stage(self) -> SourceStage:
        raise NotImplementedError

    async def test_what_waits_is_listed_and_fetched_exactly(self, stage: SourceStage) -> None:
        """Every entry once, its bytes untouched, small or large."""
        await stage.put(_CONTENT)
        await stage.put(_LARGE)
        source = stage.client()
        try:
            refs = [item.ref for item in await source.listed()]
            assert len(set(refs)) == 2
            assert {await fetched(source, ref) for ref in refs} == {_CONTENT, _LARGE}
        finally:
            await source.close()

    async def test_entry_stays_until_it_is_settled_whoever_asks(self, stage: SourceStage) -> None:
        """Listing and fetching take nothing away: a crash before the commit loses nothing."""
        await stage.put(_CONTENT)
        seen = []
        for _ in range(2):
            source = stage.client()
            (item,) = await source.listed()
            assert await fetched(source, item.ref) == _CONTENT
            await source.close()
            seen.append(item.ref)
        assert seen[0] == seen[1]
        assert await stage.told() == []

    async def test_settled_entry_is_listed_no_more_and_the_next_ones_are(self, stage: SourceStage) -> None:
        """After a restart it goes on where it was."""
        await stage.put(_CONTENT)
        source = stage.client()
        (item,) = await source.listed()
        await fetched(source, item.ref)
        assert await source.settle(item.ref, _DONE)
        await source.close()
        await stage.put(_CONTENT + b" ")
        again = stage.client()
        try:
            (other,) = await again.listed()
            assert other.ref != item.ref
            assert await stage.told() == [True]
        finally:
            await again.close()

    async def test_settling_twice_does_no_harm(self, stage: SourceStage) -> None:
        """A crash between the peer's answer and our note repeats it."""
        await stage.put(_CONTENT)
        source = stage.client()
        try:
            (item,) = await source.listed()
            await fetched(source, item.ref)
            assert await source.settle(item.ref, _DONE)
            assert await source.settle(item.ref, _DONE)
            assert await source.listed() == () or list(await source.listed()) == []
        finally:
            await source.close()

    async def test_refused_entry_is_told_as_refused(self, stage: SourceStage) -> None:
        """Whoever put it there learns of it."""
        if not self.tells_refusals:
            pytest.skip("this peer cannot be told")
        await stage.put(_CONTENT)
        source = stage.client()
        try:
            (item,) = await source.listed()
            await fetched(source, item.ref)
            assert await source.settle(item.ref, _REFUSED)
            assert await stage.told() == [False]
            assert list(await source.listed()) == []
        finally:
            await source.close()

    @pytest.mark.parametrize("trouble", ["is_absent", "fails", "talks_nonsense"])
    async def test_peer_that_cannot_be_asked_is_an_outage_and_never_empty(
        self, stage: SourceStage, trouble: Trouble
    ) -> None:
        """Only a peer in order can say that there is nothing."""
        await stage.put(_CONTENT)
        await stage.trouble(trouble)
        source = stage.client()
        try:
            with pytest.raises(SourceError) as caught:
                await source.listed()
            assert caught.value.code in REASONS
            await stage.trouble(None)
            assert len(await source.listed()) == 1
        finally:
            await source.close()

    async def test_entry_that_cannot_be_had_keeps_no_other_from_beingfetched(self, stage: SourceStage) -> None:
        """One bad entry is one bad entry."""
        await stage.put(_CONTENT)
        source = stage.client()
        try:
            (bad,) = await source.listed()
            await stage.put(_CONTENT + b" ")
            await stage.spoil(bad.ref)
            with pytest.raises(SourceError) as caught:
                await fetched(source, bad.ref)
            assert caught.value.code in REASONS
            good = [item.ref for item in await source.listed() if item.ref != bad.ref]
            assert [await fetched(source, ref) for ref in good] == [_CONTENT + b" "]
        finally:
            await source.close()

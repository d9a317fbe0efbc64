"""Nobody erases what an acceptance is about to promise, and nobody promises what is being erased."""

from __future__ import annotations

import asyncio

import pytest

from gateway.storage.body_claims import BodyClaims

NAME = "ab" * 32


async def test_claimed_body_is_not_erased() -> None:
    """While its row is on its way; afterwards it may be."""
    claims = BodyClaims()
    async with claims.claimed(NAME), claims.claimed(NAME):
        with claims.alone(NAME) as is_alone:
            assert not is_alone
    with claims.alone(NAME) as is_alone:
        assert is_alone
        with claims.alone(NAME) as second:
            assert not second


async def test_acceptance_waits_until_the_erasing_is_over() -> None:
    """It keeps its body after the old file is gone, never before."""
    claims, order = BodyClaims(), list[str]()

    async def accept() -> None:
        async with claims.claimed(NAME):
            order.append("kept")

    with claims.alone(NAME) as is_alone:
        assert is_alone
        accepting = asyncio.create_task(accept())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        order.append("erased")
    await accepting
    assert order == ["erased", "kept"]


async def test_claim_of_a_commit_that_may_yet_succeed_lingers() -> None:
    """A cancelled acceptance may have promised its body all the same."""
    claims = BodyClaims()

    async def accept() -> None:
        async with claims.claimed(NAME):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await accept()
    with claims.alone(NAME) as is_alone:
        assert not is_alone

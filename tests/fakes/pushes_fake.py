"""The part of the fake gateway that is about what was pushed, and about the links of calls."""

from __future__ import annotations

from gateway.api import models
from gateway.api.service import Content
from gateway.errors import RefusedError
from gateway.model import Caller


class FakePushes:
    """Nothing was pushed, and one link is good."""

    async def pushed(self, caller: Caller, since: int, limit: int) -> models.PushedPage:
        return models.PushedPage(items=[], cursor=since, more=False)

    async def pushed_content(self, caller: Caller, delivery_id: str) -> Content:
        raise RefusedError("not_found")

    async def replay(self, caller: Caller, request: models.ReplayRequest) -> models.Replays:
        return models.Replays(queued=len(request.deliveries), cursor=request.after or 0, more=False)

    async def alert(self, token: str) -> bool:
        if token != "good-token":
            raise RefusedError("not_found")
        return False

    async def acknowledge_alert(self, token: str) -> bool:
        return not await self.alert(token)

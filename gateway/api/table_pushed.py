"""The routes about what was pushed, and those behind the links of calls, as part of `gateway.api.table`."""

from __future__ import annotations

from typing import Final

from gateway.api import alerts, models, pushed, queries
from gateway.api.route import Route
from gateway.api.table_shared import BYTES, RANGE

PUSHED: Final = (
    Route(
        method="GET",
        path="/pushed",
        name="listPushed",
        summary="What your webhooks confirmed, in that order",
        tag="pushed",
        handler=pushed.list_pushed,
        description="For a receiver that lost what it had. A page looks at part of the history only, so it may be "
        "empty and say `more`: go on from its `cursor`.",
        query_type=queries.PushedFrom,
        response=models.PushedPage,
    ),
    Route(
        method="GET",
        path="/pushed/{id}/content",
        name="fetchPushed",
        summary="The bytes of a delivery that your webhook confirmed",
        tag="pushed",
        handler=pushed.fetch_pushed,
        path_type=queries.ById,
        headers=(RANGE,),
        produces=("application/xml",),
        also=BYTES,
        problems=("range_not_satisfiable",),
    ),
    Route(
        method="POST",
        path="/pushed/replay",
        name="replayPushed",
        summary="Push it to your webhook again",
        tag="pushed",
        handler=pushed.replay,
        hands_in=True,
        description="Under the same ids, with `Gateway-Replay: 1`; your deliveries stay what they are. At most 500 "
        "of a request are taken: go on from `cursor` while it says `more`.",
        request=models.ReplayRequest,
        status=202,
        response=models.Replays,
        problems=("not_found", "quota_exceeded"),
    ),
    Route(
        method="GET",
        path="/alerts/{token}",
        name="showAlert",
        summary="The page behind the link of a call",
        tag="alerts",
        handler=alerts.show,
        description="Needs no credential; changes nothing, since telephones look at links by themselves.",
        path_type=queries.ByToken,
        produces=("text/html",),
        authenticated=False,
    ),
    Route(
        method="POST",
        path="/alerts/{token}",
        name="acknowledgeAlert",
        summary="Somebody has seen it: nobody else is called",
        tag="alerts",
        handler=alerts.acknowledge,
        description="Needs no credential: the token of the link is one for this alert alone.",
        path_type=queries.ByToken,
        produces=("text/html",),
        authenticated=False,
    ),
)

"""The national axis's protocol, served: a system with the vendor's SDK connects by its base URL and secret.

    /vxp/<operation>   of `endpoint_calls.OPERATIONS`, POST or GET, parameters as signed headers

What happens to each call: who asks is judged by its headers alone, before a byte of its body is read; then its
place among the agency's, then the operation. Every answer is JSON of the shape that the SDK reads, an unknown path
and an error of ours included; `downloadEdoc` alone answers with a file, and with no body where it has none.

Calls that come twice do no harm: the same document gets the same `DocId`, `updateStatus` may be repeated,
everything else only reads. A call that somebody recorded counts only from the networks of its secret.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from adapters.serving import break_off_if_begun, close_unless_read, expect_continue
from adapters.vxp.endpoint_calls import OPERATIONS, Call, Operation, Options
from adapters.vxp.endpoint_catalogue import Catalogue
from adapters.vxp.endpoint_inspection import Seen
from adapters.vxp.endpoint_reply import failed, failed_file
from adapters.vxp.endpoint_signature import read_signed
from gateway.broker import Broker, Claim, Visit
from gateway.clock import Clock
from gateway.errors import RefusedError

BINDING: Final = "vxp"
PATH: Final = "/vxp"
_GONE: Final = 499


class VxpEndpoint:
    """The handlers."""

    def __init__(self, broker: Broker, clock: Clock, options: Options) -> None:
        self._broker, self._clock, self._options = broker, clock, options
        self._catalogue = Catalogue(broker, clock)
        self._operations: Mapping[str, Operation] = OPERATIONS

    def add_to(self, app: web.Application) -> None:
        """Serve below PATH."""
        app.router.add_route("*", f"{PATH}/{{operation:.*}}", self.handle, expect_handler=expect_continue)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call, from its headers to its answer."""
        started = time.perf_counter()
        name = request.match_info["operation"].strip("/")
        operation = self._operations.get(name)
        told, status = f"vxp.{name}" if operation else "vxp.none", _GONE
        with self._broker.visit() as visit:
            try:
                response = await self._answer(request, operation, told, visit)
                status = response.status
                return response
            finally:
                seconds = time.perf_counter() - started
                self._broker.account(
                    told, method=request.method, status=status, seconds=seconds, address=request.remote or ""
                )

    async def _answer(
        self, request: web.Request, operation: Operation | None, told: str, visit: Visit
    ) -> web.StreamResponse:
        seen = Seen(visit=visit, operation=told.removeprefix("vxp."))
        try:
            if operation is None:
                raise RefusedError("not_found", "there is no such operation")  # noqa: TRY301 - told like the others
            response = await self._serve(request, operation, seen)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001  # the boundary: whatever it is becomes a refusal
            refusal = seen.refusal = await self._broker.refuse(error, told)
            break_off_if_begun(request, error)
            file = operation is not None and operation.file
            response = (failed_file if file else failed)(refusal, visit.trace_id)
            close_unless_read(request, response)
        if seen.caller is not None and not response.prepared:
            response.headers.update(self._broker.notices())
        if seen.claim is not None:
            exchange = seen.exchange(request, response.status, self._clock.now())
            await self._broker.inspected(seen.caller, seen.claim, exchange)
        return response

    async def _serve(self, request: web.Request, operation: Operation, seen: Seen) -> web.StreamResponse:
        if request.method not in {"GET", "POST"}:
            raise RefusedError("method_not_allowed", "POST or GET")
        signed = seen.signed = read_signed(request.raw_headers)
        claim = seen.claim = Claim(
            binding=BINDING,
            system_id=signed.system_id,
            address=request.remote or "",
            proves=signed.proves,
            hands_in=operation.hands_in,
        )
        caller = seen.caller = await self._broker.admit(claim)
        signed.require_fresh(self._clock.now(), self._options.window)
        size = request.content_length if request.body_exists else 0
        with self._broker.place(caller, size):
            return await operation.run(
                Call(
                    request=request,
                    signed=signed,
                    caller=caller,
                    visit=seen.visit,
                    seen=seen,
                    broker=self._broker,
                    catalogue=self._catalogue,
                )
            )

"""What one agency and one address may take of this process, counted in one place for every protocol spoken to us.

An agency that speaks two protocols has one share, not two. The numbers are the settings' `[limits]`; why they are
what they are is in `gateway.ratelimit`.
"""

from __future__ import annotations

from typing import Final

from gateway.config.settings import LimitSettings
from gateway.ratelimit import DELIVERIES_BURST, AtOnce, RateLimit

#: Strangers of one address at once, whatever the rate: behind one address there may be a whole office.
_STRANGERS_BURST: Final = 200.0
#: Enrolments of one address: one in six seconds, ten at once.
_ENROL_RATE: Final = 1 / 6
_ENROL_BURST: Final = 10.0
#: Files of the transparency log, which anybody may fetch: whoever follows the log takes many at once, then few.
_LOG_RATE: Final = 20.0
_LOG_BURST: Final = 1000.0


class Shares:
    """One per process."""

    def __init__(self, limits: LimitSettings) -> None:
        #: Requests, by agency.
        self.requests = RateLimit(limits.requests_per_second, 2.0 * limits.requests_per_second)
        #: Deliveries handed in, by agency.
        self.handed_in = RateLimit(limits.deliveries_per_second, DELIVERIES_BURST * limits.deliveries_per_second)
        #: Requests of whom nobody knows yet, by address.
        self.strangers = RateLimit(limits.strangers_per_second, _STRANGERS_BURST)
        #: Enrolments, by address.
        self.enrolments = RateLimit(_ENROL_RATE, _ENROL_BURST)
        #: Files of the log, by address.
        self.log_files = RateLimit(_LOG_RATE, _LOG_BURST)
        #: Requests under way, by agency.
        self.under_way = AtOnce(limits.requests_at_once, "requests")
        #: Of them, those with a large body.
        self.uploads = AtOnce(limits.uploads_at_once, "large uploads")

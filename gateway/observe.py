"""Metrics: one registry per `Metrics` object. `deploy/alerts.yml` uses these names; a test compares the two."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_STEP: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0)


class Metrics:
    """Every metric of the gateway, each named once."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._server()
        self._journey()
        self._people()
        self._clock()
        self._peers()
        self._store()

    def render(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self.registry)

    def _server(self) -> None:
        self.requests = self._counter("gateway_http_requests", "requests answered", "route", "status")
        self.request_seconds = self._histogram(
            "gateway_http_request_seconds", "from request line to answer", _FAST, "route"
        )
        self.connections = self._gauge("gateway_http_connections", "connections open")
        self.connections_refused = self._counter("gateway_http_connections_refused", "over max_connections")
        self.event_streams = self._gauge("gateway_http_event_streams", "open /events streams")

    def _journey(self) -> None:
        self.accept_seconds = self._histogram(
            "gateway_accept_seconds", "from the first byte to the 202", _FAST, "kind"
        )
        self.step_seconds = self._histogram(
            "gateway_step_seconds", "spool, validate, route, seal (with the body's sync), commit", _STEP, "step"
        )
        self.deliveries = self._gauge("gateway_deliveries_open", "deliveries that are not through", "state")
        self.attempts = self._counter("gateway_attempts", "attempts by outcome", "outcome")
        self.statuses_parked = self._gauge("gateway_statuses_parked", "statuses that wait for a person")

        self.seal_failing_seconds = self._gauge(
            "gateway_seal_failing_seconds", "for how long the key that seals has not signed; 0: it signs"
        )

    def _people(self) -> None:
        self.sign_ins = self._counter(
            "gateway_sign_ins",
            "tries to sign in to the console: signed_in, or why not (login_unknown, password, code, locked, "
            "disabled, expired, busy, provider, key)",
            "outcome",
        )
        self.lockouts = self._counter("gateway_sign_in_lockouts", "users locked after too many wrong tries")
        self.sessions_open = self._gauge("gateway_console_sessions_open", "people's sessions that count")

    def heard(self, outcome: str) -> None:
        """How a try to sign in ended, or that it locked somebody."""
        if outcome == "lockout":
            self.lockouts.inc()
        else:
            self.sign_ins.labels(outcome=outcome).inc()

    def _clock(self) -> None:
        self.clock_jumps = self._counter("gateway_clock_jumps", "jumps of the wall clock by more than 2 s")

    def _peers(self) -> None:
        self.endpoint_up = self._gauge("gateway_endpoint_up", "1 while messages get through", "endpoint")
        self.waiting = self._gauge("gateway_deliveries_waiting", "deliveries due or deferred", "endpoint")
        self.oldest_seconds = self._gauge("gateway_deliveries_oldest_seconds", "age of the oldest", "endpoint")
        self.certificate_days = self._gauge(
            "gateway_certificate_days_left", "days until a certificate that we use ends", "purpose"
        )
        self.certificate_warning = self._gauge(
            "gateway_certificate_warning", "0; 1: 60 days left, 2: 30 days, 3: 7 days or ended", "purpose"
        )
        self.peer_clock_offset = self._gauge(
            "gateway_peer_clock_offset_seconds", "a peer's clock minus ours, as its last answer said", "endpoint"
        )
        self._sources()

    def _sources(self) -> None:
        self.source_listed_at = self._gauge(
            "gateway_source_listed_timestamp_seconds", "when a peer's list was last read whole", "endpoint"
        )
        self.catalogue_synced_at = self._gauge(
            "gateway_catalogue_synced_timestamp_seconds",
            "when a peer's catalogue was last taken in whole",
            "endpoint",
        )
        self.catalogue_held = self._gauge(
            "gateway_catalogue_held", "1 while a peer's catalogue waits for a person", "endpoint"
        )
        self.source_failing = self._gauge(
            "gateway_source_failing_seconds", "how long a peer's list cannot be read; 0: it can", "endpoint"
        )
        self.source_silent = self._gauge(
            "gateway_source_silent", "1 while nothing has come for longer than is usual", "endpoint"
        )
        self.reconciliation_findings = self._gauge(
            "gateway_reconciliation_findings", "findings of the last comparisons with a peer's books", "endpoint"
        )
        self.reconciled_until = self._gauge(
            "gateway_reconciled_until_timestamp_seconds",
            "the end of the last day up to which all were compared with a peer's books",
            "endpoint",
        )
        self.offers_stuck = self._gauge(
            "gateway_offers_stuck", "entries of a peer's list that could not be accepted", "endpoint"
        )
        self.offers_oldest_seconds = self._gauge(
            "gateway_offers_stuck_oldest_seconds", "how long the oldest of them is listed", "endpoint"
        )
        self.offers_lingering = self._gauge(
            "gateway_offers_lingering", "entries that a peer goes on listing though it was told of them", "endpoint"
        )
        self.offers_lingering_seconds = self._gauge(
            "gateway_offers_lingering_oldest_seconds", "for how long the oldest of them does so", "endpoint"
        )
        self.heartbeat_at = self._gauge("gateway_heartbeat_timestamp_seconds", "last heartbeat that arrived")
        self._checks()
        self._log()

    def _checks(self) -> None:
        self.checks_waiting = self._gauge("gateway_checks_waiting", "documents whose signatures are to be examined")
        self.checks_pending = self._gauge(
            "gateway_checks_pending", "documents whose verdict waits for what a CA says about revocation"
        )
        self.checks_pending_seconds = self._gauge(
            "gateway_checks_pending_oldest_seconds", "for how long the oldest of them waits"
        )
        self.checks_undecided = self._gauge(
            "gateway_checks_undecided", "documents that were decided without it, [revocation] grace being over"
        )
        self.revocation_sources = self._gauge("gateway_revocation_sources", "lists of CAs that are fetched")
        self.revocation_sources_failing = self._gauge(
            "gateway_revocation_sources_failing", "addresses of CAs that gave nothing of use last"
        )
        self.encryption_unconfirmed = self._gauge(
            "gateway_encryption_certificates_unconfirmed",
            "certificates to encrypt to of which their CAs have said nothing for longer than [revocation] grace",
        )
        self.check_seconds = self._histogram(
            "gateway_check_seconds", "from opening a document to the verdict on its signatures", _FAST
        )

    def _log(self) -> None:
        self.log_leaves = self._gauge("gateway_log_leaves", "events that are leaves of the transparency log")
        self.log_signed_at = self._gauge(
            "gateway_log_signed_timestamp_seconds", "when the log was last found signed up to its newest leaf"
        )
        self.log_refusing = self._gauge(
            "gateway_log_refusing", "1 while the log's checkpoints may not or cannot be signed"
        )
        self.registers_until = self._gauge(
            "gateway_registers_until_timestamp_seconds",
            "end of the last day whose registers were closed; until there is one, start of the first day",
        )
        self.archives_until = self._gauge(
            "gateway_archives_until_timestamp_seconds",
            "end of the last month that was archived into [archive] folder; until there is one, start of the first",
        )
        self.institution_signed_at = self._gauge(
            "gateway_institution_signed_timestamp_seconds",
            "when the institution last had signed what it should",
        )
        self.institution_late = self._gauge(
            "gateway_institution_late", "1 while its signatures fail for longer than [institution] grace"
        )
        self._stamps()
        self._witnesses()
        self.renewal_failing = self._gauge(
            "gateway_certificate_renewal_failing", "1 while the CA gives the server no new certificate"
        )

    def _witnesses(self) -> None:
        self.head_failing = self._gauge(
            "gateway_log_head_failing", "1 while the log's head of this week could not be sent"
        )
        self.witness_up = self._gauge("gateway_witness_up", "1 while a witness was of use last", "witness")
        self.witness_lag_seconds = self._gauge(
            "gateway_witness_lag_seconds",
            "age of the oldest checkpoint after what a witness cosigned last",
            "witness",
        )
        self.witness_late = self._gauge(
            "gateway_witness_late", "1 while that is longer than [log] witness_grace", "witness"
        )
        self.witness_contradicts = self._gauge(
            "gateway_witness_contradicts", "1 while a witness has seen another history of the log", "witness"
        )

    def _stamps(self) -> None:
        self.stamps_waiting = self._gauge("gateway_stamps_waiting", "checkpoints without a time stamp")
        self.stamps_oldest_seconds = self._gauge(
            "gateway_stamps_oldest_seconds", "for how long the oldest of them waits"
        )
        self.stamps_late = self._gauge("gateway_stamps_late", "1 while that is longer than [stamps] grace")
        self.receipts_unstamped = self._gauge(
            "gateway_receipts_unstamped", "1 while receipts wait for a stamp of their own beside the log's"
        )
        self.stamped_at = self._gauge("gateway_stamped_timestamp_seconds", "when the last stamp came")
        self.stamp_server_up = self._gauge(
            "gateway_stamp_server_up", "1 while a time-stamping server was of use last", "server"
        )

    def _store(self) -> None:
        self.wal_bytes = self._gauge("gateway_wal_bytes", "size of SQLite's write-ahead log")
        self.disk_free_bytes = self._gauge("gateway_disk_free_bytes", "free below the data folder")
        self.pump_queue = self._gauge("gateway_pump_queue", "writes that wait for the pump")
        self.pump_broken = self._gauge("gateway_pump_broken", "1 while the database cannot be written")
        self.ledger_readable = self._gauge("gateway_ledger_readable", "0 while the database cannot be read")
        self.ledger_damaged = self._counter(
            "gateway_ledger_damaged", "looks that found damaged pages in the database"
        )
        self.bodies_broken = self._gauge("gateway_bodies_broken", "1 while no document can be kept")
        self.bodies_encrypted = self._gauge(
            "gateway_bodies_encrypted", "1 while new bodies are encrypted on the disk"
        )
        self.damaged = self._counter("gateway_damaged_bodies", "stored bodies found damaged")
        self.purges_waiting = self._gauge("gateway_purges_waiting", "orders to destroy that wait for a person")
        self.purge_remains = self._gauge(
            "gateway_purge_remains", "places where something of an order to destroy could not be removed yet"
        )
        self.alarms_open = self._gauge("gateway_alarms_open", "alarms that are open in the console", "rule")
        self.alarms_untold_seconds = self._gauge(
            "gateway_alarms_untold_seconds", "for how long somebody should have been told of an alarm and was not"
        )
        self.backup_at = self._gauge(
            "gateway_backup_timestamp_seconds", "when the newest whole copy was taken; 0: none is known"
        )
        self.drill_at = self._gauge("gateway_drill_timestamp_seconds", "when the last restore drill ended")
        self.drill_passed_at = self._gauge(
            "gateway_drill_passed_timestamp_seconds", "when the last restore drill that passed ended"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

"""Which adapters there are: the one place in this package that names them.

`make_adapters` and `make_source` build what the worker sends by and the watcher polls by, `make_bindings` what
peers speak to us by. `problems_of` says what
is wrong with one channel's settings and files before anybody dials; commands, the administrators' socket and the
doctor ask it. It does NOT connect to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from aiohttp import web

from adapters import (
    BINDINGS,
    CATALOGUE_EDITORS,
    CATALOGUES,
    COUNTERPARTS,
    FACTORIES,
    PLAIN_BINDINGS,
    PROBLEMS,
    SERVED,
    SOURCES,
    UNREADABLE,
    BindingOptions,
)
from adapters.mail import MailServer, SmtpMailer
from adapters.webhook import WebhookAdapter
from gateway.broker import Broker
from gateway.clock import Clock
from gateway.config.alerts import AlarmSettings, CallSettings
from gateway.config.settings import Settings, read_kept
from gateway.errors import ConfigError
from gateway.maintenance.polling import polling_problems
from gateway.model import Endpoint, EndpointId
from gateway.ports import (
    Adapter,
    Catalogue,
    CatalogueEditor,
    Counterpart,
    Mailer,
    Served,
    Source,
    Surroundings,
    Teller,
    Workshop,
)
from gateway.reach import Reach, networks_of


def surroundings_of(
    settings: Settings, clock: Clock, timeout: timedelta, workshop: Workshop | None = None
) -> Surroundings:
    """What every adapter and source is made with."""
    return Surroundings(
        secrets=settings.storage.secrets,
        folder=settings.storage.folder.parent,
        clock=clock,
        timeout_seconds=timeout.total_seconds(),
        reach=reach_of(settings),
        workshop=workshop,
    )


def reach_of(settings: Settings) -> Reach:
    """Which addresses channels may lead to."""
    server, bindings = settings.server, settings.bindings
    own = {
        (server.host, server.port),
        (server.operations_host, server.operations_port),
        (bindings.host, bindings.port),
        ("", bindings.plain_port),  # its host may be an interface's name
    }
    return Reach(
        allowed=networks_of(settings.webhook.allowed_networks),
        development=settings.profile == "development",
        own=frozenset((host, port) for host, port in own if port),
    )


def make_mailer(settings: Settings, clock: Clock) -> Mailer | None:
    """What hands letters over; None where no mail server is set."""
    mail = settings.mail
    if not mail.host:
        return None
    server = MailServer(
        host=mail.host,
        port=mail.port,
        tls=mail.tls,
        sender=mail.sender,
        bounces=mail.bounces,
        anchors=mail.anchors,
        username=mail.username,
        password_file=mail.password_file,
    )
    return SmtpMailer(server, secrets=settings.storage.secrets, clock=clock)


def make_teller(settings: Settings, clock: Clock) -> tuple[Teller | None, Endpoint]:
    """What pushes calls, and where to; None where no call gateway is set."""
    return _teller(settings, clock, "calls", settings.calls)


def make_alarm_teller(settings: Settings, clock: Clock) -> tuple[Teller | None, Endpoint]:
    """What pushes alarms, and where to; None where no receiver is set."""
    return _teller(settings, clock, "alarms", settings.alarms)


def _teller(
    settings: Settings, clock: Clock, name: str, to: CallSettings | AlarmSettings
) -> tuple[Teller | None, Endpoint]:
    told: dict[str, object] = {"url": to.url, "secret_file": to.secret_file}
    told |= {"anchors_file": str(to.anchors)} if to.anchors else {}
    endpoint = Endpoint(id=EndpointId(name), name=name, kind="webhook", settings=told)
    surroundings = surroundings_of(settings, clock, settings.delivery.timeout)
    return (WebhookAdapter(surroundings) if to.url else None), endpoint


def make_adapters(surroundings: Surroundings) -> Mapping[str, Adapter]:
    """One adapter for each kind of channel that is dialled."""
    return {kind: make(surroundings) for kind, make in FACTORIES.items()}


def source_kind(endpoint: Endpoint) -> str:
    """The name of the source that a channel is polled by; "" where it is not polled."""
    return str(endpoint.settings.get("source", endpoint.kind if endpoint.kind in SOURCES else ""))


def make_source(settings: Settings, clock: Clock, workshop: Workshop | None, endpoint: Endpoint) -> Source:
    """The client of a channel that is polled; ConfigError for settings that it cannot work with."""
    kind = source_kind(endpoint)
    if kind not in SOURCES:
        raise ConfigError(f"source {kind!r} is not known; known: {', '.join(sorted(SOURCES))}")
    timeout = settings.cutover.poll_timeout
    return SOURCES[kind](endpoint, surroundings_of(settings, clock, timeout, workshop))


def has_counterpart(endpoint: Endpoint) -> bool:
    """Whether the peer keeps books that ours can be compared with."""
    return endpoint.kind in COUNTERPARTS


def make_counterpart(settings: Settings, clock: Clock, endpoint: Endpoint) -> Counterpart:
    """The client that reads a peer's books; ConfigError where there is none."""
    if not has_counterpart(endpoint):
        raise ConfigError(
            f"{endpoint.name} is a channel of kind {endpoint.kind}, which has nothing to compare with"
        )
    return COUNTERPARTS[endpoint.kind](endpoint, surroundings_of(settings, clock, settings.cutover.poll_timeout))


def make_catalogue_editor(settings: Settings, clock: Clock, endpoint: Endpoint) -> CatalogueEditor:
    """The client that enters agencies of ours in a peer's catalogue; ConfigError where there is none."""
    make = CATALOGUE_EDITORS.get(endpoint.kind)
    if make is None:
        raise ConfigError(
            f"{endpoint.name} is a channel of kind {endpoint.kind}, whose peer takes no registrations"
        )
    return make(endpoint, surroundings_of(settings, clock, settings.cutover.poll_timeout))


def catalogue_kind(endpoint: Endpoint) -> str:
    """The name of the catalogue that a channel teaches the directory by itself; "" for none."""
    return str(endpoint.settings.get("catalogue", ""))


def make_catalogue(settings: Settings, clock: Clock, endpoint: Endpoint) -> Catalogue:
    """The client of a channel's catalogue; ConfigError for settings that it cannot work with."""
    kind = catalogue_kind(endpoint) or endpoint.kind
    if kind not in CATALOGUES:
        raise ConfigError(f"{endpoint.name} has no catalogue; kinds that have one: {', '.join(sorted(CATALOGUES))}")
    return CATALOGUES[kind](endpoint, surroundings_of(settings, clock, settings.directory.timeout))


def served_bindings() -> Mapping[str, Served]:
    """The protocols that peers may speak to us, by their names."""
    return SERVED


def binding_options(settings: Settings) -> BindingOptions:
    """What `[bindings]` says for one of them alone; ConfigError for a key that none of them declares."""
    return read_kept(BindingOptions, settings.bindings.protocols)


def make_bindings(broker: Broker, settings: Settings, clock: Clock) -> web.Application:
    """The application of the protocols that peers speak to us."""
    return BINDINGS(broker, clock, binding_options(settings))


def make_plain_bindings(broker: Broker, settings: Settings, clock: Clock) -> web.Application:
    """The application of those of them that may be spoken without TLS."""
    return PLAIN_BINDINGS(broker, clock, binding_options(settings))


#: What the bindings' listener answers to what is no HTTP.
unreadable = UNREADABLE


def problems_of(settings: Settings, endpoint: Endpoint, clock: Clock) -> Sequence[str]:
    """What is wrong with a channel's settings and files, in sentences for operators."""
    known = sorted({"inbox", *FACTORIES})
    if endpoint.kind not in known:
        return [f"{endpoint.kind} is no kind of channel; known: {', '.join(known)}"]
    find = PROBLEMS.get(endpoint.kind)
    found = find(endpoint, surroundings_of(settings, clock, settings.delivery.timeout)) if find else ()
    return [*found, *(polling_problems(endpoint) if source_kind(endpoint) else ())]

"""Frozen settings read from one TOML file; an unknown key, a wrong type or a wrong unit refuses to start.

Every field states its meaning, unit and default; `config.example.toml` is generated from these classes and
a test compares the two. Secrets are never in this file: settings name files, whose modes are checked.
Durations are written as `"250ms"`, `"30s"`, `"5m"`, `"12h"`, `"5d"`; sizes as `"64KiB"`, `"20MiB"`, `"1GiB"`.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_type_hints

from gateway.config.alerts import AlarmSettings, CallSettings, MailSettings
from gateway.config.archive import ArchiveSettings
from gateway.config.console import ConsoleSettings
from gateway.config.end_to_end import EndToEndSettings
from gateway.config.retention import RetentionSettings
from gateway.config.revocation import RevocationSettings
from gateway.config.signatures import CheckSettings, ReceiverSettings
from gateway.config.storage import StorageSettings
from gateway.config.values import Codes, DnsNames, Networks, Size, StampServers, TokenPlace, Witnesses, value
from gateway.config.values import documented as _f
from gateway.errors import ConfigError
from gateway.transparency.quorum import Quorum

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """Where the gateway listens."""

    host: str = _f("127.0.0.1", "address of the agencies' listener (TLS)")
    port: int = _f(8443, "port of the agencies' listener")
    public_url: str = _f("https://localhost:8443", "how agencies reach it; printed in enrolment codes")
    operations_host: str = _f("127.0.0.1", "address of the listener for /healthz, /readyz and /metrics")
    operations_port: int = _f(9443, "port of that listener (plain HTTP: keep it on loopback)")
    admin_socket: Path = _f(Path("admin.sock"), "administrators' Unix socket, below the data folder")
    request_timeout: timedelta = _f(
        timedelta(seconds=120), "longest time a request's body may take, and a second for every 512 KiB of it"
    )
    slow_body_bytes_per_second: Size = _f(Size(1024), "a body slower than this on average is cut off")
    drain_timeout: timedelta = _f(timedelta(seconds=30), "how long SIGTERM waits for work under way")
    max_connections: int = _f(2000, "connections at once")
    max_connections_per_address: int = _f(
        500, "of them from one address, a tenth of it new a second; raise it behind a proxy"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsSettings:
    """Certificates; paths are relative to this file's folder."""

    certificate: Path = _f(Path("certs/server.pem"), "server certificate and chain (RSA for old peers)")
    key: Path = _f(Path("certs/server.key"), "its key; mode 0600")
    client_anchors: Path = _f(Path("certs/anchors/tls"), "folder of CAs that client certificates lead to")


@dataclass(frozen=True, kw_only=True, slots=True)
class AcmeSettings:
    """The server's certificate from a CA that speaks ACME; it writes [tls] certificate (docs/acme.md)."""

    directory: str = _f("", "URL of the CA's directory; empty: certificates are put in place by hand")
    anchors: Path | None = _f(None, "file of CAs that its own certificate leads to; empty: the system's")
    names: DnsNames = _f(DnsNames(()), "DNS names of the certificate, each proved to the CA by HTTP")
    contact: str = _f("", "mail address that the CA may write to")
    account_key: Path = _f(Path("certs/acme-account.key"), "key of the account there; made with the first order")
    key_id: str = _f("", "external account's key id, where the CA wants one")
    hmac_key: Path | None = _f(None, "file with that account's key, base64url; mode 0600")
    host: str = _f(
        "0.0.0.0",  # noqa: S104 - for the minute of an order
        "address at which the CA's question is answered, while an order is under way only",
    )
    port: int = _f(80, "port there; the CA asks at port 80, so forward that one where this is another")
    renew_before: timedelta = _f(timedelta(days=30), "how long before its end, at most the last third of its life")
    every: timedelta = _f(timedelta(hours=12), "wait between two looks")


@dataclass(frozen=True, kw_only=True, slots=True)
class SealSettings:
    """The key that seals receipts."""

    certificate: Path = _f(Path("certs/seal.pem"), "seal certificate and chain")
    key: Path = _f(
        Path("certs/seal.key"), "its key, RSA or P-256: PEM, or PKCS#12 if the name ends in .p12 or .pfx; mode 0600"
    )
    token: TokenPlace | None = _f(
        None, 'a PKCS#11 token that holds the key instead, as "pkcs11:token=LABEL?module-path=/usr/lib/libtoken.so"'
    )
    secret: Path | None = _f(None, "file with the password of a PKCS#12 or the PIN of the token; mode 0600")
    socket: Path | None = _f(None, "of `gateway keys serve`, which alone reads the key; empty: a child does")
    anchors: Path = _f(Path("certs/anchors/seal"), "folder of CAs that seals lead to; `fsck` uses it")
    organ_id: str = _f("", "the gateway's own organ id, From of the statuses it writes for itself")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSettings:
    """The transparency log (docs/log.md); `gateway log init` makes its key, and without one nothing is signed."""

    vkey: Path = _f(
        Path("certs/log.vkey"), "its public keys, a line each; the first one's name is the log's origin"
    )
    key: Path = _f(Path("certs/log.key"), "its key, Ed25519; mode 0600; read by the process that signs alone")
    origin: str = _f("", 'its name, for `gateway log init`; empty: the organ id, as in "000.00.00.H33/log"')
    every: timedelta = _f(timedelta(seconds=60), "wait between two checkpoints")
    mark: Path = _f(
        Path("log.mark"),
        "what was signed last; beside the data folder, never in it nor in a backup, or it is no use",
    )
    witnesses: Witnesses = _f(
        (),
        'who cosigns checkpoints (docs/witness.md), as "URL VKEY" or "URL VKEY FILE", a file of CAs; empty: nobody',
    )
    quorum: int = _f(1, "witnesses a proof should have: it is made under the first checkpoint that has so many")
    witness_timeout: timedelta = _f(timedelta(seconds=10), "longest time of one request to a witness")
    witness_grace: timedelta = _f(timedelta(hours=1), "how far a witness may lag before an alarm")
    head_to: Codes = _f(Codes(()), "organ ids to which the newest checkpoint goes as a document, once a week")

    @property
    def wanted(self) -> Quorum:
        """Witnesses that a proof should have: no more than there are."""
        return Quorum(min(self.quorum, len(self.witnesses)), frozenset(each.key.name for each in self.witnesses))


@dataclass(frozen=True, kw_only=True, slots=True)
class InstitutionSettings:
    """The institution's own key, which signs the log's checkpoints beside the log's (docs/keys.md)."""

    certificate: Path = _f(
        Path("certs/institution.pem"), "its certificate and chain; where the file is missing, it signs nothing"
    )
    anchors: Path = _f(Path("certs/anchors/institution"), "folder of CAs that it leads to; may be missing")
    key: Path = _f(Path("certs/institution.key"), "its key, as [seal] key")
    token: TokenPlace | None = _f(None, "a token that holds it instead, as [seal] token")
    secret: Path | None = _f(None, "file with its password or PIN, as [seal] secret")
    socket: Path | None = _f(None, "of a `gateway keys serve` of its own; empty: a child reads the key")
    every: timedelta = _f(timedelta(hours=1), "wait between two signatures over the newest checkpoint")
    timeout: timedelta = _f(timedelta(seconds=60), "longest time of one signature, of a slow token for example")
    grace: timedelta = _f(timedelta(hours=12), "how long its signatures may fail before an alarm")


@dataclass(frozen=True, kw_only=True, slots=True)
class StampSettings:
    """Time stamps over checkpoints (docs/stamps.md): what proves that an entry is not younger than it says."""

    servers: StampServers = _f(
        (), 'RFC 3161 servers in the order of asking, as "URL", "URL POLICY" or "URL POLICY own"; empty: no stamps'
    )
    anchors: Path = _f(Path("certs/anchors/tsa"), "folder of CAs that their certificates lead to")
    every: timedelta = _f(timedelta(seconds=60), "wait between two looks at what has no stamp yet")
    timeout: timedelta = _f(timedelta(seconds=15), "longest time of one request")
    grace: timedelta = _f(timedelta(hours=4), "how long a checkpoint may wait for its stamp before an alarm")
    receipts: Literal["record", "each", "none"] = _f(
        "record",
        "stamp each minute's receipts as one evidence record, each receipt by itself, or not beside the log",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrolmentSettings:
    """The CA that certifies agencies' own keys; it runs in a process of its own."""

    certificate: Path = _f(Path("certs/enrolment-ca.pem"), "the CA's certificate")
    key: Path = _f(Path("certs/enrolment-ca.key"), "its key; mode 0600; read by the CA process alone")
    certificate_days: int = _f(365, "validity of client certificates, days; at most 398")
    code_lifetime: timedelta = _f(timedelta(days=7), "how long a one-time code may be used")
    renew_before: timedelta = _f(timedelta(days=60), "from when a certificate may be renewed")


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitSettings:
    """What one request may hold."""

    max_body: Size = _f(Size(1536 * 1024**2), "largest request body: a file of 1 GiB in base64, and its header")
    max_header: Size = _f(Size(1_000_000), "largest edXML header, attachments aside")
    max_attachment: Size = _f(Size(1024**3), "largest single attachment, unpacked")
    max_attachments_total: Size = _f(Size(2 * 1024**3), "all attachments of a message, unpacked")
    max_zip_ratio: int = _f(200, "largest compression ratio of a zipped attachment")
    max_recipients: int = _f(2000, "recipients of one submission")
    max_attachments: int = _f(200, "attachments of one message")
    daily_quota: Size = _f(Size(20 * 1024**3), "bytes x recipients an agency may send a day")
    requests_per_second: int = _f(200, "requests a second of one agency; bursts of twice as many")
    deliveries_per_second: int = _f(
        50,
        "documents x recipients, statuses and pieces of uploads of an agency a second; bursts of ten times as many",
    )
    requests_at_once: int = _f(256, "requests of one agency under way at once, long polls included")
    uploads_at_once: int = _f(8, "of them with a body above 1 MiB, or of unknown length")
    uploads_open: int = _f(16, "resumable uploads of one agency that are not submitted yet")
    upload_lifetime: timedelta = _f(timedelta(days=2), "how long a resumable upload may take, from its beginning")
    desk_files: Size = _f(
        Size(4 * 1024**3),
        "bytes of one office's files at the desk: of its drafts, and of all that came within a day",
    )
    desk_drafts: int = _f(200, "drafts of one office at the desk")
    strangers_per_second: int = _f(
        20, "requests a second of one address without a valid credential, bursts of 200; raise it behind a proxy"
    )
    idempotency_days: int = _f(30, "how long Idempotency-Keys are kept, days")


@dataclass(frozen=True, kw_only=True, slots=True)
class ParserSettings:
    """The processes that read foreign bytes."""

    processes: int = _f(2, "how many; large files leave one for the others, but a single one is held up by them")
    memory: Size = _f(Size(512 * 1024**2), "address space of one")
    timeout: timedelta = _f(timedelta(seconds=60), "longest time for one file, and a second for every 8 MiB of it")
    recycle_after: int = _f(20_000, "files after which a process is replaced")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliverySettings:
    """Retries, windows, breaker."""

    base: timedelta = _f(timedelta(seconds=15), "first wait after a temporary failure; doubles each time")
    cap: timedelta = _f(timedelta(hours=1), "longest wait")
    give_up_after: timedelta = _f(
        timedelta(days=5), "age at which a delivery is dead; downtime of its endpoint aside"
    )
    give_up_hard: timedelta = _f(timedelta(days=30), "age at which it is dead whatever the endpoint did")
    warn_at: float = _f(0.8, "share of that age at which it is announced")
    timeout: timedelta = _f(timedelta(seconds=60), "longest time of one attempt, by default")
    lease: timedelta = _f(timedelta(seconds=90), "how long a claim holds without its owner; above timeout")
    max_in_flight: int = _f(64, "transmissions at once, all endpoints")
    breaker_failures: int = _f(3, "consecutive transport failures that open an endpoint's breaker")
    breaker_probe: timedelta = _f(timedelta(seconds=5), "first wait before a probe; doubles up to the cap")
    ageing: timedelta = _f(timedelta(minutes=30), "time after which a waiting dispatch rises one lane")
    retry_after_max: timedelta = _f(timedelta(hours=6), "longest Retry-After that is honoured")
    inbox_lease_max: timedelta = _f(timedelta(minutes=15), "longest lease of an inbox item")
    poison_crashes: int = _f(3, "crashes with a dispatch in flight before it is quarantined")


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSettings:
    """Channels to which documents are pushed (docs/connect-webhook.md)."""

    allowed_networks: Networks = _f(
        (), "internal networks that channels may lead to; public addresses need none, development needs none"
    )
    verify: Literal["by_profile", "always", "never"] = _f(
        "by_profile", "whether a receiver answers a challenge before its first document; by_profile: if strict"
    )
    secret_overlap: timedelta = _f(timedelta(days=7), "how long an old secret goes on signing beside a new one")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObserveSettings:
    """Logs, metrics, heartbeat."""

    log_level: Literal["debug", "info", "warning", "error"] = _f("info", "least severe line written")
    log_format: Literal["json", "console"] = _f("json", "lines for machines or for people")
    heartbeat_url: str = _f("", "a URL fetched while all is well, so that silence is noticed elsewhere")
    heartbeat_every: timedelta = _f(timedelta(minutes=1), "how often")


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupSettings:
    """Copies of the data folder (docs/backup.md); `gateway backup` makes one, a drill restores the newest."""

    folder: Path | None = _f(None, "where copies are kept, on another disk; empty: no drills, and --to is needed")
    key: Path | None = _f(None, "key file that encrypts them, mode 0600; empty: they are not encrypted")
    keep: int = _f(14, "copies that are left after a new one; 0: all of them")
    drill_every: timedelta = _f(timedelta(days=7), "wait between two drills")
    drill_folder: Path = _f(Path("drill"), "where drills restore, below the data folder; emptied each time")


@dataclass(frozen=True, kw_only=True, slots=True)
class CutoverSettings:
    """Taking over from another system, agency by agency (docs/cutover.md)."""

    served_by: Literal["gateway", "shadow", "scripts"] = _f(
        "gateway", "who serves the agencies of which no `gateway cutover` says it"
    )
    poll_every: timedelta = _f(timedelta(seconds=30), "wait between two looks at a source's list")
    poll_timeout: timedelta = _f(timedelta(seconds=60), "longest silence of a source")
    fetch_at_most: int = _f(2000, "documents fetched ahead of acceptance, of which urgent ones go first")


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectorySettings:
    """Taking in peers' catalogues of agencies (docs/directory.md); a channel's setting `catalogue` asks for it."""

    sync_hour: int = _f(2, "from which hour on, each day, Vietnam's time; -1: only by `gateway agencies sync`")
    hold_share: float = _f(0.05, "share of the known agencies that one may change, close or lose by itself")
    close_after: timedelta = _f(timedelta(days=3), "how long an agency must be missing before it is closed")
    timeout: timedelta = _f(timedelta(seconds=60), "longest silence of a peer that is asked for its catalogue")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Keys of a table that are declared elsewhere, as they were read; `read_kept` makes settings of them."""

    values: Mapping[str, object] = field(default_factory=dict)
    #: What relative paths among them are relative to.
    folder: Path = Path()


@dataclass(frozen=True, kw_only=True, slots=True)
class BindingSettings:
    """Other protocols that agencies' systems speak to us (docs/connect-*.md), on a listener of their own."""

    host: str = _f("127.0.0.1", "address of that listener (TLS, the server's certificate)")
    port: int = _f(0, "its port; 0: off")
    public_url: str = _f("", 'how agencies reach it, such as "https://truc.example.vn:8444"; empty: by localhost')
    plain_host: str = _f(
        "127.0.0.1",
        "where to listen without TLS: a loopback address, or a VPN's interface such as wg0 and what comes by it",
    )
    plain_port: int = _f(0, "port for plain HTTP there: whoever sees the line reads the documents; 0: off")
    max_connections: int = _f(500, "connections at once")
    max_connections_per_address: int = _f(200, "of them from one address; raise it behind a proxy")
    max_head: Size = _f(Size(384 * 1024), "a request's header fields in all: 1,000 recipients stand there twice")
    #: What one protocol alone needs: its adapter declares these keys, of the form PROTOCOL_NAME.
    protocols: Kept = field(default_factory=Kept)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All of it."""

    profile: Literal["strict", "development"] = _f("strict", "development allows sandbox conveniences")
    server: ServerSettings = field(default_factory=ServerSettings)
    tls: TlsSettings = field(default_factory=TlsSettings)
    acme: AcmeSettings = field(default_factory=AcmeSettings)
    seal: SealSettings = field(default_factory=SealSettings)
    log: LogSettings = field(default_factory=LogSettings)
    institution: InstitutionSettings = field(default_factory=InstitutionSettings)
    stamps: StampSettings = field(default_factory=StampSettings)
    enrolment: EnrolmentSettings = field(default_factory=EnrolmentSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    parser: ParserSettings = field(default_factory=ParserSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    calls: CallSettings = field(default_factory=CallSettings)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    observe: ObserveSettings = field(default_factory=ObserveSettings)
    backup: BackupSettings = field(default_factory=BackupSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    cutover: CutoverSettings = field(default_factory=CutoverSettings)
    directory: DirectorySettings = field(default_factory=DirectorySettings)
    bindings: BindingSettings = field(default_factory=BindingSettings)
    checks: CheckSettings = field(default_factory=CheckSettings)
    receivers: ReceiverSettings = field(default_factory=ReceiverSettings)
    end_to_end: EndToEndSettings = field(default_factory=EndToEndSettings)
    revocation: RevocationSettings = field(default_factory=RevocationSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)


def differing(one: Settings, other: Settings) -> list[str]:
    """The names of what is not the same in both, as in "backup.folder"."""
    found = []
    for section in dataclasses.fields(Settings):
        ours, theirs = getattr(one, section.name), getattr(other, section.name)
        if not dataclasses.is_dataclass(ours):
            found += [section.name] if ours != theirs else []
            continue
        names = (each.name for each in dataclasses.fields(ours))
        found += [f"{section.name}.{name}" for name in names if getattr(ours, name) != getattr(theirs, name)]
    return found


def load(path: Path) -> Settings:
    """The settings of `path`, its relative paths made absolute against its folder; raises ConfigError."""
    return parse(_read(path), folder=path.parent.resolve())


def load_of(declared: type[T], path: Path) -> T:
    """The settings of another program of ours, of a file of its own, read by the same rules."""
    return cast("T", _build(declared, _read(path), path.parent.resolve(), ""))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", path=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", path=str(path)) from error


def parse(raw: dict[str, Any], *, folder: Path) -> Settings:
    """`load` for an already decoded table."""
    settings: Settings = _build(Settings, raw, folder, "")
    admin = settings.server.admin_socket
    if admin.parent == folder:  # the default name belongs below the data folder
        server = dataclasses.replace(settings.server, admin_socket=settings.storage.folder / admin.name)
        settings = dataclasses.replace(settings, server=server)
    mark = settings.log.mark
    if mark.parent == folder:
        log = dataclasses.replace(settings.log, mark=settings.storage.folder.parent / mark.name)
        settings = dataclasses.replace(settings, log=log)
    drill = settings.backup.drill_folder
    if drill.parent == folder:
        backup = dataclasses.replace(settings.backup, drill_folder=settings.storage.folder / drill.name)
        settings = dataclasses.replace(settings, backup=backup)
    return settings


def read_kept(declared: type[T], kept: Kept) -> T:
    """The settings that `declared` names, of `[bindings]`; raises ConfigError as `load` does."""
    known = frozenset(item.name for item in dataclasses.fields(BindingSettings)) - {"protocols"}
    return cast("T", _build(declared, dict(kept.values), kept.folder, "bindings.", known))


def _build(kind: Any, raw: Any, folder: Path, where: str, beside: frozenset[str] = frozenset()) -> Any:
    if not isinstance(raw, dict):
        raise ConfigError(f"[{where}] must be a table")
    hints = get_type_hints(kind)
    names = {item.name for item in dataclasses.fields(kind) if hints[item.name] is not Kept}
    kept = {key: value for key, value in raw.items() if Kept in hints.values() and key not in names and "_" in key}
    for key in raw:
        if key not in names and key not in kept:
            raise ConfigError(f"unknown setting {where}{key}; known: {', '.join(sorted(names | beside))}", key=key)
    values: dict[str, Any] = {}
    for item in dataclasses.fields(kind):
        hint, name = hints[item.name], f"{where}{item.name}"
        if hint is Kept:
            values[item.name] = Kept(values=kept, folder=folder) if kept else Kept()
        elif dataclasses.is_dataclass(hint):
            values[item.name] = _build(hint, raw.get(item.name, {}), folder, f"{name}.")
        elif item.name in raw:
            values[item.name] = value(hint, raw[item.name], folder, name)
        elif hint is Path:
            values[item.name] = (folder / str(item.default)).resolve()
    return kind(**values)

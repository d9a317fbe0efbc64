"""`gateway doctor`: finds the layer at which something stops, for the server itself or for one channel.

Layers are tried in order and each says what it saw: name, TCP, TLS (chain, expiry, name), clock, secret, last
reply of the peer; for the server: administrators' socket, readiness, disk, write-ahead log. A layer that
stands on one that failed is not tried. The only thing sent to a peer is a HEAD request without credentials.

`write_bundle` packs what a supporter needs into one file: settings without secrets, findings, counts, the tail
of a log. Everything in it passes the redaction of the logs, and the contents of the secrets folder are taken
out wherever they occur. It does NOT hold documents, keys or the database.
"""

from __future__ import annotations

import asyncio
import dataclasses
import io
import platform
import socket
import ssl
import tarfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import msgspec
from yarl import URL

from gateway import __version__, channels
from gateway.audit.findings import Finding, Severity
from gateway.channels import make_source, problems_of
from gateway.clock import SystemClock, rfc3339
from gateway.condition import UNSET, Health
from gateway.config.settings import Settings
from gateway.diagnosis.check_bindings import examine_bindings
from gateway.diagnosis.check_kinds import KINDS
from gateway.endings import LEVELS, endings, warnings, without_replaced
from gateway.errors import ConfigError, KeyFileError, SourceError
from gateway.foundation import ENDING, end_marks
from gateway.fsio import atomic_replace
from gateway.ledger.proofs import Proof
from gateway.logs import HIDDEN, redact
from gateway.model import Endpoint
from gateway.seal.keys import read_key_file
from gateway.verification import is_required

_SECONDS = 10.0
#: Kinds at which looking changes nothing for anybody.
_LISTABLE = frozenset({"folder", "sftp"})
_SKEW = timedelta(seconds=30)
#: Of a clock that a try compared: between answer and measure a machine may have been busy.
_FAR = timedelta(minutes=1)
_SOON = timedelta(days=30)
_LOG_BYTES = 5_000_000
_LARGE_WAL = 256 * 1024**2
#: The server's own duties: what is wrong when they say how they are. Else their layer is fine.
_DUTIES: Final[Mapping[str, Mapping[Health, str]]] = MappingProxyType(
    {
        "seal": {Health.FAILING: "seal_failing"},
        "institution": {Health.LATE: "institution_late"},
        "log": {Health.FAILING: "log_refusing"},
        "stamps": {Health.LATE: "stamps_late"},
        "witnesses": {Health.CONTRADICTED: "log_contradicted", Health.LATE: "witness_late"},
        "registers": {Health.LATE: "registers_late"},
        "restamps": {Health.LATE: "restamp_late"},
        "archives": {Health.LATE: "archives_late", Health.FAILING: "archives_failing"},
        "renewal": {Health.FAILING: "renewal_failing"},
        "purges": {Health.DEGRADED: "purge_remains", Health.WAITING: "purge_waiting"},
        "revocation": {Health.LATE: "revocation_late", Health.DEGRADED: "revocation_degraded"},
        "encryption": {Health.LATE: "encryption_last_days", Health.DEGRADED: "encryption_soon"},
    }
)
#: What the parts of the server are called in alarms.
SUBJECTS_VI: Final[Mapping[str, str]] = MappingProxyType(
    {
        "readiness": "tiếp nhận văn bản",
        "disk": "ổ đĩa",
        "write-ahead log": "nhật ký ghi trước (WAL)",
        "seal": "khóa ký biên nhận",
        "institution": "khóa của cơ quan",
        "log": "nhật ký minh bạch",
        "stamps": "dấu thời gian",
        "witnesses": "nhân chứng",
        "registers": "khóa sổ hằng ngày",
        "restamps": "gia hạn nhật ký",
        "archives": "lưu trữ",
        "renewal": "gia hạn chứng thư TLS",
        "purges": "tiêu hủy",
        "revocation": "thông tin thu hồi chứng thư",
        "encryption": "chứng thư mã hóa của đơn vị",
    }
)
_OUTCOMES_FINE = frozenset({"delivered", "relayed"})


@dataclass(frozen=True, kw_only=True, slots=True)
class LastAttempt:
    """The newest try over a channel."""

    started_at: datetime
    outcome: str
    reason: str
    detail: str
    peer: str


def ok(layers: Sequence[Finding]) -> bool:
    """Whether no layer failed."""
    return all(layer.kind.severity is not Severity.ERROR for layer in layers)


def layer(code: str, subject: str, detail: str = "", detail_vi: str = "") -> Finding:
    """One layer's finding."""
    kind, named = KINDS[code], SUBJECTS_VI.get(subject, "")
    return Finding(code=code, kind=kind, subject=subject, detail=detail, detail_vi=detail_vi, subject_vi=named)


def _fine(subject: str, detail: str) -> Finding:
    return layer("layer_fine", subject, detail)


async def examine_server(settings: Settings, status: Mapping[str, Any] | None) -> list[Finding]:
    """The server itself; `status` is what its administrators' socket told, None when nobody answered."""
    if status is None:
        return [_stopped(settings)]
    layers = [_fine("admin socket", f"version {status['version']}, boot {status['boot']}")]
    layers.append(await _readiness(settings))
    layers += await examine_bindings(settings)
    layers += [_duty(name, status) for name in _DUTIES]
    layers += await asyncio.to_thread(_certificates, settings, SystemClock().now())
    if settings.checks.policy != "off" and settings.checks.signers is None:
        layers.append(layer("signers_unset", "signatures", "[checks] signers is empty"))
    kept = str(status.get("bodies", "encrypted"))
    layers.append(layer("bodies_plain", "bodies") if kept == "plain" else _fine("bodies", kept))
    free, least = int(status["free_bytes"]), settings.storage.min_free_bytes
    told, told_vi = f"{free // 1024**2} MiB free", f"còn trống {free // 1024**2} MiB"
    layers.append(layer("disk_low", "disk", told, told_vi) if free < least else _fine("disk", told))
    wal = int(status["wal_bytes"])
    told = f"{wal // 1024**2} MiB"
    layers.append(
        layer("wal_large", "write-ahead log", told) if wal > _LARGE_WAL else _fine("write-ahead log", told)
    )
    for channel in status["channels"]:
        if channel["down_since"] or channel["paused_until"]:
            told = f"waiting {channel['waiting']}, down since {channel['down_since']}"
            if channel["paused_until"]:
                told += (
                    f", paused until {channel['paused_until']} by {channel['paused_by']}: {channel['paused_why']}"
                )
            layers.append(layer("channel_down", f"channel {channel['name']}", told))
    return layers


def _stopped(settings: Settings) -> Finding:
    """Nobody answers, for a reason that may stand in the data folder."""
    unfinished, (ended, beside) = settings.storage.folder / ENDING, end_marks(settings)
    for mark in (ended, unfinished, beside):
        with suppress(OSError, UnicodeDecodeError):
            code = "handover_unfinished" if mark is unfinished else "ledger_ended"
            return layer(code, "ledger", mark.read_text().strip())
    return layer("server_stopped", "admin socket", str(settings.server.admin_socket))


def _duty(name: str, status: Mapping[str, Any]) -> Finding:
    told, health = str(status.get(name, UNSET.words)), status.get("health", {}).get(name, Health.FINE)
    told_vi, known = status.get("words_vi", {}).get(name, ""), KINDS.get(status.get("codes", {}).get(name, ""))
    if known is not None:
        told_vi = f"{known.vi} {known.do_vi} {told_vi}"
    return layer(_DUTIES[name].get(health, "layer_fine"), name, told, told_vi)


def _certificates(settings: Settings, now: datetime) -> list[Finding]:
    """Every key and certificate in use about whose end something is to be done."""
    found = list(warnings(without_replaced(endings(settings), now), now))
    codes = dict.fromkeys(range(1, len(LEVELS)), "certificate_soon") | {len(LEVELS): "certificate_last_days"}
    return [
        replace(
            layer(codes[each.level(now)], f"certificate {each.purpose}", each.told(now), each.told_vi(now)),
            subject_vi=f"chứng thư {each.purpose}",
        )
        for each in found
    ] or [_fine("certificate", "all of them hold for longer than 60 days, or most of their life")]


async def _readiness(settings: Settings) -> Finding:
    server = settings.server
    url = URL.build(scheme="http", host=server.operations_host, port=server.operations_port, path="/readyz")
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            told = (await response.text())[:500]
            ready = response.status == 200  # noqa: PLR2004
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        told = str(error) or type(error).__name__
        return layer("not_ready", "readiness", f"{url}: {told}", f"{url} không trả lời: {told}")
    return _fine("readiness", told) if ready else layer("not_ready", "readiness", told)


def examine_proof(settings: Settings, endpoint: Endpoint, proof: Proof | None, now: datetime) -> list[Finding]:
    """Whether the receiver has shown that it holds the channel's key, and how many keys there are."""
    layers = []
    ends = str(endpoint.settings.get("next_secret_at", ""))
    if ends and datetime.fromisoformat(ends) > now:
        layers.append(layer("secret_overlap", "keys", f"until {ends}"))
    if not is_required(settings, endpoint):
        return layers
    if proof is None:
        return [*layers, layer("channel_unverified", "verification", "it was never asked")]
    if proof.proved_at is None:
        told = f"{rfc3339(proof.asked_at)} {proof.reason} {proof.detail}".strip()
        return [*layers, layer("channel_unverified", "verification", told)]
    return [*layers, _fine("verification", f"by {proof.how} at {rfc3339(proof.proved_at)}")]


async def examine_channel(
    settings: Settings, endpoint: Endpoint, last: LastAttempt | None, *, proof: Proof | None = None, now: datetime
) -> list[Finding]:
    """One channel, layer by layer."""
    layers: list[Finding] = []
    if endpoint.paused_until is not None or endpoint.down_since is not None:
        told = f"paused until {_text(endpoint.paused_until)}, down since {_text(endpoint.down_since)}"
        layers.append(layer("channel_down", "channel", told))
    if endpoint.kind == "webhook":
        url = URL(str(endpoint.settings.get("url", "")))
        layers.append(_secret(settings, endpoint))
        layers += examine_proof(settings, endpoint, proof, now)
        if url.host is None or url.scheme not in {"https", "http"} or url.user or url.password:
            layers.append(layer("channel_unfit", "url", "the webhook's url is no plain https url"))
        else:
            layers += await _examine_way(settings, endpoint, url, now)
    elif endpoint.kind in _LISTABLE:
        layers += await _examine_list(settings, endpoint)
    else:
        layers += await _examine_peer(settings, endpoint, now)
    layers.append(_last(last))
    return [*layers, *_told_clock(last)]


async def _examine_peer(settings: Settings, endpoint: Endpoint, now: datetime) -> list[Finding]:
    """A channel whose adapter knows best what its settings and files lack."""
    problems = problems_of(settings, endpoint, SystemClock())
    if problems:
        return [layer("channel_unfit", "settings", problem) for problem in problems]
    url = URL(str(endpoint.settings.get("url", "")))
    if url.host is None or url.scheme not in {"https", "http"}:
        return [_fine("way", f"{endpoint.kind}: nothing to dial")]
    return [_fine("settings", f"{endpoint.kind}: complete"), *await _examine_way(settings, endpoint, url, now)]


async def _examine_list(settings: Settings, endpoint: Endpoint) -> list[Finding]:
    """Settings and files, then a look at what waits there, which takes nothing up."""
    clock = SystemClock()
    found = [layer("channel_unfit", "settings", told) for told in problems_of(settings, endpoint, clock)]
    if found:
        return found
    try:
        source = make_source(settings, clock, None, endpoint)
        try:
            waiting = len(await source.listed())
        finally:
            await source.close()
    except (ConfigError, SourceError) as error:
        return [layer("connect_failed", "list", str(error))]
    return [_fine("settings", endpoint.kind), _fine("list", f"it can be read; {waiting} ready to be taken up")]


async def _examine_way(settings: Settings, endpoint: Endpoint, url: URL, now: datetime) -> list[Finding]:
    host, port = str(url.host), url.port or 443
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError) as error:
        return [layer("name_unknown", "name", f"{host}: {str(error) or 'no answer'}")]
    addresses = sorted({str(each[4][0]) for each in found})
    layers = [_fine("name", f"{host} is {', '.join(addresses)}")]
    refusals = [channels.reach_of(settings).refusal(address, port) for address in addresses]
    if all(refusals) and endpoint.kind == "webhook":
        return [*layers, layer("target_not_allowed", "address", "; ".join(refusals))]
    began = time.monotonic()
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return [*layers, layer("connect_failed", "tcp", f"{host}:{port}: {str(error) or 'no answer'}")]
    writer.close()
    layers.append(_fine("tcp", f"{host}:{port} in {(time.monotonic() - began) * 1000:.0f} ms"))
    context = None
    if url.scheme == "https":
        try:
            context = _context(settings, endpoint)
        except (OSError, ssl.SSLError) as error:
            return [*layers, layer("channel_unfit", "anchors_file", str(error))]
        reached = await _examine_tls(context, host, port, now)
        layers.append(reached)
        if reached.kind.severity is Severity.ERROR:
            return layers
    layers.append(await _examine_clock(context, url, now))
    return layers


def _context(settings: Settings, endpoint: Endpoint) -> ssl.SSLContext:
    folder = settings.storage.folder.parent
    anchors = endpoint.settings.get("anchors_file")
    context = ssl.create_default_context(cafile=folder / str(anchors) if anchors else None)
    if endpoint.settings.get("certificate_file"):
        key = endpoint.settings.get("key_file")
        context.load_cert_chain(
            folder / str(endpoint.settings["certificate_file"]), folder / str(key) if key else None, password=""
        )
    return context


async def _examine_tls(context: ssl.SSLContext, host: str, port: int, now: datetime) -> Finding:
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return layer("tls_failed", "tls", f"{host}: {error.verify_message}")
    except (OSError, TimeoutError) as error:
        return layer("tls_failed", "tls", f"{host}: {str(error) or 'no answer'}")
    try:
        held = writer.get_extra_info("ssl_object")
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(held.getpeercert()["notAfter"]), UTC)
        told = f"{held.version()}, chain and name are right, the certificate ends {rfc3339(ends)}"
    finally:
        writer.close()
    return layer("certificate_soon", "tls", told) if ends - now < _SOON else _fine("tls", told)


async def _examine_clock(context: ssl.SSLContext | None, url: URL, now: datetime) -> Finding:
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        connector = aiohttp.TCPConnector(ssl=context if context is not None else True)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            session.head(url, allow_redirects=False) as response,
        ):
            told = response.headers.get("Date", "")
            status = response.status
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return layer("tls_failed", "http", str(error) or "no answer")
    try:
        skew = parsedate_to_datetime(told) - now
    except (TypeError, ValueError):
        return _fine("http", f"HEAD gives {status}, without a Date")
    text = f"HEAD gives {status}, the peer's clock differs by {skew.total_seconds():+.0f} s"
    return layer("clock_skew", "http", text) if abs(skew) > _SKEW else _fine("http", text)


def _secret(settings: Settings, endpoint: Endpoint) -> Finding:
    name = str(endpoint.settings.get("secret_file", ""))
    if not name or "/" in name:
        return layer("channel_unfit", "secret", "secret_file is not a plain file name")
    try:
        read_key_file(settings.storage.secrets / name)
    except KeyFileError as error:
        code = "secret_exposed" if "mode" in error.facts else "secret_missing"
        return layer(code, "secret", str(error))
    return _fine("secret", name)


def _last(last: LastAttempt | None) -> Finding:
    if last is None:
        return _fine("last reply", "nothing was sent over this channel yet")
    told = f"{rfc3339(last.started_at)} {last.outcome} {last.reason} {last.detail} {last.peer}".strip()
    return (
        _fine("last reply", told) if last.outcome in _OUTCOMES_FINE else layer("last_refused", "last reply", told)
    )


def _told_clock(last: LastAttempt | None) -> list[Finding]:
    """What the peer's answer to the newest try said of its clock; its proxy may tell a HEAD another time."""
    try:
        told = msgspec.json.decode(last.peer if last else "", type=dict[str, Any]).get("clock_offset_seconds")
    except msgspec.DecodeError:
        return []
    if not isinstance(told, int) or abs(told) <= _FAR.total_seconds():
        return []
    return [layer("clock_skew", "last reply", f"the peer's clock differs by {told:+} s")]


def _text(at: datetime | None) -> str:
    return "-" if at is None else rfc3339(at)


def write_bundle(
    file: Path, settings: Settings, parts: Mapping[str, object], *, log: Path | None, now: datetime
) -> list[str]:
    """Pack `parts` (name -> JSON value), the settings and the log's tail; the names in the bundle."""
    secrets = _secrets_of(settings)
    texts: dict[str, bytes] = {
        "about.json": _json({"version": __version__, "at": rfc3339(now), "system": platform.platform()}),
        "settings.json": _json(redact(_plain(settings))),
    }
    for name, value in parts.items():
        texts[f"{name}.json"] = _json(redact(msgspec.to_builtins(value)))
    if log is not None:
        texts["log.txt"] = _tail(log)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in texts.items():
            clean = _scrubbed(text, secrets)
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(clean), 0o600, int(now.timestamp())
            archive.addfile(entry, io.BytesIO(clean))
    atomic_replace(file, packed.getvalue())
    return sorted(texts)


def _plain(settings: Settings) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(dataclasses.asdict(settings), enc_hook=str)
    observe = found["observe"]
    assert isinstance(observe, dict)
    if observe["heartbeat_url"]:
        # the path of such a URL is often what authorises
        observe["heartbeat_url"] = f"{URL(str(observe['heartbeat_url'])).origin()}/{HIDDEN}"
    return found


def _tail(log: Path) -> bytes:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_BYTES))
        text = file.read().decode("utf-8", "replace")
    return str(redact(text)).encode()


def _secrets_of(settings: Settings) -> list[bytes]:
    folder = settings.storage.secrets
    found = [path.read_bytes().strip() for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    return sorted((secret for secret in found if secret), key=len, reverse=True)


def _scrubbed(text: bytes, secrets: Sequence[bytes]) -> bytes:
    for secret in secrets:
        text = text.replace(secret, HIDDEN.encode())
    return text


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1)

"""`gateway check`: what stands in the way of running, in plain language, before anybody starts anything.

It looks at the configuration, keys and certificates, the data folder and the machine, and changes nothing. It
may run beside the server: then taken ports are no finding. Every look is one function that adds what it finds;
none of them lets an exception out for something that can be told.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from yarl import URL

from gateway.audit.findings import Findings
from gateway.backup.sealed import BackupKey
from gateway.channels import problems_of
from gateway.clock import SystemClock, rfc3339
from gateway.config.settings import InstitutionSettings, Settings
from gateway.diagnosis.check_bindings import check_bindings
from gateway.diagnosis.check_kinds import KINDS
from gateway.edxml.organ_ids import Scheme, scheme_of
from gateway.endings import LEVELS, level_of
from gateway.enrolment_process import Authority
from gateway.errors import EnvironmentRefusedError, GatewayError, KeyFileError, ProofError, TrustStoreError
from gateway.failpoints import VARIABLE
from gateway.model import Endpoint
from gateway.seal.keys import Certificates, read_key_file
from gateway.seal.path import check_certificate
from gateway.seal.report import Verdict
from gateway.seal.signer import KeyPlace, load_signer
from gateway.seal.trust import TrustPurpose, TrustStore
from gateway.signing import place_of, try_service
from gateway.storage.body_keys import KeyFile
from gateway.storage.body_token import body_key_place
from gateway.storage.driver import choose_driver
from gateway.storage.lock import refuse_network_filesystem
from gateway.transparency.keys import read_key, read_vkeys

_LEAST_PARSER_MEMORY = 256 * 1024**2
_MEMORY_SHARE = 0.75
_CLOCK_TOLERANCE = timedelta(minutes=1)
_LONGEST_SOCKET_PATH = 100
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check(
    settings: Settings,
    *,
    now: datetime,
    running: bool,
    newest_event: datetime | None = None,
    own_agency: bool | None = None,
) -> Findings:
    """Everything; `running`: whether the server runs now; `newest_event`: the ledger's, if it could be read.

    `own_agency`: whether the directory knows the gateway's own organ id; None when there is no directory yet.
    """
    findings = Findings(KINDS)
    _check_configuration(settings, findings)
    _check_organ_id(settings.seal.organ_id, findings, own_agency=own_agency)
    _check_keys(settings, findings, now)
    _check_log(settings, findings)
    _check_bodies(settings, findings)
    _check_anchors(settings, findings, now)
    _check_secrets(settings.storage.secrets, findings)
    _check_folder(settings, findings)
    _check_backup(settings, findings)
    _check_alarms(settings, findings)
    _check_machine(settings, findings, now, newest_event)
    check_bindings(settings, findings)
    if not running:
        _check_ports(settings, findings)
    return findings


def _check_configuration(settings: Settings, findings: Findings) -> None:
    delivery, server = settings.delivery, settings.server
    if delivery.lease <= delivery.timeout:
        findings.add("lease_short", "delivery.lease", f"lease {delivery.lease}, timeout {delivery.timeout}")
    if delivery.base > delivery.cap or delivery.give_up_after > delivery.give_up_hard:
        findings.add("retry_order", "delivery")
    if not _is_loopback(server.operations_host):
        findings.add("operations_exposed", "server.operations_host", server.operations_host)
    if len(os.fsencode(server.admin_socket)) > _LONGEST_SOCKET_PATH:
        findings.add("socket_path", "server.admin_socket", str(server.admin_socket))
    if settings.profile == "development":
        findings.add("development_profile", "profile")
    elif os.environ.get(VARIABLE):
        findings.add("failpoints_armed", VARIABLE)


def _check_organ_id(code: str, findings: Findings, *, own_agency: bool | None) -> None:
    """Systems may have codes of no official form; a directory knows better."""
    if not code:
        findings.add("organ_id_missing", "seal.organ_id")
    elif own_agency is False:
        findings.add("organ_id_unknown", "seal.organ_id", code)
    elif own_agency is None and scheme_of(code) is Scheme.OPAQUE:
        findings.add("organ_id_opaque", "seal.organ_id", code)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_keys(settings: Settings, findings: Findings, now: datetime) -> None:
    pairs = (
        ("tls", settings.tls.key, settings.tls.certificate),
        ("seal", settings.seal.key, settings.seal.certificate),
        ("enrolment", settings.enrolment.key, settings.enrolment.certificate),
    )
    _check_institution(settings.institution, findings, now)
    for purpose, key, certificate_file in pairs:
        certificate = _certificate(certificate_file, purpose, findings)
        if purpose == "seal" and settings.seal.socket is not None:
            _check_key_service(settings.seal.socket, certificate_file, findings)
        elif purpose == "seal" and settings.seal.token is not None:
            if certificate is not None:
                _try_signer(place_of(settings.seal), "seal.token", findings)
        else:
            secret = settings.seal.secret if purpose == "seal" else None
            _check_key(key, certificate_file, purpose, findings, paired=certificate is not None, secret=secret)
        if certificate is not None:
            _check_period(certificate, f"{purpose}.certificate", findings, now)
            if purpose == "tls":
                _check_name(certificate, settings.server.public_url, findings)


def _check_institution(settings: InstitutionSettings, findings: Findings, now: datetime) -> None:
    if not settings.certificate.exists():
        return  # it signs nothing, which is as good a choice
    certificate = _certificate(settings.certificate, "institution", findings)
    if certificate is None:
        return
    if settings.socket is not None:
        _check_key_service(settings.socket, settings.certificate, findings, "institution.socket")
    else:
        _try_signer(place_of(settings), "institution.key", findings)
    _check_period(certificate, "institution.certificate", findings, now)


def _certificate(path: Path, purpose: str, findings: Findings) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except OSError as error:
        findings.add("file_unreadable", f"{purpose}.certificate", f"{path}: {error.strerror}")
    except (ValueError, UnsupportedAlgorithm) as error:
        findings.add("file_unreadable", f"{purpose}.certificate", f"{path}: {error}")
    return None


def _check_key(
    key: Path, certificate: Path, purpose: str, findings: Findings, *, paired: bool, secret: Path | None = None
) -> None:
    try:
        read_key_file(key)
    except KeyFileError as error:
        findings.add("key_unfit" if key.exists() else "file_unreadable", f"{purpose}.key", str(error))
        return
    if not paired:
        return
    if purpose == "enrolment":  # a CA may be of any curve
        _try(lambda: Authority.load(key, certificate), "enrolment.key", findings)
    else:  # for its comparison of the pair; both keys are RSA or P-256
        _try_signer(KeyPlace(certificate=certificate, key=key, secret=secret), f"{purpose}.key", findings)


def _try_signer(place: KeyPlace, subject: str, findings: Findings) -> None:
    _try(lambda: load_signer(place), subject, findings)


def _try(load: Callable[[], object], subject: str, findings: Findings) -> None:
    try:
        load()
    except KeyFileError as error:
        code = "key_mismatch" if "certificate_file" in error.facts else str(error.facts.get("code", "key_unfit"))
        findings.add(code, subject, str(error))


def _check_log(settings: Settings, findings: Findings) -> None:
    log = settings.log
    try:
        read_vkeys(log.vkey.read_bytes())
    except FileNotFoundError:
        findings.add("log_unset", "log.vkey", str(log.vkey))
    except (OSError, ProofError) as error:
        findings.add("key_unfit", "log.vkey", f"{log.vkey}: {error}")
    else:
        if settings.seal.socket is None:
            try:
                read_key(read_key_file(log.key))
            except (KeyFileError, ProofError) as error:
                findings.add("key_unfit" if log.key.exists() else "file_unreadable", "log.key", str(error))
    folders = [settings.storage.folder, settings.backup.folder]
    if any(folder is not None and log.mark.is_relative_to(folder) for folder in folders):
        findings.add("log_mark_misplaced", "log.mark", str(log.mark))


def _check_bodies(settings: Settings, findings: Findings) -> None:
    storage, path = settings.storage, settings.storage.body_key
    if not storage.encrypt_bodies:
        findings.add("bodies_plain", "storage.encrypt_bodies")
    elif storage.body_token is not None:
        try:
            with body_key_place(settings).token_opened() as token:
                assert token is not None
                token.trial()
        except KeyFileError as error:
            findings.add(str(error.facts.get("code", "key_unfit")), "storage.body_token", str(error))
    elif not path.exists():
        findings.add("body_key_missing", "storage.body_key", str(path))
    else:
        try:
            KeyFile.load(path)
        except KeyFileError as error:
            findings.add("key_unfit", "storage.body_key", str(error))
    folders = [storage.folder, settings.backup.folder]
    if any(folder is not None and path.is_relative_to(folder) for folder in folders):
        findings.add("body_key_misplaced", "storage.body_key", str(path))


def _check_key_service(service: Path, certificate: Path, findings: Findings, subject: str = "seal.socket") -> None:
    try:
        try_service(service, certificate)
    except KeyFileError as error:
        findings.add(str(error.facts.get("code", "key_service_unfit")), subject, str(error))


def _check_period(certificate: x509.Certificate, subject: str, findings: Findings, now: datetime) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    period = f"{rfc3339(begin)} .. {rfc3339(end)}"
    if not begin <= now <= end:
        findings.add("certificate_expired", subject, period)
    elif level := level_of(begin, end, now):
        code = "certificate_last_days" if level == len(LEVELS) else "certificate_soon"
        findings.add(code, subject, f"{(end - now).days} days left: {period}")


def _check_name(certificate: x509.Certificate, public_url: str, findings: Findings) -> None:
    host = URL(public_url).host or ""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        findings.add("certificate_name", "tls.certificate", "it has no subjectAltName")
        return
    told = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    wild = f"*.{host.partition('.')[2]}"
    if host not in told and wild not in told:
        findings.add("certificate_name", "tls.certificate", f"{host} is not among {', '.join(told[:5])}")


def _check_anchors(settings: Settings, findings: Findings, now: datetime) -> None:
    stores: dict[TrustPurpose, TrustStore] = {}
    for purpose, folder in (
        (TrustPurpose.TLS, settings.tls.client_anchors),
        (TrustPurpose.SEAL, settings.seal.anchors),
    ):
        try:
            stores[purpose] = TrustStore.load(folder, purpose)
        except TrustStoreError as error:
            findings.add("anchors_unfit", str(purpose), str(error))
    seals, clients = stores.get(TrustPurpose.SEAL), stores.get(TrustPurpose.TLS)
    if seals is not None:
        _check_seal(settings, seals, findings, now)
    if clients is not None:
        _check_enrolment(settings, clients, findings)


def _check_seal(settings: Settings, anchors: TrustStore, findings: Findings, now: datetime) -> None:
    try:
        ours = Certificates.load(settings.seal.certificate)
    except KeyFileError:
        return  # told by the keys' look
    for fault in ours.findings(now):
        if fault.code == "certificate_usage":
            findings.add("certificate_usage", "seal.certificate", fault.text)
    checks, _ = check_certificate(ours.certificate, ours.chain, anchors=anchors, at=now)
    for each in checks:
        if each.verdict is not Verdict.PASSED and each.name not in {"certificate.validity", "certificate.usage"}:
            findings.add("seal_untrusted", "seal.certificate", f"{each.name}: {each.reason}")


def _check_enrolment(settings: Settings, clients: TrustStore, findings: Findings) -> None:
    try:
        authority = x509.load_pem_x509_certificates(settings.enrolment.certificate.read_bytes())[0]
    except (OSError, ValueError):
        return  # told by the keys' look
    if all(anchor.certificate.subject != authority.subject for anchor in clients.anchors) and all(
        anchor.certificate.subject != authority.issuer for anchor in clients.anchors
    ):
        findings.add("enrolment_untrusted", "tls.client_anchors", authority.subject.rfc4514_string())


def _check_secrets(folder: Path, findings: Findings) -> None:
    for path in _private_paths(folder):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # gone meanwhile
        if mode & _OTHERS:
            findings.add("secret_exposed", str(path), f"mode {stat.S_IMODE(mode):04o}")


def _private_paths(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield folder
        yield from sorted(folder.iterdir())


def _check_folder(settings: Settings, findings: Findings) -> None:
    folder = settings.storage.folder
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        refuse_network_filesystem(existing)
    except EnvironmentRefusedError as error:
        findings.add("folder_unfit", str(folder), str(error))
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        findings.add("folder_unfit", str(folder), f"{existing} cannot be written by user {os.geteuid()}")
        return
    if folder.exists() and folder.stat().st_mode & _OTHERS:
        findings.add("folder_unfit", str(folder), f"others may enter it; run: chmod 700 {folder}")
    free, least = shutil.disk_usage(existing).free, settings.storage.min_free_bytes
    told = f"{free // 1024**2} MiB free, storage.min_free_bytes is {least // 1024**2} MiB"
    if free < least:
        findings.add("disk_low", str(folder), told)
    elif free < 2 * least:
        findings.add("disk_soon", str(folder), told)


def _check_backup(settings: Settings, findings: Findings) -> None:
    backup, data = settings.backup, settings.storage.folder
    if backup.folder is None:
        if settings.profile == "strict":
            findings.add("backup_unset", "backup.folder")
        return
    if backup.folder.exists() and data.exists() and backup.folder.stat().st_dev == data.stat().st_dev:
        findings.add("backup_same_disk", str(backup.folder))
    if backup.key is not None:
        try:
            BackupKey.load(backup.key)
        except KeyFileError as error:
            findings.add("backup_key_unfit", str(backup.key), str(error))


def _check_alarms(settings: Settings, findings: Findings) -> None:
    alarms = settings.alarms
    if alarms.mail and not settings.mail.host:
        findings.add("alarms_unmailed", "alarms.mail", "[mail] host is empty")
    if alarms.url and not (alarms.secret_file and (settings.storage.secrets / alarms.secret_file).is_file()):
        findings.add("secret_missing", "alarms.secret_file", alarms.secret_file or "it is empty")
    if not alarms.mail and not alarms.url and settings.profile == "strict":
        findings.add("alarms_unset", "alarms")


def _check_machine(settings: Settings, findings: Findings, now: datetime, newest_event: datetime | None) -> None:
    try:
        driver = choose_driver(allow_affected_sqlite=settings.storage.allow_affected_sqlite)
        if driver.alarm:
            findings.add("sqlite_overridden", driver.name, driver.alarm)
    except GatewayError as error:
        findings.add("sqlite_affected", "sqlite", str(error))
    parser = settings.parser
    if parser.memory < _LEAST_PARSER_MEMORY:
        findings.add("parser_memory", "parser.memory", f"{parser.memory // 1024**2} MiB")
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if parser.processes * parser.memory > machine * _MEMORY_SHARE:
        told = f"{parser.processes} x {parser.memory // 1024**2} MiB of {machine // 1024**2} MiB"
        findings.add("parser_memory_large", "parser", told)
    if parser.processes == 1 and settings.profile == "strict":
        findings.add("parser_alone", "parser.processes")
    if newest_event is not None and now < newest_event - _CLOCK_TOLERANCE:
        findings.add("clock_behind", "clock", f"now {rfc3339(now)}, newest event {rfc3339(newest_event)}")


def _check_ports(settings: Settings, findings: Findings) -> None:
    server, bindings = settings.server, settings.bindings
    places = (("server.port", server.host, server.port),
              ("server.operations_port", server.operations_host, server.operations_port),
              ("bindings.port", bindings.host, bindings.port))  # fmt: skip
    for name, host, port in places:
        if port == 0:
            continue  # the system chooses
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            findings.add("port_taken", name, f"{host}:{port}: {error.strerror}")


def check_channels(settings: Settings, endpoints: Iterable[Endpoint], findings: Findings) -> None:
    """The secrets and CAs of webhooks and sources, as far as their files tell."""
    for endpoint in endpoints:
        if endpoint.kind == "webhook":
            _check_peer(settings, endpoint, "", findings)
        for problem in problems_of(settings, endpoint, SystemClock()):
            findings.add("channel_unfit", f"channel {endpoint.name}", problem)
        if endpoint.settings.get("source"):
            _check_peer(settings, endpoint, "source_", findings)


def _check_peer(settings: Settings, endpoint: Endpoint, prefix: str, findings: Findings) -> None:
    name = str(endpoint.settings.get(f"{prefix}secret_file", ""))
    if not name or not (settings.storage.secrets / name).is_file():
        findings.add("secret_missing", f"channel {endpoint.name}", name or f"it has no {prefix}secret_file")
    anchors = endpoint.settings.get(f"{prefix}anchors_file")
    if anchors and not (settings.storage.folder.parent / str(anchors)).is_file():
        findings.add("file_unreadable", f"channel {endpoint.name}", f"{prefix}anchors_file {anchors}")

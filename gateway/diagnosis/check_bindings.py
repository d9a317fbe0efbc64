"""What `check` and `doctor` say of the other protocols' listener, and of the key that seals shared secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from gateway.accounts.secret_box import SecretBox
from gateway.accounts.users import count_unopened
from gateway.audit.findings import Finding, Findings
from gateway.config.settings import Settings
from gateway.diagnosis.check_kinds import KINDS
from gateway.errors import ConfigError, KeyFileError
from gateway.plain import plain_place

#: Below this, the header fields of a document to a thousand recipients do not fit.
_LEAST_HEAD = 96 * 1024
_SECONDS = 5.0


def check_bindings(settings: Settings, findings: Findings) -> None:
    """As far as the configuration tells."""
    chosen = settings.bindings
    if chosen.plain_port:
        try:
            place = plain_place(chosen.plain_host)
        except ConfigError as error:
            findings.add("plain_host_unfit", "bindings.plain_host", str(error))
        else:
            findings.add("plain_http", "bindings.plain_port", f"{place}, port {chosen.plain_port}")
    if (chosen.port or chosen.plain_port) and chosen.max_head < _LEAST_HEAD:
        findings.add("head_small", "bindings.max_head", f"{chosen.max_head // 1024} KiB")


def check_secret_key(settings: Settings, keys_in_use: Iterable[str], findings: Findings) -> None:
    """Whether the secrets that are in force can be opened."""
    in_use = set(keys_in_use)
    if not in_use:
        return
    box = SecretBox(settings.storage.secrets)
    try:
        lost = in_use - {box.key_id}
    except KeyFileError as error:
        findings.add("shared_key_unfit", str(box.path), str(error))
        return
    if lost:
        findings.add("shared_key_unfit", str(box.path), f"secrets are sealed under {', '.join(sorted(lost))}")


def examine_factors(settings: Settings, factors: Sequence[tuple[str, bytes]]) -> list[Finding]:
    """Whether the second factors of people, by id, can be opened."""
    box = SecretBox(settings.storage.secrets)
    if not (lost := count_unopened(box, factors)):
        return []
    return [_finding("second_factors_lost", str(box.path), f"{lost} of {len(factors)}")]


async def examine_bindings(settings: Settings) -> list[Finding]:
    """Whether the listener answers, and what is dangerous about it."""
    chosen, found = settings.bindings, []
    if chosen.port:
        place = f"{chosen.host}:{chosen.port}"
        try:
            async with asyncio.timeout(_SECONDS):
                _, writer = await asyncio.open_connection(chosen.host or "localhost", chosen.port)
            writer.close()
        except (OSError, TimeoutError) as error:
            found.append(_finding("bindings_closed", "bindings", f"{place}: {str(error) or 'no answer'}"))
        else:
            found.append(_finding("layer_fine", "bindings", place))
    if chosen.plain_port:
        found.append(_finding("plain_http", "bindings", f"{chosen.plain_host}:{chosen.plain_port}"))
    box = SecretBox(settings.storage.secrets)
    if box.exists():
        try:
            found.append(_finding("layer_fine", "shared secrets", f"key {box.key_id}"))
        except KeyFileError as error:
            found.append(_finding("shared_key_unfit", "shared secrets", str(error)))
    return found


def _finding(code: str, subject: str, detail: str) -> Finding:
    return Finding(code=code, kind=KINDS[code], subject=subject, detail=detail)

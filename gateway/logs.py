"""Logs, and what must never be in them.

structlog, one line per event on standard error: JSON, for people, or, for commands, a short line beside what they
print. The level changes while the program runs (`LogControl.set_level`). Lines of the standard library's loggers
(aiohttp, asyncio, pyHanko) go the same way. What is bound with `structlog.contextvars` (trace_id, document_id)
stands on every line of that task.

Redaction is the last processor before the renderer, so it also sees tracebacks: tokens (`gw_…`), Authorization,
enrolment codes, PEM private keys, HMACs, and every value under a name that says it is a secret. It is a net,
NOT a licence: code logs ids, never credentials.
"""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, Literal, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN: Final = "[redacted]"

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "exception": 40, "critical": 50}
_SECRET_TEXT: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\bgw_[A-Za-z0-9_-]{6,}"
    r"|\b(?i:bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"
    r"|\b(?:[0-9A-Za-z]{4}-){6}[0-9A-Za-z]{4}\b"
    r"|\bv1=[0-9A-Fa-f]{32,}"
    r"|\b(?i:authorization|gateway-signature|password|secret)[\"']?\s*[:=]\s*[\"']?"
    r"(?i:(?:bearer|basic)\s+)?[^\s,}\"']+",
    re.DOTALL,
)
_SECRET_NAMES: Final = frozenset(
    {
        "authorization",
        "bearer",
        "enrolment_code",
        "hmac",
        "key_pem",
        "password",
        "private_key",
        "secret",
        "signature",
        "token",
    }
)
_MAX_DEPTH: Final = 6
#: No shorter text can match, which spares most values of a line.
_SHORTEST: Final = len("secret=x")


def redact(value: object, depth: int = 0) -> object:
    """`value` without secrets; mappings and lists are copied."""
    if type(value) is str:  # nearly always
        return value if len(value) < _SHORTEST else _SECRET_TEXT.sub(HIDDEN, value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) or depth >= _MAX_DEPTH:
        text = str(value)
        return text if len(text) < _SHORTEST else _SECRET_TEXT.sub(HIDDEN, text)
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN if _is_secret(name) and item else redact(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item, depth + 1) for item in value]
    return _SECRET_TEXT.sub(HIDDEN, str(value))


def redact_event(_logger: WrappedLogger, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor form of `redact`."""
    found = redact(event)
    assert isinstance(found, dict)
    return found


@lru_cache(512)
def _is_secret(name: object) -> bool:
    """Whether what goes by that name is never written; a line's names are nearly always the same."""
    return str(name).lower() in _SECRET_NAMES


class LogControl:
    """Drops what is below the level in force, which may change at any time."""

    def __init__(self, level: str) -> None:
        self._threshold = _LEVELS[level]

    def set_level(self, level: str) -> None:
        """Takes effect with the next line."""
        self._threshold = _LEVELS[level]

    def __call__(self, _logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """The processor."""
        if _LEVELS.get(method, 20) < self._threshold:
            raise structlog.DropEvent
        return event


class _Forgiving(io.TextIOBase):
    """A log that is full or closed costs its line, never the request that wrote it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class _Bridge(logging.Handler):
    """Takes the standard library's lines along."""

    def emit(self, record: logging.LogRecord) -> None:
        method = "error" if record.levelno >= logging.ERROR else record.levelname.lower()
        logger = structlog.get_logger(record.name)
        write = getattr(logger, method if method in _LEVELS else "info")
        write("library.logged", logger=record.name, text=record.getMessage(), exc_info=record.exc_info)


def configure_logs(
    level: Literal["debug", "info", "warning", "error"],
    style: Literal["json", "console", "line"],
    stream: TextIO | None = None,
) -> LogControl:
    """Set logging up for the whole process; the result changes the level later."""
    control = LogControl(level)
    processors: list[Processor] = [
        control,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _name_error if style == "line" else structlog.processors.format_exc_info,
        redact_event,
        _renderer(style, stream or sys.stderr),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Forgiving(stream or sys.stderr))),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(logging.INFO)
    return control


def configure_command_logs() -> None:
    """What a command does may log: warnings and worse, a line each on standard error, never in its output."""
    if not structlog.is_configured():  # a server in this process has its own way
        configure_logs("warning", "line")


def _renderer(style: str, stream: TextIO) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(serializer=_to_json)
    return _to_line if style == "line" else structlog.dev.ConsoleRenderer(colors=stream.isatty())


def _name_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A line has no room for a traceback."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given or None
    if error is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["error"] = f"{type(error).__name__}: {error}"
    return event


def _to_line(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    said = f"gateway: {event.pop('level')}: {event.pop('event')}"
    del event["at"]
    return " ".join([said, *(f"{name}={value!r}" for name, value in event.items())])


def _to_json(event: EventDict, **_options: object) -> str:
    return msgspec.json.encode(event).decode()

"""Values of settings: how they are written, and what is made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NewType, get_args, get_origin
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from gateway.errors import ConfigError, ProofError

if TYPE_CHECKING:
    from gateway.transparency.note import VerifierKey

#: A number of bytes, written with a unit.
Size = NewType("Size", int)

#: Agencies' codes, written as a list such as ["000.00.00.H33"].
Codes = NewType("Codes", tuple[str, ...])
#: HTTP addresses, written as a list such as ["http://crl.example.vn/ca.crl"].
Urls = NewType("Urls", tuple[str, ...])
#: Networks, written as a list such as ["10.0.0.0/8"].
Networks = tuple[str, ...]

#: Mail addresses, written as a list such as ["truc@example.vn"].
Addresses = NewType("Addresses", tuple[str, ...])
#: Days of the week, written as a list such as ["sat", "sun"].
Weekdays = NewType("Weekdays", tuple[str, ...])
#: A time of the day, written as "18:00"; "": none.
DayTime = NewType("DayTime", str)

#: DNS names, written as a list such as ["van-ban.tinh.example.vn"].
DnsNames = NewType("DnsNames", tuple[str, ...])

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_RETENTION = re.compile(
    r"(?P<about>default|business:\S{1,20}|type:\S{1,20}) (?:never|(?P<number>\d{1,5})(?P<unit>[dy]))"
)
#: Two hundred years.
_MOST_DAYS = 73_200
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DAY_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|")
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: An address as `adapters.mail` can write it into a header: no dot stands beside a dot, or at an end.
ADDRESS: Final = re.compile(
    r"(?!\.)(?!.*\.\.)(?!.*\.@)[A-Za-z0-9._%+=-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?"
)
_OID = re.compile(r"[0-2](\.(0|[1-9]\d{0,19})){1,30}")
_DNS_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})+")
_SIZE = re.compile(r"(\d+)(B|KiB|MiB|GiB)")
_BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def documented(default: Any, doc: str) -> Any:
    """A setting: what it is unless it is set, and what it means."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, kw_only=True, slots=True)
class StampServer:
    """An RFC 3161 server, written as "URL", "URL POLICY", "URL own" or "URL POLICY own"."""

    url: str
    #: OID of the policy to ask for; "" leaves it to the server.
    policy: str = ""
    #: Run by ourselves: its stamps are not independent. So is whatever listens on this machine.
    own: bool = False

    @classmethod
    def parse(cls, text: str) -> StampServer:
        """From its words; raises ValueError."""
        url, *words = text.split()
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url} is no http or https URL")
        policies = [word for word in words if word != "own"]
        if len(policies) > 1 or not all(_OID.fullmatch(each) for each in policies):
            raise ValueError(f"{' '.join(policies)} is not the OID of one policy")
        own = "own" in words or parts.hostname == "localhost" or parts.hostname.startswith(("127.", "::1"))
        return cls(url=url, policy="".join(policies), own=own)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.url, self.policy, "own" if self.own else "")))


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenPlace:
    """A key on a PKCS#11 token, written as a URI [RFC 7512] of which some parts are taken.

    pkcs11:token=LABEL;serial=SERIAL;object=LABEL?module-path=/usr/lib/libtoken.so

    `serial` and `object` may be missing: then the label finds the token, and the certificate its key.
    """

    #: The token's driver, a shared library.
    module: Path
    #: Label of the token.
    token: str
    #: Its serial number, where two have one label; "": any.
    serial: str = ""
    #: Label of the key; "": the one that belongs to the certificate.
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> TokenPlace:
        """From its writing; raises ValueError."""
        scheme, _, rest = text.partition(":")
        path, _, query = rest.partition("?")
        parts = dict(each.partition("=")[::2] for each in path.split(";") if each)
        asked = dict(parse_qsl(query, keep_blank_values=True))
        if scheme != "pkcs11" or not parts.get("token") or not asked.get("module-path", "").startswith("/"):
            raise ValueError("write it as pkcs11:token=LABEL;object=LABEL?module-path=/usr/lib/libtoken.so")
        strange = sorted(parts.keys() - {"token", "serial", "object"}) + sorted(asked.keys() - {"module-path"})
        if strange:  # such as pin-value, which has no place in a file that many read
            raise ValueError(f"{', '.join(strange)} is not taken here; the PIN lies in a file of its own")
        return cls(
            module=Path(asked["module-path"]),
            token=unquote(parts["token"]),
            serial=unquote(parts.get("serial", "")),
            key=unquote(parts.get("object", "")),
        )

    def __str__(self) -> str:
        parts = [("token", self.token), ("serial", self.serial), ("object", self.key)]
        path = ";".join(f"{name}={quote(value, safe='')}" for name, value in parts if value)
        return f"pkcs11:{path}?module-path={self.module}"


#: Written as a list of such texts.
StampServers = tuple[StampServer, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessAddress:
    """A witness of the log, written as "URL VKEY" or "URL VKEY ANCHORS"."""

    #: Prefix of its paths; https, or http to this machine.
    url: str
    #: What its cosignatures are verified with; the name in it is the witness's.
    key: VerifierKey
    #: File of CAs its TLS certificate leads to, or that certificate; None: the system's.
    anchors: Path | None = None

    @classmethod
    def parse(cls, text: str, folder: Path) -> WitnessAddress:
        """From its words; raises ValueError."""
        from gateway.transparency.note import Algorithm, VerifierKey  # only who has witnesses needs it

        words = text.split()
        parts = urlsplit(words[0] if words else "")
        is_safe = parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if len(words) not in {2, 3} or parts.scheme not in {"http", "https"} or not parts.hostname or not is_safe:
            raise ValueError(f'"{text}" is not "https://… VKEY" or "https://… VKEY ANCHORS"')
        try:
            key = VerifierKey.parse(words[1])
        except ProofError as error:
            raise ValueError(str(error)) from error
        if key.algorithm is not Algorithm.COSIGNATURE_V1:
            raise ValueError(f"{key.name} is the key of a log, not of a witness")
        return cls(url=words[0], key=key, anchors=(folder / words[2]).resolve() if words[2:] else None)

    def __str__(self) -> str:
        return " ".join((self.url, str(self.key), *([str(self.anchors)] if self.anchors else [])))


#: Written as a list of such texts.
Witnesses = tuple[WitnessAddress, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionRule:
    """How long bodies are kept, written as "default 10y", "business:1 90d" or "type:2 never"."""

    #: default; business: by BussinessDocType; type: by the code of the document type.
    kind: Literal["default", "business", "type"]
    #: "" for default.
    code: str = ""
    #: None: for ever.
    after: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> RetentionRule:
        """From its words; raises ValueError."""
        match = _RETENTION.fullmatch(text)
        if match is None:
            raise ValueError(f'"{text}" is none such as "default 10y", "business:1 90d" or "type:2 never"')
        about, number, unit = match["about"], match["number"], match["unit"]
        kind, _, code = about.partition(":")
        days = None if number is None else int(number) * (366 if unit == "y" else 1)
        if days is not None and not 1 <= days <= _MOST_DAYS:
            raise ValueError(f"{number}{unit} is no time that bodies could be kept")
        after = None if days is None else timedelta(days=days)
        known: Any = kind
        return cls(kind=known, code=code, after=after)

    def __str__(self) -> str:
        about = f"{self.kind}:{self.code}" if self.code else self.kind
        return f"{about} {'never' if self.after is None else f'{self.after.days}d'}"


#: Written as a list of such texts.
RetentionRules = tuple[RetentionRule, ...]


def value(hint: Any, raw: Any, folder: Path, name: str) -> Any:  # noqa: PLR0911 - one for each kind
    """What is meant by `raw`, the setting `name` of the kind `hint`; raises ConfigError."""
    if hint is timedelta or hint is Size:
        return _measured(hint, raw, name)
    if get_origin(hint) is Literal:
        if raw not in get_args(hint):
            raise ConfigError(f"{name} must be one of {', '.join(map(str, get_args(hint)))}")
        return raw
    if hint is DayTime:
        if not isinstance(raw, str) or not _DAY_TIME.fullmatch(raw):
            raise ConfigError(f'{name} must be a time of the day such as "18:00"')
        return raw
    if hint in _LISTS:
        return _listed(hint, raw, folder, name)
    if hint == TokenPlace | None:
        return _token(raw, name)
    if hint in (Path, Path | None):
        return _path(hint, raw, folder, name)
    if hint is float and type(raw) is int:
        return float(raw)
    if type(raw) is not hint:
        raise ConfigError(f"{name} must be {hint.__name__}, not {type(raw).__name__}")
    return raw


def _url(text: Any, _folder: Path) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{text} is no http or https URL")
    return str(text)


def _measured(hint: Any, raw: Any, name: str) -> timedelta | Size:
    if hint is timedelta:
        match = _DURATION.fullmatch(raw) if isinstance(raw, str) else None
        if match is None:
            raise ConfigError(f'{name} must be a duration such as "30s", "5m", "12h"')
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    match = _SIZE.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise ConfigError(f'{name} must be a size such as "64KiB", "20MiB"')
    return Size(int(match[1]) * _BYTES[match[2]])


def duration_text(value: timedelta) -> str:
    """As the file writes it."""
    number = value // timedelta(milliseconds=1)
    return (
        _in_units(number, {unit: round(seconds * 1000) for unit, seconds in _SECONDS.items()}) if number else "0s"
    )


def size_text(value: int) -> str:
    """As the file writes it."""
    return _in_units(value, _BYTES)


def _in_units(number: int, units: dict[str, int]) -> str:
    unit = next((unit for unit in reversed(units) if number >= units[unit] and number % units[unit] == 0), "")
    return f"{number // units[unit]}{unit}" if unit else f"{number}{next(iter(units))}"


def _text(text: Any, _folder: Path) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no text")
    return text


def _dns_name(text: Any, folder: Path) -> str:
    if not _DNS_NAME.fullmatch(_text(text, folder)):
        raise ValueError(f"{text} is no DNS name in small letters")
    return str(text)


def _address(text: Any, folder: Path) -> str:
    if not ADDRESS.fullmatch(_text(text, folder)):
        raise ValueError(f"{text} is no mail address")
    return str(text)


def _weekday(text: Any, folder: Path) -> str:
    if _text(text, folder) not in WEEKDAYS:
        raise ValueError(f"{text} is none of {', '.join(WEEKDAYS)}")
    return str(text)


#: An example of each kind of list, and what makes one of its values from a text; that raises ValueError.
_LISTS: Final[Mapping[Any, tuple[str, Callable[[Any, Path], Any]]]] = MappingProxyType(
    {
        Addresses: ('["truc@example.vn"]', _address),
        Weekdays: ('["sat", "sun"]', _weekday),
        Codes: ('["000.00.00.H33"]', _text),
        DnsNames: ('["docs.example.vn"]', _dns_name),
        Networks: ('["10.0.0.0/8"]', lambda text, _folder: str(ip_network(text))),
        Urls: ('["http://crl.example.vn/ca.crl"]', _url),
        RetentionRules: ('["default 10y"]', lambda text, _folder: RetentionRule.parse(text)),
        StampServers: ('["http://tsa.example.vn 1.2.3.4"]', lambda text, _folder: StampServer.parse(text)),
        Witnesses: (
            '["https://witness.example.vn/ example.vn/witness+e44a1fae+BCkk…"]',
            WitnessAddress.parse,
        ),
    }
)


def _listed(hint: Any, raw: Any, folder: Path, name: str) -> tuple[Any, ...]:
    example, make = _LISTS[hint]
    try:
        if not isinstance(raw, list):
            raise TypeError("it is no list")  # noqa: TRY301  # told like what a text in it lacks
        made = tuple(make(text, folder) for text in raw)
        return _CHECKED.get(hint, tuple)(made)
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"{name} must be a list such as {example}: {error}") from error


def _one_each(found: RetentionRules) -> RetentionRules:
    """Two rules for the same documents would contradict each other."""
    if len({(each.kind, each.code) for each in found}) < len(found):
        raise ValueError("two rules are about the same documents")
    return found


def _token(raw: Any, name: str) -> TokenPlace | None:
    try:
        return TokenPlace.parse(raw) if raw else None
    except (AttributeError, ValueError) as error:
        raise ConfigError(f"{name} is no token: {error}") from error


def _different(found: Witnesses) -> Witnesses:
    """One that is named twice would count twice."""
    if len({each.key.name for each in found}) < len(found) or len({each.key.digest for each in found}) < len(found):
        raise ValueError("a name or a key is there twice")
    return found


def _not_all(found: Weekdays) -> Weekdays:
    """A week without a day on which anybody is told would hold everything back for ever."""
    if len(set(found)) == len(WEEKDAYS):
        raise ValueError("a week needs a day that is not quiet")
    return found


#: What a whole list of a kind must be besides.
_CHECKED: Final[Mapping[Any, Callable[[Any], tuple[Any, ...]]]] = MappingProxyType(
    {Witnesses: _different, RetentionRules: _one_each, Weekdays: _not_all}
)


def _path(hint: Any, raw: Any, folder: Path, name: str) -> Path | None:
    if raw == "" and hint is not Path:
        return None
    if not isinstance(raw, str) or not raw:
        raise ConfigError(f"{name} must be a path")
    return (folder / Path(raw).expanduser()).resolve()

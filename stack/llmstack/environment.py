"""Settings from the environment: a field of a dataclass says its variable and what may stand there.

::

    @dataclass(frozen=True)
    class Settings:
        port: int = setting("GATEWAY_PORT", 8080, PORT)

    read(Settings, os.environ)

A variable that is empty is as if it were not there. Everything that is wrong is told at once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from llmstack.errors import SettingsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Value = TypeVar("Value")
Default = TypeVar("Default")
Member = TypeVar("Member", bound=Enum)
Made = TypeVar("Made", bound="DataclassInstance")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LAST_PORT = 65535
_TRUTHS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


# --- what may stand there -------------------------------------------------------------------------


@dataclass(frozen=True)
class Reader(Generic[Value]):
    """Makes a value of a text."""

    #: What may stand there, as it is told: "expected …".
    expected: str
    #: Raises ValueError where no value can be made.
    make: Callable[[str], Any]
    #: Tells whether a value may be, wherever it comes from.
    allows: Callable[[Any], bool] = lambda _: True
    #: Whether there may be several texts, with commas between; the value is a tuple then.
    is_list: bool = False


def whole(least: int | None = None, most: int | None = None) -> Reader[int]:
    """Return a reader of whole numbers."""

    def make(text: str) -> int:
        # int() also takes 1_000, and digits of any alphabet.
        if not re.fullmatch(r"-?[0-9]+", text):
            raise ValueError(text)
        return int(text)

    return Reader(f"a whole number{_between(least, most)}", make, _is_between(least, most))


def number(least: float, most: float | None = None) -> Reader[float]:
    """Return a reader of numbers; none of them is infinite."""
    return Reader(f"a number{_between(least, most)}", float, _is_between(least, most))


def _between(least: float | None, most: float | None) -> str:
    start = "" if least is None else f" from {least}"
    return start if most is None else f"{start} to {most}"


def _is_between(least: float | None, most: float | None) -> Callable[[float], bool]:
    def allows(value: float) -> bool:
        is_within = (least is None or least <= value) and (most is None or value <= most)
        return isfinite(value) and is_within

    return allows


def one_of(kind: type[Member]) -> Reader[Member]:
    """Return a reader of the members of an enumeration, which are called by their values."""
    by_text = {str(member.value).lower(): member for member in kind}

    def make(text: str) -> Member:
        if text.lower() not in by_text:
            raise ValueError(text)
        return by_text[text.lower()]

    *others, last = by_text
    return Reader(f"{', '.join(others)} or {last}", make)


def several(reader: Reader[Value]) -> Reader[tuple[Value, ...]]:
    """Return a reader of one or more, with commas between."""
    return Reader(reader.expected, reader.make, reader.allows, is_list=True)


def _truth(text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(text)
    return _TRUTHS[text.lower()]


def _is_host(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return re.fullmatch(r"[^\s/:]+", text) is not None


def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)


def _is_http_url(text: str) -> bool:
    parts = _url(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query


def _is_redis_url(text: str) -> bool:
    parts = _url(text)
    is_served = parts.scheme in ("redis", "rediss") and bool(parts.hostname)
    return is_served or (parts.scheme == "unix" and parts.path.startswith("/"))


def _url(text: str) -> SplitResult:
    """Return the parts of a URL; of a text that is none, parts that are all empty."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where it is none
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


TEXT = Reader[str]("a text", str)
PATH = Reader[Path]("a path", Path)
TRUTH = Reader[bool]("true or false", _truth)
#: 0 is a free one, or none, as a program says.
PORT = replace(whole(0, LAST_PORT), expected=f"a port from 0 to {LAST_PORT}")
#: One that others have to know.
PUBLISHED_PORT = replace(whole(1, LAST_PORT), expected=f"a port from 1 to {LAST_PORT}")
ABOVE_0 = Reader[float]("a number above 0", float, lambda value: isfinite(value) and value > 0)
HOST = Reader[str]("the name or address of a host", str, _is_host)
NETWORK = Reader[Network]("an address, or a network such as 10.0.0.0/8", _network)
HTTP_URL = Reader[str]("http(s)://host[:port]", str, _is_http_url)
REDIS_URL = Reader[str](
    "redis://host[:port], rediss://host[:port] or unix:///path", str, _is_redis_url
)


# --- settings -------------------------------------------------------------------------------------


def setting(
    variable: str, default: Default, reader: Reader[Value], *, is_secret: bool = False
) -> Default | Value:
    """Return a field of a dataclass that a variable of the environment sets.

    Args:
        variable: its name.
        default: the value without it, which need not be one that the variable can say.
        reader: what may stand there.
        is_secret: it is shown nowhere.
    """
    metadata = {"variable": variable, "reader": reader}
    return field(default=default, repr=not is_secret, metadata=metadata)


def read(kind: type[Made], environment: Mapping[str, str]) -> Made:
    """Return the settings that an environment says.

    Raises:
        SettingsError: a line for each variable, or part of a list, that cannot be.
    """
    return Variables(environment).make(kind)


def check(settings: DataclassInstance) -> None:
    """Hold values from elsewhere (options of a command) to the bounds of their variables.

    Raises:
        SettingsError: a line for each that cannot be; it names the variable.
    """
    problems = []
    for each in fields(settings):
        reader, value = each.metadata.get("reader"), getattr(settings, each.name)
        if reader is None or value == each.default:
            continue
        for part in value if reader.is_list else (value,):
            if not reader.allows(part):
                problems.append(_problem(each.metadata["variable"], reader, part, not each.repr))
    _refuse(problems)


class Variables:
    """An environment that is being read, and what was found wrong with it so far."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Leave out what is empty."""
        self._said = {name: text.strip() for name, text in environment.items() if text.strip()}
        self._problems: list[str] = []

    def __contains__(self, variable: object) -> bool:
        """Tell whether a variable says anything."""
        return variable in self._said

    def get(
        self, variable: str, default: Default, reader: Reader[Value], *, is_secret: bool = False
    ) -> Default | Value:
        """Return the value of one variable; what is wrong with it is told by `make`."""
        text = self._said.get(variable)
        if text is None:
            return default
        parts = [part.strip() for part in text.split(",")] if reader.is_list else [text]
        values = []
        for part in filter(None, parts):
            try:
                value = reader.make(part)
                is_allowed = reader.allows(value)
            except ValueError:
                is_allowed = False
            if is_allowed:
                values.append(value)
            else:
                self._problems.append(_problem(variable, reader, part, is_secret))
        if not any(parts):
            # One who means keys and says none would let everybody in.
            self._problems.append(f"{variable}: expected {reader.expected}, got commas alone")
        return cast("Value", tuple(values) if reader.is_list else next(iter(values), default))

    def make(self, kind: type[Made], **otherwise: object) -> Made:
        """Return settings.

        Args:
            kind: a dataclass with fields that are made by `setting`.
            otherwise: values by field, of those whose variable says nothing or that have none.

        Raises:
            SettingsError: a line for all that was found wrong, here and before.
        """
        values = dict(otherwise)
        for each in fields(kind):
            if each.metadata.get("variable") in self:
                variable, reader = each.metadata["variable"], each.metadata["reader"]
                values[each.name] = self.get(
                    variable, each.default, reader, is_secret=not each.repr
                )
        _refuse(self._problems)
        return kind(**values)


def _problem(variable: str, reader: Reader[Any], found: object, is_secret: bool) -> str:
    shown = "a text that is not shown" if is_secret else repr(found)
    return f"{variable}: expected {reader.expected}, got {shown}"


def _refuse(problems: list[str]) -> None:
    if problems:
        raise SettingsError("\n".join(problems))

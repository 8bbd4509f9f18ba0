"""Promises as the Python that declares them, ready for a pack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum

from llmdash.promql.windows import Duration
from llmdash.slos.slo import Slo

#: Where names come from that the package's own door does not offer.
_HOMES = {
    "Role": "llmdash.sources.source",
    "Severity": "llmdash.slos.tiers",
}
_DOOR = "llmdash"
_WIDTH = 100


def declared(slos: Sequence[Slo]) -> str:
    """Return a module that declares `SLOS`; what a promise has by default is left out."""
    names = {name for slo in slos for name in _names(slo)}
    imports = _imports(names)
    lines = "".join(f"    {_code(slo, 4)},\n" for slo in slos)
    return f"{imports}\n\nSLOS = (\n{lines})\n" if slos else "SLOS = ()\n"


def _imports(names: set[str]) -> str:
    homes: dict[str, list[str]] = {}
    for name in sorted(names):
        homes.setdefault(_HOMES.get(name, _DOOR), []).append(name)
    return "\n".join(f"from {home} import {', '.join(own)}" for home, own in sorted(homes.items()))


def _names(value: object) -> Iterator[str]:
    """Yield the classes that a value is declared with."""
    if isinstance(value, Enum | Duration):
        yield type(value).__name__
    elif is_dataclass(value):
        yield type(value).__name__
        for _, own in _said(value):
            yield from _names(own)
    elif isinstance(value, tuple):
        for each in value:
            yield from _names(each)


def _said(value: object) -> list[tuple[str, object]]:
    """Return the fields of a value that are not as they are by default."""
    found = []
    for field in fields(value):  # type: ignore[arg-type]  # asked before
        own = getattr(value, field.name)
        usual = field.default
        if usual is MISSING and field.default_factory is not MISSING:
            usual = field.default_factory()
        if usual is MISSING or own != usual:
            found.append((field.name, own))
    return found


def _code(value: object, indent: int, before: int = 0) -> str:
    """Return the Python of a value, over several lines where one is too long.

    `before` letters stand before it in its line.
    """
    match value:
        case Duration():
            return f"Duration.parse({_text(str(value))})"
        case Enum():
            return f"{type(value).__name__}.{value.name}"
        case str():
            return _text(value)
        case Mapping():
            pairs = ", ".join(f"{_code(key, 0)}: {_code(own, 0)}" for key, own in value.items())
            return f"{{{pairs}}}"
        case tuple():
            parts = [_code(each, indent + 4) for each in value]
            return _wrapped("", parts, indent, before, tuple_of=True)
    if not is_dataclass(value):
        return repr(value)
    inner = [f"{name}={_code(own, indent + 4, len(name) + 1)}" for name, own in _said(value)]
    return _wrapped(type(value).__name__, inner, indent, before)


def _wrapped(
    name: str, parts: Sequence[str], indent: int, before: int, *, tuple_of: bool = False
) -> str:
    only = "," if tuple_of and len(parts) == 1 else ""
    line = f"{name}({', '.join(parts)}{only})"
    # A comma follows.
    fits = indent + before + len(line) < _WIDTH
    if "\n" not in line and fits and name != Slo.__name__:
        return line
    space = " " * (indent + 4)
    inner = "".join(f"{space}{part},\n" for part in parts)
    return f"{name}(\n{inner}{' ' * indent})"


def _text(value: str) -> str:
    # JSON's double quotes and escapes mean the same in Python.
    return json.dumps(value, ensure_ascii=False)

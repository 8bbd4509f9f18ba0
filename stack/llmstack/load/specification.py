"""Small texts that say what load is made of: `poisson`, `const:128`, `lognormal:mean=8,sigma=1`.

A name, then numbers by their names, or one alone, which is the first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from llmstack.errors import SettingsError
from llmstack.nearest import nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Made = TypeVar("Made", bound="DataclassInstance")


def parse(text: str, kinds: Mapping[str, type[Made]], what: str) -> Made:
    """Return what a text says.

    Args:
        text: the text.
        kinds: dataclasses of numbers by name; each refuses numbers that cannot be with ValueError.
        what: what it is a text of, for messages.

    Raises:
        SettingsError: it says nothing that can be; the nearest spelling is named.
    """
    name, _, rest = text.strip().partition(":")
    if name not in kinds:
        raise SettingsError(f"{what} {text!r}: expected {one_of(name, kinds)}, got {name!r}")
    kind = kinds[name]
    known = {each.name: each for each in fields(kind)}
    values: dict[str, Any] = {}
    for number, part in enumerate(filter(None, map(str.strip, rest.split(",")))):
        key, equals, value = map(str.strip, part.partition("="))
        if not equals:
            key, value = _name_of(number, list(known)), key
        if key not in known:
            raise SettingsError(f"{what} {text!r}: expected {one_of(key, known)}, got {part!r}")
        values[key] = _number(value, f"{what} {text!r}: {key}")
    missing = [each.name for each in known.values() if _is_needed(each) and each.name not in values]
    if missing:
        raise SettingsError(f"{what} {text!r}: expected {name}:{_shown(missing)}")
    try:
        return kind(**values)
    except ValueError as error:
        raise SettingsError(f"{what} {text!r}: {error}") from error


def _name_of(number: int, names: list[str]) -> str:
    return names[number] if number < len(names) else ""


def one_of(found: str, names: Collection[str]) -> str:
    """Say which spellings there are, and which is nearest to what was found."""
    if not names:
        return "no numbers"
    near = nearest(found, names)
    hint = f" (the nearest is {near})" if near else ""
    return f"one of {', '.join(names)}{hint}"


def _number(text: str, where: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not isfinite(found):
        raise SettingsError(f"{where}: expected a number, got {text!r}")
    return found


def _is_needed(each: Field[Any]) -> bool:
    return each.default is MISSING


def _shown(names: list[str]) -> str:
    return ",".join(f"{name}=…" for name in names)


def require(is_right: bool, expected: str, found: object) -> None:
    """Refuse a number that cannot be.

    Raises:
        ValueError: it cannot; the text says what was expected.
    """
    if not is_right:
        raise ValueError(f"expected {expected}, got {found}")

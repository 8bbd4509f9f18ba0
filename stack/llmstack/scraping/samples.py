"""Reads the few series that are asked for from a page of metrics, and leaves the rest unread.

A page has a thousand lines, and it is looked at while the client times tokens: reading all of it
would hold up the client for longer than a token takes. Looking for each name is quicker than going
through all lines where few are wanted, and than the library's parser of those where many are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from llmstack.scraping.families import Labels

_LABELS = r'(?:\s*[a-zA-Z_]\w*\s*=\s*"(?:[^"\\]|\\.)*"\s*,?)*\s*'
#: What stands behind a name: labels, a value, and the time and the exemplar that nobody asks for.
_LINE = re.compile(rf"\s*(?:\{{({_LABELS})\}})?\s*(\S+)(?:\s+[-+.\de]+)?\s*(?:#.*)?")
_LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series."""

    name: str
    labels: Labels
    value: float


def samples_of(
    page: str, names: Collection[str], refuse: Callable[[str], None] | None = None
) -> list[Sample]:
    """Return the samples of series by their names, in the text format of Prometheus.

    Args:
        page: the text.
        names: of series.
        refuse: is called with each of their lines that is none; without it they are passed over.
    """
    found = []
    for name in names:
        for rest in _lines(page, name):
            value = _value(match[2]) if (match := _LINE.fullmatch(rest)) else None
            if match is not None and value is not None:
                found.append(Sample(name, _labels(match[1]), value))
            elif refuse is not None:
                refuse(f"{name}{rest}")
    return found


def _lines(page: str, name: str) -> Iterator[str]:
    """Yield what stands behind a name at the begin of a line."""
    begin = 0 if page.startswith(name) else page.find(f"\n{name}") + 1
    while begin or page.startswith(name):
        end = page.find("\n", begin)
        rest = page[begin + len(name) : end if end >= 0 else len(page)]
        # Else it is a part of a longer name.
        if not rest or rest[0] in "{ \t":
            yield rest
        begin = page.find(f"\n{name}", end) + 1 if end >= 0 else 0
        if not begin:
            return


def _value(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _labels(text: str | None) -> dict[str, str]:
    return {found[1]: _unescaped(found[2]) for found in _LABEL.finditer(text)} if text else {}


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text)

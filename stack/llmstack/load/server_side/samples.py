"""Reads the few series that are asked for from a page of metrics, and leaves the rest unread.

A page has a thousand lines, and it is looked at while the client times tokens: reading all of it
would hold up the client for longer than a token takes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

_LINE = re.compile(r"(?:\{(.*)\})?\s+(\S+)")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples_of(page: str, names: Collection[str]) -> list[Sample]:
    """Return the samples of series by their names, in the text format of Prometheus."""
    return [sample for name in names for sample in _samples(page, name)]


def _samples(page: str, name: str) -> Iterator[Sample]:
    begin = 0 if page.startswith(name) else page.find(f"\n{name}") + 1
    while begin or page.startswith(name):
        end = page.find("\n", begin)
        rest = page[begin + len(name) : end if end >= 0 else len(page)]
        found = _LINE.match(rest)
        if found is not None:
            # A line that is none has no value.
            with suppress(ValueError):
                yield Sample(name, _labels(found[1] or ""), float(found[2]))
        if end < 0:
            return
        begin = page.find(f"\n{name}", end) + 1
        if not begin:
            return


def _labels(text: str) -> dict[str, str]:
    return {found[1]: _unescaped(found[2]) for found in _LABEL.finditer(text)}


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text)

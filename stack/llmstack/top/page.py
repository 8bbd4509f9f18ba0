"""One page of metrics: those series of it that are asked for, or what it is instead of a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from llmstack.scraping.samples import Sample, samples_of

#: What a page has at least: a family, or a value with or without its time.
_VALUE = r"[-+]?(?:[\d.]|NaN|Inf)\S*(?:[ \t]+-?\d+)?[ \t\r]*$"
_SAMPLE = re.compile(rf"^(?:# TYPE |[a-zA-Z_:][\w:]*(?:\{{.*\}})?[ \t]+{_VALUE})", re.MULTILINE)


class PageError(Exception):
    """What a server has answered is no page of metrics; the text says what it is, in one line."""


@dataclass(frozen=True)
class Page:
    """Series by the name under which they are stored."""

    by_name: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)

    def samples(self, name: str) -> tuple[Sample, ...]:
        """Return the series of a name; none where the server shows none."""
        return self.by_name.get(name, ())


def read_page(text: str, names: frozenset[str]) -> Page:
    """Return the series of some names.

    Raises:
        PageError: it is no page of metrics, or a line of it is none.
    """
    found: dict[str, list[Sample]] = {}
    for sample in samples_of(text, names, _refuse):
        found.setdefault(sample.name, []).append(sample)
    if not found:
        _refuse_what_is_no_page(text)
    return Page({name: tuple(samples) for name, samples in found.items()})


def _refuse(line: str) -> NoReturn:
    raise PageError(f"a line is not of the format of metrics: {' '.join(line.split())[:120]}")


def _refuse_what_is_no_page(text: str) -> None:
    begin = text.lstrip()[:1]
    if begin in ("{", "["):
        raise PageError("answers JSON, and no metrics (trtllm-serve: /prometheus/metrics)")
    if begin == "<":
        raise PageError("answers a web page, and no metrics; is the path right?")
    if not begin:
        raise PageError("answers an empty page")
    if not _SAMPLE.search(text):
        raise PageError("answers text, and no metrics; is the path right?")

"""One page of metrics: those series of it that are asked for, or what it is instead of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from llmstack.top.forms import Labels


class PageError(Exception):
    """What a server has answered is no page of metrics; the text says what it is, in one line."""


@dataclass(frozen=True)
class Sample:
    """One series and its value."""

    labels: Labels
    value: float


@dataclass(frozen=True)
class Page:
    """Series by the name under which they are stored."""

    by_name: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)

    def samples(self, name: str) -> tuple[Sample, ...]:
        """Return the series of a name; none where the server shows none."""
        return self.by_name.get(name, ())


def read_page(text: str, names: frozenset[str]) -> Page:
    """Return the series of some names.

    Only their lines are parsed: a page has ten times as many, and this is done every two seconds.

    Raises:
        PageError: it is no page of metrics, or a line of it is none.
    """
    lines = [line for line in text.splitlines() if _name(line) in names]
    if not lines:
        _refuse_what_is_no_page(text)
    found: dict[str, list[Sample]] = {}
    try:
        for family in text_string_to_metric_families("\n".join((*lines, ""))):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(Sample(sample.labels, sample.value))
    except (ValueError, KeyError, IndexError) as error:
        raise PageError(f"a line is not of the format of metrics: {_one_line(error)}") from error
    return Page({name: tuple(samples) for name, samples in found.items()})


def _name(line: str) -> str:
    end = line.find("{")
    return line[:end] if end >= 0 else line.partition(" ")[0]


def _refuse_what_is_no_page(text: str) -> None:
    begin = text.lstrip()[:1]
    if begin in ("{", "["):
        raise PageError("answers JSON, and no metrics (trtllm-serve: /prometheus/metrics)")
    if begin == "<":
        raise PageError("answers a web page, and no metrics; is the path right?")
    if not begin:
        raise PageError("answers an empty page")
    if not any(_is_sample(line) for line in text.splitlines()):
        raise PageError("answers text, and no metrics; is the path right?")


def _is_sample(line: str) -> bool:
    if line.startswith("#"):
        return line.startswith("# TYPE ")
    try:
        float(line.rpartition(" ")[2])
    except ValueError:
        return False
    return _name(line).replace(":", "_").isidentifier()


def _one_line(error: object) -> str:
    return " ".join(f"{error}".split())[:120]

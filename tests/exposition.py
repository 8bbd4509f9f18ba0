"""Reads captured metrics pages, with each family under the name that Prometheus stores."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prometheus_client import parser
from prometheus_client.metrics_core import Metric as ParsedFamily
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.samples import Sample

EXPOSITIONS = Path(__file__).with_name("expositions")

# The model that this page was captured with registers families of its own: some have a name that
# nobody exposes, others the name of a real family with edges that are made up. They prove that such
# families reach Prometheus, and nothing about the servers whose names they bear.
MADE_UP = {
    "triton-2.51.0-custom-families.prom": frozenset(
        {
            "nv_llm_custom_total",
            "nv_trt_llm_request_metrics",
            "vllm:num_requests_running",
            "vllm:time_to_first_token_seconds",
            "vllm:ttft_bucket",
            "vllm:ttft_count",
            "vllm:ttft_sum",
        }
    )
}

_TYPE_LINE = re.compile(r"^# TYPE (\S+) (\w+)$", re.MULTILINE)
_FIRST_LINE = re.compile(r"# (\w+) (\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class Family:
    """What a page says of one family; `le` and `quantile` are no labels of it, but its parts."""

    name: str
    kind: str
    help: str
    #: Each set of label names that some series has; empty when the family has no series yet.
    label_sets: frozenset[frozenset[str]]
    #: Each pair of a label and its value.
    label_values: frozenset[tuple[str, str]]
    edges: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    #: Each under the name that its series is stored by.
    samples: tuple[Sample, ...] = ()

    @property
    def labels(self) -> frozenset[str]:
        """The labels that some series has."""
        return frozenset[str]().union(*self.label_sets)


@dataclass(frozen=True)
class Scrape:
    """What a captured page shows; its first line names the server and its version."""

    file: str
    server: str
    version: str
    families: dict[str, Family]


def read_exposition(text: str, content_type: str = "text/plain") -> dict[str, Family]:
    """Parse a page, OpenMetrics if the content type or the last line says so.

    The `_created` times that Python's client adds to its families are left out.
    """
    if "openmetrics" in content_type or text.rstrip().endswith("# EOF"):
        # This parser carries no types.
        found = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
        families = [
            _family(parsed, f"{parsed.name}_total" if parsed.type == "counter" else parsed.name)
            for parsed in found
        ]
    else:
        typed = dict(_TYPE_LINE.findall(text))
        families = [
            _family(parsed, _stored_name(parsed, typed))
            for parsed in parser.text_string_to_metric_families(text)
        ]
    by_name = {family.name: family for family in families}
    return {name: family for name, family in by_name.items() if not _is_created(name, by_name)}


@cache
def captured_scrapes() -> tuple[Scrape, ...]:
    """Return every page in `expositions/`, without what a test model made up."""
    return tuple(_captured(file) for file in sorted(EXPOSITIONS.glob("*.prom")))


def never_seen(names: Iterable[str], scrapes: Iterable[Scrape]) -> tuple[str, ...]:
    """Return the families that none of the pages shows, in the order given."""
    seen = {name for scrape in scrapes for name in scrape.families}
    return tuple(name for name in names if name not in seen)


def _captured(file: Path) -> Scrape:
    text = file.read_text()
    first_line = _FIRST_LINE.match(text)
    assert first_line, f"{file.name}: the first line must say `# <server> <version>`"
    made_up = MADE_UP.get(file.name, frozenset())
    families = {n: family for n, family in read_exposition(text).items() if n not in made_up}
    return Scrape(file.name, first_line[1], first_line[2], families)


def _stored_name(parsed: ParsedFamily, typed: dict[str, str]) -> str:
    # The parser takes `_total` from a counter's name, and Triton's counters never had it: only the
    # TYPE line still says which.
    if parsed.type == "counter" and parsed.name not in typed:
        return f"{parsed.name}_total"
    return parsed.name


def _is_created(name: str, families: dict[str, Family]) -> bool:
    of = name.removesuffix("_created")
    return of != name and (of in families or f"{of}_total" in families)


def _stored_samples(parsed: ParsedFamily, name: str) -> Iterator[Sample]:
    for sample in parsed.samples:
        if parsed.type != "counter":
            yield sample
        elif not sample.name.endswith("_created"):
            # A counter has one series, and the parser may have added `_total` to its name.
            yield sample._replace(name=name)


def _family(parsed: ParsedFamily, name: str) -> Family:
    part = {"histogram": "le", "summary": "quantile"}.get(parsed.type, "")
    own = [
        {label: value for label, value in sample.labels.items() if label != part}
        for sample in parsed.samples
    ]
    parts = {float(sample.labels[part]) for sample in parsed.samples if part in sample.labels}
    finite = tuple(sorted(value for value in parts if math.isfinite(value)))
    return Family(
        name,
        parsed.type,
        parsed.documentation,
        frozenset(frozenset(labels) for labels in own),
        frozenset(pair for labels in own for pair in labels.items()),
        edges=finite if part == "le" else (),
        quantiles=finite if part == "quantile" else (),
        samples=tuple(_stored_samples(parsed, name)),
    )

"""The catalogues agree with themselves, with captured scrapes and with the reference they came from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import prometheus_client
import pytest

from llmdash.metrics import (
    app,
    dcgm,
    dcgm_exporter,
    dcgm_fields,
    dcgm_opt_in,
    dcgm_plain_units,
    dcgm_renamed,
    fastapi,
    gateway,
    gpu_exporter,
    load,
    prometheus,
    python_process,
    sglang,
    triton,
    triton_trtllm,
    triton_vllm,
    trtllm,
    vllm,
    vllm_features,
    vllm_offload,
    vllm_transfer,
    vllm_v0,
)
from llmdash.metrics.metric import (
    Gauge,
    Histogram,
    Metric,
    Needs,
    Summary,
    Versions,
    one_two_five,
    version_key,
)
from llmdash.promql.units import RATIO
from tests.exposition import Family, Scrape, captured_scrapes, never_seen
from tests.requirements import require

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"

# Exporters that a target can be; each names a family once.
EXPORTERS = {
    "dcgm": dcgm.METRICS,
    "prometheus": prometheus.METRICS,
    "sglang": sglang.METRICS,
    "triton": triton.METRICS,
    "triton_trtllm": triton_trtllm.METRICS,
    "triton_vllm": triton_vllm.METRICS,
    "trtllm": trtllm.METRICS,
    "vllm": vllm.METRICS,
}
MODULES = (
    *(app, gateway),
    *(dcgm, dcgm_exporter, dcgm_fields, dcgm_opt_in, dcgm_plain_units, dcgm_renamed),
    *(fastapi, gpu_exporter, load, prometheus, python_process, sglang),
    *(triton, triton_trtllm, triton_vllm, trtllm),
    *(vllm, vllm_features, vllm_offload, vllm_transfer, vllm_v0),
)


@dataclass(frozen=True)
class Server:
    """The catalogue that a captured server is compared with, in its own versions."""

    metrics: tuple[Metric, ...]
    release_of: dict[str, str]

    def release(self, version: str) -> str:
        """Return the release that the catalogue's versions speak of."""
        minor = ".".join(version.split(".")[:2])
        return self.release_of.get(minor, version)


SERVERS = {
    # Programs of our own, which run as Python's client shows.
    "app": Server((*app.METRICS, *python_process.METRICS), {}),
    "gateway": Server((*gateway.METRICS, *python_process.METRICS), {}),
    "load": Server(load.METRICS, {}),
    "tritonserver": Server(
        triton.METRICS,
        {version: release for release, version in triton.SERVER_VERSIONS.items()},
    ),
    "vllm": Server(vllm.METRICS, {}),
}


SCRAPES = [pytest.param(scrape, id=scrape.file) for scrape in captured_scrapes()]


def families_with_facts(scrape: Scrape) -> list[tuple[Family, Metric]]:
    known = {metric.name: metric for metric in SERVERS[scrape.server].metrics}
    return [(family, known[name]) for name, family in scrape.families.items() if name in known]


def release_of(scrape: Scrape) -> str:
    return SERVERS[scrape.server].release(scrape.version)


# What the catalogues say of themselves


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_names_are_unique(exporter: str) -> None:
    """An exporter names a family once."""
    counted = Counter(metric.name for metric in EXPORTERS[exporter])

    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("module", MODULES, ids=[module.__name__ for module in MODULES])
def test_constants_are_named_after_their_family(module: ModuleType) -> None:
    """A constant is the family's name in capitals, without `vllm:` or `sglang:`; METRICS holds each of them."""
    constants = {name: value for name, value in vars(module).items() if isinstance(value, Metric)}

    assert {
        metric.name.rpartition(":")[2].upper(): metric for metric in constants.values()
    } == constants
    assert set(constants.values()) <= set(module.METRICS)


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_successors_are_in_the_same_catalogue(exporter: str) -> None:
    """A successor is a family of the same exporter, and does not end before its predecessor."""
    known = {metric.name: metric for metric in EXPORTERS[exporter]}
    succeeded = [metric for metric in known.values() if metric.successor]

    assert [m.name for m in succeeded if m.successor not in known] == []
    assert [m.name for m in succeeded if known[str(m.successor)].versions.last] == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_ratios_are_bounded(exporter: str) -> None:
    """A gauge that is a ratio has a lower bound of 0, and a name with `perc` means 0 to 1."""
    gauges = [metric for metric in EXPORTERS[exporter] if isinstance(metric, Gauge)]
    shares = [metric for metric in gauges if metric.name.endswith("_perc")]

    assert [m.name for m in gauges if m.unit == RATIO and m.bounds[0] != 0] == []
    assert [m.name for m in shares if (m.unit, m.bounds) != (RATIO, (0, 1))] == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_notes_are_short_sentences(exporter: str) -> None:
    """A note is one or a few sentences of at most 200 characters."""
    sentence = re.compile(r"\S(?: ?\S)*\.")
    notes = [metric.note for metric in EXPORTERS[exporter] if metric.note]

    assert [note for note in notes if len(note) > 200 or not sentence.fullmatch(note)] == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_needs_are_said_once(exporter: str) -> None:
    """What a family needs is said once: either it is not shown without, or it stays at zero."""
    needs = {metric.name: (*metric.needs, *metric.idle_without) for metric in EXPORTERS[exporter]}

    assert [name for name, said in needs.items() if len(set(said)) != len(said)] == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_labels_are_said_once(exporter: str) -> None:
    """Labels and their closed values are said once; buckets and quantiles are no labels."""
    wrong = []
    for metric in EXPORTERS[exporter]:
        names = [*metric.labels.names, "le", "quantile"]
        for said in (names, *(values for _, values in metric.labels.values)):
            if not said or len(set(said)) != len(said):
                wrong.append((metric.name, said))

    assert wrong == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_units_by_value_name_closed_values(exporter: str) -> None:
    """A unit that one value of a label chooses belongs to a value that the label can have."""
    wrong = []
    for metric in EXPORTERS[exporter]:
        if metric.units:
            (label,) = metric.keep
            if {value for value, _ in metric.units} != set(metric.labels.allowed(label) or ()):
                wrong.append(metric.name)

    assert wrong == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_older_facts_are_older(exporter: str) -> None:
    """Edges and units of older releases held in releases that had the family, newest first."""
    wrong = []
    for metric in EXPORTERS[exporter]:
        older_edges = metric.older_edges if isinstance(metric, Histogram) else ()
        for older in (metric.older_units, older_edges):
            ends = [end for end, _ in older]
            descending = sorted(ends, key=version_key, reverse=True)
            if ends != descending or not all(metric.versions.includes(end) for end in ends):
                wrong.append((metric.name, ends))

    assert wrong == []


# What real servers say


@pytest.mark.parametrize("scrape", SCRAPES)
def test_every_family_is_known(scrape: Scrape) -> None:
    """A family that a server shows is in its catalogue."""
    known = {metric.name for metric in SERVERS[scrape.server].metrics}

    assert sorted(set(scrape.families) - known) == []


@pytest.mark.parametrize("scrape", SCRAPES)
def test_every_family_is_expected_in_its_version(scrape: Scrape) -> None:
    """A family that a server shows lies within the versions of its entry."""
    release = release_of(scrape)

    assert [
        f"{metric.name}: {metric.versions}"
        for _, metric in families_with_facts(scrape)
        if not metric.versions.includes(release)
    ] == []


@pytest.mark.parametrize("scrape", SCRAPES)
def test_no_family_is_missing(scrape: Scrape) -> None:
    """A server shows every family of its version that needs nothing special."""
    release = release_of(scrape)
    expected = [
        metric.name
        for metric in SERVERS[scrape.server].metrics
        if metric.versions.includes(release) and not metric.needs
    ]

    assert never_seen(expected, [scrape]) == ()


@pytest.mark.parametrize("scrape", SCRAPES)
def test_types_are_equal(scrape: Scrape) -> None:
    """The TYPE line says what the catalogue says."""
    facts = families_with_facts(scrape)

    assert {metric.name: metric.kind for _, metric in facts} == {
        family.name: family.kind for family, _ in facts
    }


@pytest.mark.parametrize("scrape", SCRAPES)
def test_labels_are_equal(scrape: Scrape) -> None:
    """Series carry the catalogue's labels, all but the optional ones, and no others unless open."""
    wrong = []
    for family, metric in families_with_facts(scrape):
        names = frozenset(metric.labels.names)
        for found in family.label_sets:
            missing = names - metric.optional_labels - found
            unknown = frozenset() if metric.labels.is_open else found - names
            if missing or unknown:
                wrong.append((metric.name, sorted(missing), sorted(unknown)))

    assert wrong == []


@pytest.mark.parametrize("scrape", SCRAPES)
def test_label_values_are_in_their_closed_set(scrape: Scrape) -> None:
    """A label with a closed set of values holds no other value."""
    wrong = []
    for family, metric in families_with_facts(scrape):
        for label, value in sorted(family.label_values):
            allowed = metric.labels.allowed(label)
            if allowed is not None and value not in allowed:
                wrong.append(f"{metric.name}{{{label}={value!r}}}")

    assert wrong == []


@pytest.mark.parametrize("scrape", SCRAPES)
def test_edges_are_equal(scrape: Scrape) -> None:
    """Buckets end where the catalogue says for that version; token counts stop at the model's length."""
    release = release_of(scrape)
    histograms = [
        (family, metric)
        for family, metric in families_with_facts(scrape)
        if isinstance(metric, Histogram) and family.label_sets
    ]

    assert {metric.name: edges_of(metric, family, release) for family, metric in histograms} == {
        family.name: family.edges for family, _ in histograms
    }


def edges_of(metric: Histogram, family: Family, release: str) -> tuple[float, ...]:
    if metric.edges_vary_by:
        longest = max(family.edges, default=0.0)
        return one_two_five(longest) if longest else metric.edges
    return metric.edges_within(Versions(release, release)).values


@pytest.mark.parametrize("scrape", SCRAPES)
def test_quantiles_are_equal(scrape: Scrape) -> None:
    """A summary shows the quantiles that the catalogue names."""
    summaries = [
        (family, metric)
        for family, metric in families_with_facts(scrape)
        if isinstance(metric, Summary) and family.label_sets
    ]

    assert {metric.name: metric.quantiles for _, metric in summaries} == {
        family.name: family.quantiles for family, _ in summaries
    }


def test_the_scrapes_are_of_known_servers() -> None:
    """Each captured page is compared with a catalogue, and every server is there."""
    assert set(SERVERS) == {scrape.server for scrape in captured_scrapes()}


def test_what_no_scrape_shows_needs_something_or_is_of_another_version() -> None:
    """A family of vLLM that was never captured has needs, or no captured version has it."""
    scrapes = [scrape for scrape in captured_scrapes() if scrape.server == "vllm"]
    by_name = {metric.name: metric for metric in vllm.METRICS}
    unseen = [by_name[name] for name in never_seen(by_name, scrapes)]

    assert [
        metric.name
        for metric in unseen
        if not metric.needs and any(metric.versions.includes(scrape.version) for scrape in scrapes)
    ] == []


# What the reference says

LONGEST = 131_072
RULES = {
    "rule: 1-2-5 series x 10^k, capped": one_two_five(LONGEST),
    "rule: 1-2-5 x 10^k up to max_model_len": one_two_five(LONGEST),
    "rule: 1-2-3-5-8 series x 10^k up to 3000": tuple(
        float(step * 10**power)
        for power in range(4)
        for step in (1, 2, 3, 5, 8)
        if step * 10**power <= 3000
    ),
    "prometheus_client default buckets": prometheus_client.Histogram.DEFAULT_BUCKETS[:-1],
}


@cache
def reference_rows() -> tuple[tuple[dict[str, Any], tuple[Metric, ...]], ...]:
    """Each row of the reference with the metrics that have its name, or a skipped test."""
    if not REFERENCE.is_dir():
        require("schemas", f"no reference in {REFERENCE}")
    rows = []
    for file, catalogues in (
        ("vllm-metrics.json", ("vllm",)),
        ("triton-metrics.json", ("triton", "triton_trtllm", "triton_vllm", "trtllm")),
        ("dcgm-metrics.json", ("dcgm",)),
    ):
        metrics = [metric for name in catalogues for metric in EXPORTERS[name]]
        for row in json.loads((REFERENCE / file).read_text()):
            # A field that becomes a label, and what is said of labels, are no families.
            if row["type"] not in ("label", "label-doc"):
                rows.append((row, tuple(m for m in metrics if m.name == row["name"])))
    return (*rows, *sglang_rows())


def sglang_rows() -> Iterable[tuple[dict[str, Any], tuple[Metric, ...]]]:
    """The rows of the families of SGLang that are in its catalogue, which leaves features out."""
    by_name = {metric.name: metric for metric in sglang.METRICS}
    for row in json.loads((REFERENCE / "other-metrics.json").read_text()):
        if row["system"] == "sglang" and row["name"] in by_name:
            # Three releases were read: a range is known by those that have the family.
            first = re.sub(r"in \(.*, (.*)]", r"\1", row["first_version"])
            last = re.sub(r"in \[(.*), .*\)", r"\1", row["last_version"] or "")
            said = {
                "labels": [label.removesuffix("?") for label in row["labels"]],
                "first_version": first,
                "last_version": last or None,
            }
            yield row | said, (by_name[row["name"]],)


# What the reference knows of the DCGM exporter ends with 4.5.3; fields of DCGM that no file of
# counters names are not in it either.
AFTER_THE_REFERENCE = {
    *dcgm_renamed.METRICS,
    *dcgm_plain_units.METRICS,
    *dcgm_fields.METRICS,
    dcgm_exporter.DCGM_EXP_CLOCK_EVENTS_TOTAL,
    dcgm_exporter.DCGM_EXP_XID_ERRORS_TOTAL,
}


def reference_facts() -> Iterable[tuple[dict[str, Any], Metric]]:
    return ((row, metrics[0]) for row, metrics in reference_rows() if metrics)


def test_every_row_has_one_entry() -> None:
    """Each family of the reference stands in one catalogue, and none is without a reference."""
    rows = reference_rows()
    entries = [
        metric
        for name, metrics in EXPORTERS.items()
        for metric in metrics
        if name != "prometheus" and metric not in AFTER_THE_REFERENCE
    ]

    assert [row["name"] for row, metrics in rows if len(metrics) != 1] == []
    assert len(rows) == len(entries)


def test_types_are_those_of_the_reference() -> None:
    """Types are equal to the reference's."""
    facts = list(reference_facts())

    assert {row["name"]: row["type"] for row, _ in facts} == {
        row["name"]: metric.kind for row, metric in facts
    }


def test_edges_are_those_of_the_reference() -> None:
    """Edges are equal to the reference's, or follow the rule that it states."""
    wrong = []
    for row, metric in reference_facts():
        if isinstance(metric, Histogram):
            edges = row["buckets"]
            if isinstance(edges, str):
                edges = next(found for rule, found in RULES.items() if edges.startswith(rule))
            if tuple(edges) != metric.edges:
                wrong.append((metric.name, edges))

    assert wrong == []


def test_labels_are_those_of_the_reference() -> None:
    """Labels are equal to the reference's, but for those that are optional."""
    wrong = []
    for row, metric in reference_facts():
        stated = set(row["labels"]) - {"quantile", "..."}
        names = set(metric.labels.names)
        if not names - metric.optional_labels <= stated <= names:
            wrong.append((metric.name, stated))

    assert wrong == []


def test_versions_are_those_of_the_reference() -> None:
    """Versions that the reference is sure of are equal; ends that it leaves open are open."""
    wrong = []
    for row, metric in reference_facts():
        # `24.07 (2.48)` is a release and the server's own version, `0.19.x` all of 0.19, and
        # `3.3.5-3.4.0` the version of DCGM and that of its exporter.
        last = row["last_version"] and re.split(r"\.x| |-", row["last_version"])[0]
        sure = re.fullmatch(
            r"(\d+\.\d+(?:\.\d+)?)(?:\.x| \(\d[\d.]*\)|-\d[\d.]*)?", row["first_version"]
        )
        first = sure[1] if sure else metric.versions.first
        if row["first_version"].startswith("<="):
            first = None
        if Versions(first, last) != metric.versions:
            wrong.append((metric.name, row["first_version"], row["last_version"]))

    assert wrong == []


def test_successors_are_those_of_the_reference() -> None:
    """What took a family's place is equal to the reference's, unless it came after it."""
    facts = list(reference_facts())
    newer = {metric.name for metric in AFTER_THE_REFERENCE}

    assert {row["name"]: row["replaced_by"] for row, _ in facts} == {
        row["name"]: None if metric.successor in newer else metric.successor
        for row, metric in facts
    }


def test_the_default_set_is_what_needs_no_file() -> None:
    """A family of the DCGM exporter is in its default set unless it needs a file of counters."""
    facts = [(row, metric) for row, metric in reference_facts() if metric in dcgm.METRICS]

    assert facts
    assert {row["name"]: row["enabled_by_default"] for row, _ in facts} == {
        metric.name: Needs.OWN_COUNTERS not in metric.needs for _, metric in facts
    }

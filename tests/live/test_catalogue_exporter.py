"""The exporter that plays catalogues: all families, labels and edges, and values that make sense."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from llmdash.metrics import triton, triton_trtllm, vllm
from llmdash.metrics.metric import Counter, Gauge, Histogram, Metric, Summary
from llmdash.promql.units import REQUESTS
from tests.exposition import Family, read_exposition
from tests.live.catalogue_exporter import catalogue_exporter, exposition
from tests.live.exposition import fetch_exposition
from tests.live.made_series import STARTED, Style, label_sets, plain_edge
from tests.live.process import answers, wait_until
from tests.metrics.test_catalogue import EXPORTERS

NOW = STARTED + 3607.0
LATER = NOW + 23.0
CATALOGUES = [
    pytest.param(metrics, id=name) for name, metrics in EXPORTERS.items() if name != "prometheus"
]


def page(metrics: Sequence[Metric], now: float = NOW) -> dict[str, Family]:
    return read_exposition(exposition(metrics, Style(), now))


def series(family: Family) -> dict[tuple[object, ...], float]:
    return {(s.name, *sorted(s.labels.items())): s.value for s in family.samples}


@pytest.mark.parametrize("metrics", CATALOGUES)
def test_a_page_holds_the_whole_catalogue(metrics: Sequence[Metric]) -> None:
    """Each family is there with its type, all closed values, its edges and its quantiles."""
    found = page(metrics)

    assert {metric.name: metric.kind for metric in metrics} == {
        name: family.kind for name, family in found.items()
    }
    for metric in metrics:
        family = found[metric.name]
        closed = {
            (label, each)
            for label, values in metric.labels.values
            for each in values
            if label not in metric.optional_labels
        }
        assert set(metric.labels.names) - metric.optional_labels == family.labels
        assert closed <= family.label_values
        assert (metric.edges if isinstance(metric, Histogram) else ()) == family.edges
        assert (metric.quantiles if isinstance(metric, Summary) else ()) == family.quantiles


@pytest.mark.parametrize("metrics", CATALOGUES)
def test_no_series_is_there_twice(metrics: Sequence[Metric]) -> None:
    """Prometheus would refuse the page."""
    for name, family in page(metrics).items():
        assert len(family.samples) == len(series(family)), name


@pytest.mark.parametrize("metrics", CATALOGUES)
def test_what_counts_rises(metrics: Sequence[Metric]) -> None:
    """Each counter, and each count and sum of a histogram and a summary, is higher after a while."""
    before, after = page(metrics), page(metrics, LATER)
    still = []
    for metric in metrics:
        if isinstance(metric, Gauge):
            continue
        old, new = series(before[metric.name]), series(after[metric.name])
        for key, value in old.items():
            name = str(key[0])
            part = name.removeprefix(metric.name)
            if part == "_bucket" or (isinstance(metric, Summary) and not part):
                continue
            if not new[key] > value > 0:
                still.append(key)

    assert [] == still


@pytest.mark.parametrize("metrics", CATALOGUES)
def test_buckets_hold_together(metrics: Sequence[Metric]) -> None:
    """Buckets never fall, in time and over edges; several are filled; the last is the count."""
    before, after = page(metrics), page(metrics, LATER)
    for metric in metrics:
        if not isinstance(metric, Histogram):
            continue
        own = [f"{metric.name}_bucket", f"{metric.name}_count", f"{metric.name}_sum"]
        one = next(label_sets(metric, Style()))
        of_one = {
            (s.name, s.labels.get("le", "")): s.value
            for s in after[metric.name].samples
            if one.items() <= s.labels.items()
        }
        counts = [value for (name, _), value in of_one.items() if name == own[0]]

        assert sorted(counts) == counts
        assert len(set(counts)) > 1 or len(metric.edges) < 2
        assert of_one[own[1], ""] == counts[-1]
        assert 0 < of_one[own[2], ""] <= metric.edges[-1] * counts[-1]
        for key, value in series(before[metric.name]).items():
            assert value <= series(after[metric.name])[key]


@pytest.mark.parametrize("metrics", CATALOGUES)
def test_gauges_keep_their_bounds(metrics: Sequence[Metric]) -> None:
    """A ratio stays between 0 and 1, an info series is 1, and nothing is infinite."""
    for now in (NOW, LATER, LATER + 60):
        found = page(metrics, now)
        for metric in metrics:
            if isinstance(metric, Gauge):
                lowest, highest = metric.bounds
                for sample in found[metric.name].samples:
                    assert math.isfinite(sample.value)
                    assert lowest is None or lowest <= sample.value, sample
                    assert highest is None or sample.value <= highest, sample


def test_parts_fit_their_whole() -> None:
    """Used and free blocks add up to those that there are, and some are used."""
    blocks = triton_trtllm.NV_TRT_LLM_KV_CACHE_BLOCK_METRICS
    (family,) = page([blocks]).values()
    of = {s.labels["kv_cache_block_type"]: s.value for s in family.samples}

    assert of["max"] == of["used"] + of["free"]
    assert 0 < of["used"] < of["max"]
    assert 0 < of["fraction"] < 1


def test_most_gauges_move() -> None:
    """A gauge that is neither information, nor a state, nor a limit is another one after a while."""
    moving = [vllm.NUM_REQUESTS_RUNNING, vllm.KV_CACHE_USAGE_PERC, triton.NV_GPU_POWER_USAGE]
    still = [vllm.CACHE_CONFIG_INFO, triton.NV_GPU_POWER_LIMIT, triton.NV_GPU_MEMORY_TOTAL_BYTES]
    before, after = page([*moving, *still]), page([*moving, *still], LATER)

    for metric in moving:
        assert series(before[metric.name]) != series(after[metric.name])
    for metric in still:
        assert series(before[metric.name]) == series(after[metric.name])


ENDED = Counter(
    name="ended_total",
    unit=REQUESTS,
    labels=triton.NV_INFERENCE_COUNT.labels,
    optional_labels=frozenset({"gpu_uuid", "namespace"}),
)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (Style(), [{"model": "tiny", "version": "1"}]),
        (
            Style(carried=frozenset({"namespace"}), values={"namespace": ("a", "b")}),
            [
                {"model": "tiny", "version": "1", "namespace": "a"},
                {"model": "tiny", "version": "1", "namespace": "b"},
            ],
        ),
        (
            Style(carried=frozenset({"gpu_uuid"}), sometimes=frozenset({"namespace"})),
            [
                {"model": "tiny", "version": "1", "gpu_uuid": "GPU-0", "namespace": "namespace"},
                {"model": "tiny", "version": "1", "gpu_uuid": "GPU-1"},
            ],
        ),
    ],
)
def test_optional_labels_are_a_choice(style: Style, expected: list[dict[str, str]]) -> None:
    """An optional label is on no series, on all of them, or on every other one."""
    assert expected == list(label_sets(ENDED, style))


@pytest.mark.parametrize(
    ("style", "spelled"), [(Style(), {"1.0", "2.5"}), (Style(edge=plain_edge), {"1", "2.5"})]
)
def test_edges_are_spelled_as_the_exporter_does(style: Style, spelled: set[str]) -> None:
    """Python's client writes `1.0` where Triton writes `1`."""
    lines = exposition([vllm.TIME_TO_FIRST_TOKEN_SECONDS], style, NOW).splitlines()

    assert spelled <= {line.split('le="')[1].split('"')[0] for line in lines if "_bucket" in line}


def test_a_page_is_served_at_its_path_only() -> None:
    """Prometheus finds the page where the source says, and other values at each look."""
    metrics = [vllm.GENERATION_TOKENS_TOTAL]
    with catalogue_exporter(metrics, "/prometheus/metrics") as exporter:
        first = fetch_exposition(exporter.metrics_url).total("vllm:generation_tokens_total")

        def rose() -> bool:
            now = fetch_exposition(exporter.metrics_url).total("vllm:generation_tokens_total")
            return now > first

        assert f"http://{exporter.target}/prometheus/metrics" == exporter.metrics_url
        assert not answers(f"http://{exporter.target}/metrics")
        wait_until(rose, within=10, what="the counter rises between two looks")
    assert not answers(exporter.metrics_url)

"""Kinds of metric: their selectors, their versions, and what changes over releases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmdash.errors import CatalogueError, PromqlError
from llmdash.metrics.metric import (
    Counter,
    Gauge,
    Histogram,
    Metric,
    Summary,
    Versions,
    all_metrics,
    labels,
    one_two_five,
    version_key,
)
from llmdash.promql.expressions import rate
from llmdash.promql.facts import Usage
from llmdash.promql.nodes import Matcher, Selector
from llmdash.promql.printer import to_text
from llmdash.promql.units import (
    BYTES,
    MILLISECONDS,
    OBSERVATIONS,
    PERCENT,
    RATIO,
    REQUESTS,
    SECONDS,
    TOKENS,
    Unit,
    base,
)

MODEL = labels("model")
TOKENS_MADE = Counter(name="tokens_total", unit=TOKENS, labels=MODEL)
RUNNING = Gauge(name="running", unit=REQUESTS, labels=MODEL)
LATENCY = Histogram(
    name="latency_seconds",
    unit=SECONDS,
    labels=MODEL,
    edges=(3.0, 7.0, 11.0, 13.0),
    older_edges=(("0.8.3", (3.0, 7.0, 11.0)), ("0.6.3", (2.0, 7.0))),
    counts=REQUESTS,
)
QUEUE = Summary(name="queue_us", unit=SECONDS, labels=MODEL, quantiles=(0.5, 0.9))
SIZE = Summary(name="size_bytes", unit=BYTES)
BLOCKS = Gauge(
    name="blocks",
    unit=base("mixed"),
    labels=labels("model", type=("used", "fraction", "unstated")),
    keep=frozenset({"type"}),
    units=(("used", base("blocks")), ("fraction", RATIO)),
)


@pytest.mark.parametrize(
    ("selector", "text", "unit", "usage"),
    [
        (TOKENS_MADE.select(model="m"), 'tokens_total{model="m"}', TOKENS, Usage.COUNTER),
        (RUNNING.select(), "running", REQUESTS, Usage.VALUE),
        (LATENCY.bucket(), "latency_seconds_bucket", REQUESTS, Usage.COUNTER),
        (LATENCY.sum(Matcher("model", "=", "m")), 'latency_seconds_sum{model="m"}', SECONDS, Usage.COUNTER),
        (LATENCY.count(), "latency_seconds_count", REQUESTS, Usage.COUNTER),
        (QUEUE.value(quantile="0.5"), 'queue_us{quantile="0.5"}', SECONDS, Usage.QUANTILE),
        (QUEUE.sum(), "queue_us_sum", SECONDS, Usage.COUNTER),
        (SIZE.count(), "size_bytes_count", OBSERVATIONS, Usage.COUNTER),
    ],
    ids=str,
)  # fmt: skip
def test_each_kind_selects_its_series(
    selector: Selector, text: str, unit: Unit, usage: Usage
) -> None:
    """A selector has the name under which the part is stored, and knows its unit and usage."""
    assert (text, unit, usage) == (to_text(selector), selector.unit, selector.facts.usage)


@pytest.mark.parametrize(
    ("metric", "kind", "expected"),
    [
        (TOKENS_MADE, "counter", ("tokens_total",)),
        (RUNNING, "gauge", ("running",)),
        (LATENCY, "histogram", ("latency_seconds_bucket", "latency_seconds_sum", "latency_seconds_count")),
        (QUEUE, "summary", ("queue_us", "queue_us_sum", "queue_us_count")),
        (SIZE, "summary", ("size_bytes_sum", "size_bytes_count")),
    ],
    ids=["counter", "gauge", "histogram", "summary", "summary without quantiles"],
)  # fmt: skip
def test_each_kind_names_its_series(metric: Metric, kind: str, expected: tuple[str, ...]) -> None:
    """A family is stored under one name a part."""
    assert (kind, expected) == (metric.kind, metric.series_names())


def test_a_gauge_may_be_typed_a_counter() -> None:
    """The TYPE line may call a gauge a counter: its kind is what the line says, its use is not."""
    bandwidth = Gauge(name="bandwidth_total", unit=BYTES.per_second, typed="counter")

    assert ("counter", Usage.VALUE) == (bandwidth.kind, bandwidth.select().facts.usage)
    with pytest.raises(PromqlError, match="bandwidth_total"):
        rate(bandwidth.select(), "5m")


def test_a_label_that_is_none_is_refused() -> None:
    """A selector takes the labels of its family, and the closed values of a label, only."""
    with pytest.raises(PromqlError, match="modle"):
        RUNNING.select(modle="m")
    with pytest.raises(PromqlError, match="fraction"):
        BLOCKS.select(type="fractions")


def test_a_ratio_is_bounded() -> None:
    """A ratio lies between 0 and 1, a percentage up to 100, any other is not negative."""
    share = Gauge(name="share", unit=RATIO)
    percentage = Gauge(name="percentage", unit=PERCENT)
    overhead = Gauge(name="overhead", unit=RATIO, bounds=(0, 3))

    assert [(0, 1), (0, 100), (0, 3), (0, None)] == [
        gauge.bounds for gauge in (share, percentage, overhead, RUNNING)
    ]


@pytest.mark.parametrize(
    ("selector", "unit", "bounds"),
    [
        (BLOCKS.select(), base("mixed"), (0, None)),
        (BLOCKS.select(type="used"), base("blocks"), (0, None)),
        (BLOCKS.select(Matcher("type", "=", "used")), base("blocks"), (0, None)),
        (BLOCKS.select(type="fraction"), RATIO, (0, 1)),
        (BLOCKS.select(type="unstated"), base("mixed"), (0, None)),
        (BLOCKS.select(model="used"), base("mixed"), (0, None)),
    ],
    ids=str,
)
def test_a_value_of_a_label_may_choose_the_unit(
    selector: Selector, unit: Unit, bounds: tuple[float | None, float | None]
) -> None:
    """Where one family holds many units, an equality on the label in `keep` chooses."""
    assert (unit, bounds) == (selector.unit, selector.facts.bounds)


def test_a_counter_of_many_units() -> None:
    """The label in `keep` chooses the unit of a counter too."""
    transfers = Counter(
        name="transfers",
        unit=base("mixed"),
        labels=labels(type=("ms", "count")),
        keep=frozenset({"type"}),
        units=(("ms", MILLISECONDS), ("count", REQUESTS)),
    )

    assert [transfers.select(type=value).unit for value in ("ms", "count")] == [
        MILLISECONDS,
        REQUESTS,
    ]


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.8.4", (0, 8, 4)), ("0.10.2", (0, 10, 2)), ("24.07", (24, 7)), ("1", (1,))],
)
def test_versions_compare_as_numbers(version: str, expected: tuple[int, ...]) -> None:
    """A version is its numbers, so 0.8.4 is before 0.10.2."""
    assert expected == version_key(version)


@pytest.mark.parametrize("version", ["", "0.8.x", "v0.8", "1.0rc1"])
def test_a_version_is_numbers(version: str) -> None:
    """Anything but numbers and dots is refused."""
    with pytest.raises(CatalogueError, match=r"such as 0\.8\.4"):
        version_key(version)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Versions(), Versions(), True),
        (Versions("0.9"), Versions(last="0.8.4"), False),
        (Versions("0.9"), Versions(last="0.9"), True),
        (Versions("0.9.2"), Versions(last="0.9"), True),  # 0.9 as an end is all of 0.9
        (Versions("0.10.2"), Versions("0.8.4", "0.9.2"), False),
        (Versions("0.8.4", "0.11"), Versions("0.9.2"), True),
    ],
)
def test_ranges_overlap(one: Versions, other: Versions, expected: bool) -> None:
    """Two ranges overlap when some release is in both, in either order."""
    assert [expected, expected] == [one.overlap(other), other.overlap(one)]


@pytest.mark.parametrize(
    ("versions", "version", "expected"),
    [
        (Versions("0.8.4", "0.11.2"), "0.8.3", False),
        (Versions("0.8.4", "0.11.2"), "0.8.4", True),
        (Versions("0.8.4", "0.11.2"), "0.11.2", True),
        (Versions("0.8.4", "0.11.2"), "0.11.3", False),
        (Versions("0.15"), "0.15.1", True),
        (Versions(last="0.14"), "0.14.1", True),
    ],
)
def test_a_range_includes_its_ends(versions: Versions, version: str, expected: bool) -> None:
    """A range holds both of its ends, and a short end holds its patch releases."""
    assert expected == versions.includes(version)


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (Versions(), "every release"),
        (Versions("0.8.4"), "0.8.4 and later"),
        (Versions(last="0.9"), "up to 0.9"),
        (Versions("0.8.4", "0.9"), "0.8.4 to 0.9"),
    ],
)
def test_a_range_is_said_in_words(versions: Versions, expected: str) -> None:
    """A range says which ends it has."""
    assert expected == str(versions)


@pytest.mark.parametrize(
    ("versions", "edges", "differ"),
    [
        (Versions("0.8.4"), (3.0, 7.0, 11.0, 13.0), False),
        (Versions("0.8.3"), (3.0, 7.0, 11.0), True),
        (Versions("0.8.3", "0.8.3"), (3.0, 7.0, 11.0), False),
        (Versions("0.7", "0.8.3"), (3.0, 7.0, 11.0), False),
        (Versions("0.7", "0.8"), (3.0, 7.0, 11.0), True),  # 0.8 as an end is all of 0.8
        (Versions("0.6.4", "0.8.4"), (3.0, 7.0, 11.0), True),
        (Versions("0.6.3", "0.8.2"), (7.0,), True),
        (Versions("0.6", "0.6.3"), (2.0, 7.0), False),
        (Versions(last="0.6.2"), (2.0, 7.0), False),
        (Versions(), (7.0,), True),
    ],
    ids=str,
)
def test_edges_within_a_range(versions: Versions, edges: tuple[float, ...], differ: bool) -> None:
    """The edges of a range are those that each of its releases has."""
    assert edges == LATENCY.edges_within(versions).values
    assert differ == LATENCY.edges_differ_within(versions)


def test_edges_that_configuration_set_are_none() -> None:
    """Where releases of a range took their edges from configuration, no edge can be relied on."""
    steps = Histogram(name="steps", unit=TOKENS, edges=(5.0, 7.0), older_edges=(("0.8.4", ()),))

    assert steps.edges_within(Versions("0.8.4")).values == ()
    assert steps.edges_within(Versions("0.8.5")).values == (5.0, 7.0)


def test_an_operator_may_replace_edges() -> None:
    """Edges that an operator has set hold in every release and on every series."""
    replaced = LATENCY.with_edges((4.0, 9.0))

    assert replaced.edges_within(Versions()).values == (4.0, 9.0)
    assert not replaced.edges_differ_within(Versions())


def test_a_unit_that_changed_holds_from_its_release_on() -> None:
    """A unit holds in a range that starts after the last release with another one."""
    hits = Counter(name="hits_total", unit=TOKENS, older_units=(("0.8.5", base("blocks")),))
    ranges = (Versions("0.9"), Versions("0.8.5"), Versions(), Versions("0.8.6", "0.11"))

    assert [hits.unit_holds(versions) for versions in ranges] == [True, False, False, True]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [(Gauge(name="vllm:running", unit=REQUESTS), "ray_vllm_running"), (RUNNING, "running")],
    ids=["with the prefix", "without"],
)
def test_a_family_is_renamed_by_its_prefix(metric: Metric, expected: str) -> None:
    """Only a name that starts with the prefix changes."""
    assert expected == metric.renamed("vllm:", "ray_vllm_").name


@pytest.mark.parametrize("edges", [(), (2.0, 1.0), (1.0, 1.0)], ids=str)
def test_edges_ascend(edges: tuple[float, ...]) -> None:
    """A histogram without edges, or with edges out of order, is refused."""
    with pytest.raises(CatalogueError, match=r"x_seconds: .*bucket edge"):
        Histogram(name="x_seconds", unit=SECONDS, edges=edges)


def test_labels_that_a_family_lacks_cannot_be_kept() -> None:
    """`keep` and `optional_labels` name labels of the family."""
    with pytest.raises(CatalogueError, match="x: mode is none of its labels"):
        Gauge(name="x", unit=REQUESTS, labels=MODEL, keep=frozenset({"mode"}))
    with pytest.raises(CatalogueError, match="x: uuid is none of its labels"):
        Counter(name="x", unit=REQUESTS, labels=MODEL, optional_labels=frozenset({"uuid"}))


def test_units_by_value_need_the_label_that_chooses() -> None:
    """Units by value are refused without exactly one label in `keep`."""
    with pytest.raises(CatalogueError, match="x: units by value"):
        Gauge(name="x", unit=REQUESTS, labels=MODEL, units=(("a", TOKENS),))


@given(st.floats(min_value=1, max_value=1e9))
def test_one_two_five_ends_at_its_limit(limit: float) -> None:
    """The rule gives ascending edges up to its limit, and the next one would be above it."""
    edges = one_two_five(limit)

    assert edges == tuple(sorted(set(edges)))
    assert edges[-1] <= limit
    assert one_two_five(limit * 2.6)[: len(edges) + 1] != edges


def test_one_two_five_is_written_out() -> None:
    """The rule is 1, 2, 5 and their tenfolds."""
    assert one_two_five(250) == (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)


def test_the_metrics_of_a_module_keep_their_order() -> None:
    """A catalogue lists its metrics as they are written, and nothing else."""
    names: dict[str, object] = {"B": RUNNING, "UNIT": REQUESTS, "A": LATENCY}

    assert all_metrics(names) == (RUNNING, LATENCY)

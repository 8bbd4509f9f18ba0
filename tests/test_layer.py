"""What content reads: selectors that know what is recorded, and refuse what is not."""

from __future__ import annotations

import pytest

from llmdash.errors import PromqlError, SourceError
from llmdash.intervals import Intervals
from llmdash.layer import Layer, by_variables, of_role
from llmdash.levels import Level
from llmdash.placement import Placement
from llmdash.promql.expressions import at_edges, greatest, quantile, total
from llmdash.promql.facts import Bounds
from llmdash.promql.nodes import Expr, Selector
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.units import (
    COUNT,
    OBSERVATIONS,
    RATIO,
    REQUESTS,
    SECONDS,
    TIMESTAMP,
    TOKENS,
    Unit,
)
from llmdash.promql.windows import Duration
from llmdash.recordings import recordings_of
from llmdash.sources import dcgm, triton, vllm
from llmdash.sources.source import Role, Source

INTERVALS = Intervals(rate_window=Duration.parse("11m"), recordings=Duration.parse("37s"))
ENGINES = Layer((vllm(), triton()), INTERVALS)
VLLM = Layer((vllm(),), INTERVALS)
TRITON = Layer((triton(),), INTERVALS)


@pytest.mark.parametrize(
    ("selector", "text", "unit", "bounds"),
    [
        (ENGINES.counter("requests"), "llm:requests:rate11m", REQUESTS.per_second, (0, None)),
        (ENGINES.sums("queue_time"), "llm:queue_time_seconds_sum:rate11m", SECONDS.per_second, (0, None)),
        (ENGINES.counts("queue_time"), "llm:queue_time_seconds_count:rate11m", OBSERVATIONS.per_second, (0, None)),
        (ENGINES.buckets("queue_time"), "llm:queue_time_seconds_bucket:rate11m", OBSERVATIONS.per_second, (0, None)),
        (ENGINES.gauge("kv_cache_use"), "llm:kv_cache_use_ratio:avg", RATIO, (0, 1)),
        (ENGINES.gauge("kv_cache_use", "max"), "llm:kv_cache_use_ratio:max", RATIO, (0, 1)),
        (ENGINES.gauge("kv_cache_use", level=Level.INSTANCE), "llm_instance:kv_cache_use_ratio:max", RATIO, (0, 1)),
        (ENGINES.gauge("requests_waiting"), "llm:requests_waiting:sum", REQUESTS, (0, None)),
        (ENGINES.gauge("up"), "llm:up:sum", COUNT, (0, None)),
        (ENGINES.gauge("up", "count"), "llm:up:count", COUNT, (0, None)),
        (ENGINES.gauge("start_time"), "llm:start_time_seconds:max", TIMESTAMP, (0, None)),
        (ENGINES.ratio("prefix_cache_hit_ratio")[0], "llm:prefix_cache_hits:rate11m", TOKENS.per_second, (0, None)),
        (ENGINES.ratio("prefix_cache_hit_ratio")[1], "llm:prefix_cache_queries:rate11m", TOKENS.per_second, (0, None)),
    ],
    ids=str,
)  # fmt: skip
def test_content_reads_typed_recordings(
    selector: Selector, text: str, unit: Unit, bounds: Bounds
) -> None:
    """What content reads has the recording's name and unit; only a share has a greatest value."""
    assert (text, unit, bounds) == (to_text(selector), selector.unit, selector.facts.bounds)


def test_every_selector_is_recorded() -> None:
    """Names that content reads are names that the rules of some source make."""
    recorded = {
        rule.name for source in ENGINES.sources for rule in recordings_of(source, INTERVALS).recordings
    }  # fmt: skip
    read = {
        "llm:requests:rate11m",
        ENGINES.buckets("time_to_first_token").series.name,
        ENGINES.sums("end_to_end_latency").series.name,
        ENGINES.counts("end_to_end_latency").series.name,
        ENGINES.gauge("kv_cache_use", level=Level.INSTANCE).series.name,
        *(part.series.name for part in ENGINES.ratio("prefix_cache_hit_ratio")),
    }

    assert set() == read - recorded


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            total(of_role(ENGINES.counter("requests"), Role.ENGINE), ["source", "model", "outcome"]),
            'sum by (source, model, outcome) (llm:requests:rate11m{role="engine"})',
        ),
        (
            total(ENGINES.counter("requests").where(outcome="error"), ["role"]),
            'sum by (role) (llm:requests:rate11m{outcome="error"})',
        ),
        (
            greatest(ENGINES.gauge("kv_cache_use", level=Level.INSTANCE), ["instance", "engine"]),
            "max by (instance, engine) (llm_instance:kv_cache_use_ratio:max)",
        ),
        (
            quantile(0.73, total(of_role(ENGINES.buckets("time_to_first_token"), Role.ENGINE), ["source", "le"])),
            'histogram_quantile(0.73, sum by (source, le) (llm:time_to_first_token_seconds_bucket:rate11m{role="engine"}))',
        ),
        (
            total(ENGINES.buckets("time_to_first_token").where(role="engine", source="triton"), ["le"]),
            'sum by (le) (llm:time_to_first_token_seconds_bucket:rate11m{role="engine", source="triton"})',
        ),
        (
            total(at_edges(ENGINES.buckets("time_to_first_token").where(role="engine"), (0.1, 5.0)), ["le"]),
            'sum by (le) (llm:time_to_first_token_seconds_bucket:rate11m{role="engine", le=~"0\\\\.1|5|5\\\\.0|\\\\+Inf"})',
        ),
    ],
)  # fmt: skip
def test_content_is_built_on_the_layer(expression: Expr, text: str) -> None:
    """Totals name one role or keep it, and buckets are added up where their edges are equal."""
    assert text == to_text(expression)


def test_a_page_chooses_by_variables() -> None:
    """A page narrows recordings to what the reader has chosen."""
    chosen = by_variables(of_role(ENGINES.counter("requests"), Role.ENGINE), ["source", "model"])

    assert 'llm:requests:rate11m{role="engine", source=~"$source", model=~"$model"}' == to_text(
        chosen, GRAFANA
    )


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (
            lambda: total(ENGINES.counter("requests"), ["source"]),
            "expected the label role kept in sum of llm:requests:rate11m, got by source; "
            "keep it in by(), or select one role",
        ),
        (
            lambda: total(of_role(ENGINES.buckets("time_to_first_token"), Role.ENGINE), ["le"]),
            "expected series with equal bucket edges (they differ by source) in sum of "
            "llm:time_to_first_token_seconds_bucket:rate11m, got by le; "
            "keep source, select one source, or take the edges that all share",
        ),
        (
            lambda: total(of_role(VLLM.buckets("prompt_length"), Role.ENGINE), ["le"]),
            "expected series with equal bucket edges (they differ by model) in sum of "
            "llm:prompt_length_bucket:rate11m, got by le; "
            "keep model, select one model, or take the edges that all share",
        ),
        (
            lambda: at_edges(ENGINES.buckets("time_to_first_token"), (0.25,)),
            "expected a bucket edge in le of llm:time_to_first_token_seconds_bucket:rate11m, "
            "got 0.25; the nearest edges are 0.1 and 0.5",
        ),
        (
            lambda: ENGINES.counter("requests").where(outcome="fed"),
            "expected outcome one of ok, error, cancelled in the matchers of "
            "llm:requests:rate11m, got fed",
        ),
        (
            lambda: ENGINES.counter("generation_tokens").where(source="triton"),
            "expected source one of vllm in the matchers of "
            "llm:generation_tokens:rate11m, got triton",
        ),
        (
            lambda: ENGINES.buckets("end_to_end_latency").where(source="triton"),
            "expected source one of vllm in the matchers of "
            "llm:end_to_end_latency_seconds_bucket:rate11m, got triton",
        ),
        (
            lambda: ENGINES.counter("requests").where(role="gateway"),
            "expected role one of engine in the matchers of llm:requests:rate11m, got gateway",
        ),
        (
            lambda: total(ENGINES.counter("requests"), ["role", "instance"]),
            "expected one of model, outcome, prompt_class, role, source in sum, got instance",
        ),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(write: object, message: str) -> None:
    """Totals over roles, unlike edges, unknown values and labels that nobody records are errors."""
    assert callable(write)
    with pytest.raises(PromqlError) as caught:
        write()

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: TRITON.counter("generation_tokens"), "no source answers generation_tokens"),
        (lambda: TRITON.gauge("kv_cache_use"), "no source answers kv_cache_use"),
        (lambda: TRITON.buckets("queue_time"), "no source answers queue_time with buckets"),
        (lambda: TRITON.ratio("prefix_cache_hit_ratio"), "no source answers prefix_cache_hit_ratio"),
        (lambda: VLLM.gauge("kv_cache_use", "sum"), "kv_cache_use is combined by avg, max; got sum"),
        (
            lambda: VLLM.counter("generated_tokens"),
            "no signal is called generated_tokens; did you mean generation_tokens?",
        ),
        (lambda: VLLM.has("beds"), "no signal is called beds"),
    ],
)  # fmt: skip
def test_what_nobody_answers_is_refused(write: object, message: str) -> None:
    """Content over a signal that no source of the pack answers fails with the signal's name."""
    assert callable(write)
    with pytest.raises(SourceError) as caught:
        write()

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("layer", "name", "has", "has_buckets"),
    [
        (ENGINES, "queue_time", True, True),
        (TRITON, "queue_time", True, False),
        (TRITON, "time_to_first_token", True, True),
        (TRITON, "kv_cache_use", False, False),
        (ENGINES, "kv_cache_use", True, False),
        (ENGINES, "requests_swapped", False, False),
    ],
)
def test_a_layer_knows_its_gaps(layer: Layer, name: str, has: bool, has_buckets: bool) -> None:
    """A layer tells whether some source answers, and whether one does with buckets."""
    assert (has, has_buckets) == (layer.has(name), layer.has(name, buckets=True))


def test_edges_are_each_sources_own() -> None:
    """Buckets know the edges of each source, and those that all share."""
    edges = ENGINES.buckets("time_to_first_token").facts.edges
    alone = ENGINES.buckets("time_to_first_token").where(source="triton").facts.edges
    assert edges is not None
    assert alone is not None

    assert ((0.1, 0.5, 5.0), {"source"}) == (edges.values, set(edges.varies_by))
    assert ["triton", "vllm"] == [source for source, _ in edges.by_source]
    assert ((0.1, 0.5, 2.0, 5.0), SECONDS) == (alone.values, alone.unit)


def test_gpus_have_engines_where_the_pack_says_so() -> None:
    """Which engine a GPU works for is a recording, with the pack's engines as its sources."""
    placed = Placement(gpus={"vllm": {"inn:8000": ("GPU-1",)}}, engines=(vllm(),))
    found = Layer((vllm(), dcgm()), placement=placed).gpu_engines(dcgm())

    assert 'llm_instance:gpu_engine:info{source="dcgm"}' == to_text(found)
    assert {"UUID", "engine_source", "engine_instance", "model"} <= found.labels.names
    with pytest.raises(
        PromqlError,
        match="engine_source one of vllm in the matchers of llm_instance:gpu_engine:info",
    ):
        found.where(engine_source="triton")


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        (Layer((vllm(), dcgm())), dcgm()),
        (Layer((vllm(),), placement=Placement(by_pod=True, engines=(vllm(),))), vllm()),
    ],
    ids=["no map", "no GPUs"],
)
def test_engines_of_gpus_are_not_guessed(layer: Layer, source: Source) -> None:
    """Without a map, or of a source without GPUs, there is nothing to select."""
    with pytest.raises(SourceError, match="nothing says which engine its GPUs work for"):
        layer.gpu_engines(source)

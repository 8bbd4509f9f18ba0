"""vLLM answers under any prefix and for any range of releases; old names stay beside new ones."""

from __future__ import annotations

import pytest

from llmdash.errors import CatalogueError
from llmdash.metrics.metric import Needs, Versions
from llmdash.promql.nodes import Expr, Matcher
from llmdash.promql.printer import to_text
from llmdash.promql.rewrite import selectors
from llmdash.promql.units import COUNT, SECONDS
from llmdash.promql.windows import Duration
from llmdash.sources.answer import (
    CounterAnswer,
    DistributionAnswer,
    GaugeAnswer,
    RatioAnswer,
    families_of,
)
from llmdash.sources.source import Role, Source
from llmdash.sources.vllm import PREFIXES, vllm

WINDOW = Duration.parse("11m")
VLLM = vllm()


def counter(name: str, *by: str, term: int = 0, source: Source = VLLM) -> Expr:
    answer = source.answers[name]
    assert isinstance(answer, CounterAnswer)
    return answer.per_second(WINDOW, by, term=term)


def gauge(name: str, operator: str, *by: str, term: int = 0, source: Source = VLLM) -> Expr:
    answer = source.answers[name]
    assert isinstance(answer, GaugeAnswer)
    return answer.combined(operator, by, term=term)


def distribution(name: str, source: Source = VLLM) -> DistributionAnswer:
    answer = source.answers[name]
    assert isinstance(answer, DistributionAnswer)
    return answer


def ratio(name: str) -> Expr:
    answer = VLLM.answers[name]
    assert isinstance(answer, RatioAnswer)
    return answer.quotient(WINDOW)


def read(source: Source) -> list[tuple[str, tuple[Matcher, ...]]]:
    return [
        (selector.series.name, selector.matchers)
        for answer in source.answers.values()
        for term in answer.terms
        for alternative in term.alternatives
        for selector in selectors(alternative)
    ]


def test_a_vllm_is_an_engine() -> None:
    """A source is named as its job, and each engine of an instance has a label of its own."""
    assert ("vllm", "vLLM", Role.ENGINE, "vllm", "/metrics", ("engine",)) == (
        VLLM.name,
        VLLM.title,
        VLLM.role,
        VLLM.job,
        VLLM.metrics_path,
        VLLM.instance_labels,
    )


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (
            counter("requests", "model"),
            'sum by (model) (label_replace(sum by (model_name) (rate(vllm:request_success_total{finished_reason!~"error|abort", model_name!=""}[11m])), "model", "$1", "model_name", "(.+)"))',
        ),
        (
            counter("requests", term=1),
            'sum(rate(vllm:request_success_total{finished_reason="error", model_name!=""}[11m]))',
        ),
        (
            counter("requests", term=2),
            'sum(rate(vllm:request_success_total{finished_reason="abort", model_name!=""}[11m]))',
        ),
        (
            distribution("time_to_first_token").quantile(0.73, WINDOW),
            'histogram_quantile(0.73, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket{model_name!=""}[11m])))',
        ),
        (
            distribution("inter_token_latency").mean(WINDOW),
            'sum(rate(vllm:inter_token_latency_seconds_sum{model_name!=""}[11m]) or rate(vllm:time_per_output_token_seconds_sum{model_name!=""}[11m])) / sum(rate(vllm:inter_token_latency_seconds_count{model_name!=""}[11m]) or rate(vllm:time_per_output_token_seconds_count{model_name!=""}[11m]))',
        ),
        (
            counter("cached_prompt_tokens", "model", "token_source"),
            'sum by (model, token_source) (label_replace(label_replace(sum by (model_name, source) (rate(vllm:prompt_tokens_by_source_total{source!="local_compute", model_name!=""}[11m])), "model", "$1", "model_name", "(.+)"), "token_source", "$1", "source", "(.+)"))',
        ),
        (
            gauge("requests_running", "sum", "engine"),
            'sum by (engine) (vllm:num_requests_running{model_name!=""})',
        ),
        (
            gauge("requests_waiting", "sum"),
            'sum(vllm:num_requests_waiting_by_reason{reason="capacity", model_name!=""} or ignoring (reason) vllm:num_requests_waiting{model_name!=""})',
        ),
        (
            gauge("requests_waiting", "sum", term=1),
            'sum(vllm:num_requests_waiting_by_reason{reason="deferred", model_name!=""})',
        ),
        (
            gauge("kv_cache_use", "max"),
            'max(vllm:kv_cache_usage_perc{model_name!=""} or vllm:gpu_cache_usage_perc{model_name!=""})',
        ),
        (
            ratio("prefix_cache_hit_ratio"),
            'sum(rate(vllm:prefix_cache_hits_total{model_name!=""}[11m])) / sum(rate(vllm:prefix_cache_queries_total{model_name!=""}[11m]))',
        ),
        (
            distribution("iteration_tokens").mean(WINDOW),
            'sum(rate(vllm:iteration_tokens_total_sum{model_name!=""}[11m])) / sum(rate(vllm:iteration_tokens_total_count{model_name!=""}[11m]))',
        ),
        (gauge("up", "sum"), 'sum(up{job="vllm"})'),
        (gauge("start_time", "max"), 'max(process_start_time_seconds{job="vllm"})'),
        (
            gauge("configuration_changes", "sum"),
            'sum(group by (job, instance, engine) (group without (num_gpu_blocks, num_cpu_blocks, kv_cache_size_tokens, kv_cache_max_concurrency) (vllm:cache_config_info) unless group without (num_gpu_blocks, num_cpu_blocks, kv_cache_size_tokens, kv_cache_max_concurrency) (present_over_time(vllm:cache_config_info[1h] offset 5m)) and on (job, instance, engine) group without (num_gpu_blocks, num_cpu_blocks, kv_cache_size_tokens, kv_cache_max_concurrency) (present_over_time(vllm:cache_config_info[1h] offset 5m))) or group by (job, instance, engine) (vllm:cache_config_info) - 1)',
        ),
    ],
)  # fmt: skip
def test_a_vllm_answers(expression: Expr, text: str) -> None:
    """vLLM's answers in PromQL, whole."""
    assert text == to_text(expression)


def test_outcomes_and_reasons_are_fixed() -> None:
    """Each finish reason has one outcome, each reason to wait is one of the signal's."""
    fixed = {
        name: [pair for term in VLLM.answers[name].terms for pair in term.fixed]
        for name in ("requests", "requests_waiting")
    }

    assert {
        "requests": [("outcome", "ok"), ("outcome", "error"), ("outcome", "cancelled")],
        "requests_waiting": [("reason", "capacity"), ("reason", "deferred")],
    } == fixed


def test_engines_whose_configuration_changed_are_counted() -> None:
    """The states of several engines add up to a number of engines."""
    assert COUNT == gauge("configuration_changes", "sum").unit


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_stands_before_every_family(prefix: str) -> None:
    """Ray, KServe and sanitising paths re-export under a prefix; what is not vLLM's keeps its name."""
    source = vllm(prefix=prefix)
    others = {"up", "process_start_time_seconds"}

    assert others == {name for name, _ in read(source) if not name.startswith(prefix)}
    assert f'sum(rate({prefix}generation_tokens_total{{model_name!=""}}[11m]))' == to_text(
        counter("generation_tokens", source=source)
    )
    assert f"{prefix}num_requests_running" in {metric.name for metric in source.metrics}


@pytest.mark.parametrize(
    ("versions", "name", "families"),
    [
        ("0.8.4", "kv_cache_use", ["kv_cache_usage_perc", "gpu_cache_usage_perc"]),
        ("0.11.2", "kv_cache_use", ["kv_cache_usage_perc", "gpu_cache_usage_perc"]),
        ("0.12", "kv_cache_use", ["kv_cache_usage_perc"]),
        (
            "0.8.4",
            "inter_token_latency",
            ["inter_token_latency_seconds", "time_per_output_token_seconds"],
        ),
        (
            "0.14",
            "inter_token_latency",
            ["inter_token_latency_seconds", "time_per_output_token_seconds"],
        ),
        ("0.15", "inter_token_latency", ["inter_token_latency_seconds"]),
        (
            "0.8.4",
            "requests_waiting",
            ["num_requests_waiting_by_reason", "num_requests_waiting"],
        ),
    ],
)
def test_old_names_go_with_their_releases(versions: str, name: str, families: list[str]) -> None:
    """From a release on, only the names that it or a later one exposes are asked for."""
    answer = vllm(versions=Versions(versions)).answers[name]

    assert [f"vllm:{family}" for family in families] == list(families_of(answer))


@pytest.mark.parametrize(
    ("versions", "missing"),
    [
        (Versions("0.8.4"), set()),
        (Versions("0.16"), set()),
        (
            Versions("0.8.4", "0.9.0"),
            {
                "cached_prompt_tokens",
                "computed_length",
                "external_cache_hit_ratio",
                "prefix_cache_hit_ratio",
                "time_per_output_token",
            },
        ),
        (Versions("0.9.2", "0.15"), {"cached_prompt_tokens"}),
        (
            Versions("0.9.2", "0.10"),
            {
                "cached_prompt_tokens",
                "computed_length",
                "external_cache_hit_ratio",
                "time_per_output_token",
            },
        ),
    ],
)
def test_answers_come_with_their_releases(versions: Versions, missing: set[str]) -> None:
    """A signal whose families came later is a gap of older releases."""
    assert missing == set(VLLM.answers) - set(vllm(versions=versions).answers)


def test_reasons_to_wait_are_newer_than_the_queue() -> None:
    """Before 0.20 all that wait do so for capacity, and nobody is deferred."""
    answer = vllm(versions=Versions("0.8.4", "0.19")).answers["requests_waiting"]

    assert [((("reason", "capacity"),), ("vllm:num_requests_waiting",))] == [
        (term.fixed, term.families()) for term in answer.terms
    ]


@pytest.mark.parametrize(
    ("versions", "v0", "answered"),
    [
        (Versions("0.8.4"), False, False),
        (Versions("0.8.4"), True, True),
        (Versions("0.9.3"), True, False),
    ],
)
def test_v0_is_opt_in(versions: Versions, v0: bool, answered: bool) -> None:
    """Swapped requests are those of the V0 engine, until it went."""
    source = vllm(versions=versions, v0=v0)

    assert answered == ("requests_swapped" in source.answers)
    assert answered == any(Needs.V0_ENGINE in metric.needs for metric in source.metrics)


@pytest.mark.parametrize(
    ("versions", "edges"),
    [
        (Versions("0.8.4"), None),
        (Versions("0.6.4"), None),
        (
            Versions("0.8.5"),
            (1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0),
        ),
    ],
)  # fmt: skip
def test_tokens_per_iteration_are_weaker_at_first(
    versions: Versions, edges: tuple[float, ...] | None
) -> None:
    """Up to 0.8.4 the configuration of the server made the edges, so only the mean is known."""
    answer = distribution("iteration_tokens", vllm(versions=versions))

    assert edges == (None if answer.edges is None else answer.edges.values)
    assert (answer.buckets is None) == ("mean only" in answer.note)


def test_latency_edges_of_all_releases() -> None:
    """A range that reaches back before 0.8.4 is read at the edges that did not change."""
    now, then = (
        distribution("time_to_first_token", vllm(versions=Versions(first))).edges
        for first in ("0.8.4", "0.8.3")
    )
    assert now is not None
    assert then is not None

    assert ((22, 2560.0, SECONDS), (16, 10.0, SECONDS)) == (
        (len(now.values), now.values[-1], now.unit),
        (len(then.values), then.values[-1], then.unit),
    )


def test_the_operator_sets_edges() -> None:
    """Edges of `--custom-histogram-buckets` replace those of one family, under any prefix."""
    mine = {"vllm:time_to_first_token_seconds": (0.7, 11)}
    source = vllm(prefix="ray_vllm:", edges=mine)
    set_edges = distribution("time_to_first_token", source).edges
    others = distribution("end_to_end_latency", source).edges
    assert set_edges is not None

    assert (0.7, 11.0) == set_edges.values
    assert distribution("end_to_end_latency").edges == others
    assert [(0.7, 11.0)] == [
        metric.edges  # type: ignore[attr-defined]  # this one is a histogram
        for metric in source.metrics
        if metric.name == "ray_vllm:time_to_first_token_seconds"
    ]


def test_edges_must_ascend() -> None:
    """Edges that cannot be a histogram's are refused with the name of the family."""
    with pytest.raises(CatalogueError, match=r"vllm:time_to_first_token_seconds: bucket edges"):
        vllm(edges={"vllm:time_to_first_token_seconds": (11, 0.7)})


@pytest.mark.parametrize(
    ("max_model_len", "edges", "varies_by"),
    [
        (None, (1.0, 100_000.0), {"model_name"}),
        (137, (1.0, 100.0), set()),
        (2000, (1.0, 2000.0), set()),
    ],
)
def test_token_histograms_end_at_the_models_length(
    max_model_len: int | None, edges: tuple[float, float], varies_by: set[str]
) -> None:
    """One length for all models gives all the same edges; otherwise they differ by model."""
    found = distribution("prompt_length", vllm(max_model_len=max_model_len)).edges
    assert found is not None

    assert (edges, varies_by) == ((found.values[0], found.values[-1]), set(found.varies_by))


@pytest.mark.parametrize("prefix", ["vllm:", "ray_vllm_"])
def test_a_job_is_matched_everywhere(prefix: str) -> None:
    """With a job of the pack's, every series of the source is of that job."""
    source = vllm(name="west", prefix=prefix, job="vllm-west")

    assert [] == [
        name for name, matchers in read(source) if Matcher("job", "=", "vllm-west") not in matchers
    ]
    assert ("west", "vllm-west") == (source.name, source.job)
    assert "west" == vllm(name="west").job


def test_the_router_is_no_engine() -> None:
    """The router of vLLM's stack re-exports names without a model; each series must have one."""
    without_model = {
        "up",
        "process_start_time_seconds",
        "vllm:cache_config_info",
        "vllm:lora_requests_info",
    }

    assert without_model == {
        name for name, matchers in read(VLLM) if Matcher("model_name", "!=", "") not in matchers
    }

"""The canonical layer: rules with names made in one place, and selectors that know what is recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash.errors import PromqlError, SourceError
from llmdash.intervals import Intervals
from llmdash.promql.build import at_edges, greatest, quantile, rate, total
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
from llmdash.recordings import (
    Layer,
    Level,
    Recording,
    RuleGroup,
    by_variables,
    of_role,
    recorded_name,
    recordings_of,
)
from llmdash.signals import signal
from llmdash.sources import triton, vllm
from llmdash.sources.answer import GaugeAnswer, Term
from llmdash.sources.source import Role, Source, answered, counter, gauge, mean, ratio
from tests.sources.examples import BUSY, DIALECT, DOORS, FULL, GUESTS, STORY, WAIT, WORDS, inn

INTERVALS = Intervals(rate_window=Duration.parse("11m"), recordings=Duration.parse("37s"))
ENGINES = Layer((vllm(), triton()), INTERVALS)
VLLM = Layer((vllm(),), INTERVALS)
TRITON = Layer((triton(),), INTERVALS)

INN = inn(
    answers=answered(
        requests=counter("requests", DIALECT.term(GUESTS, outcome="ok")),
        cached_prompt_tokens=counter("cached_prompt_tokens", DIALECT.term(WORDS)),
        queue_time=DIALECT.distribution(signal("queue_time"), WAIT),
        decode_time=mean("decode_time", DIALECT.term(BUSY), DIALECT.term(GUESTS)),
        prompt_length=DIALECT.distribution(signal("prompt_length"), STORY),
        requests_running=gauge("requests_running", DIALECT.term(DOORS)),
        kv_cache_use=gauge("kv_cache_use", DIALECT.term(FULL)),
        prefix_cache_hit_ratio=ratio(
            "prefix_cache_hit_ratio", DIALECT.term(WORDS), DIALECT.term(WORDS)
        ),
    )
)


def written(group: RuleGroup) -> list[tuple[str, str, dict[str, str]]]:
    return [(rule.name, to_text(rule.expr), dict(rule.labels)) for rule in group.recordings]


@pytest.mark.parametrize(
    ("level", "name"),
    [
        (Level.FLEET, "llm:queue_time_seconds_bucket:rate11m"),
        (Level.INSTANCE, "llm_instance:queue_time_seconds_bucket:rate11m"),
    ],
)
def test_a_name_is_level_metric_operation(level: Level, name: str) -> None:
    """Every recording is named by one function."""
    assert name == recorded_name(level, "queue_time_seconds_bucket", "rate11m")


def test_a_source_is_one_group() -> None:
    """The rules of a source are evaluated together, in the order of the signals."""
    group = recordings_of(INN, INTERVALS)

    assert ("llmdash-inn", "37s") == (group.name, str(group.interval))
    assert [
        "llm:requests:rate11m",
        "llm:queue_time_seconds_bucket:rate11m",
        "llm:queue_time_seconds_sum:rate11m",
        "llm:decode_time_seconds_sum:rate11m",
        "llm:decode_time_seconds_count:rate11m",
        "llm:cached_prompt_tokens:rate11m",
        "llm:prompt_length_bucket:rate11m",
        "llm:requests_running:sum",
        "llm_instance:requests_running:sum",
        "llm:kv_cache_use_ratio:avg",
        "llm:kv_cache_use_ratio:max",
        "llm_instance:kv_cache_use_ratio:max",
        "llm:prefix_cache_hits:rate11m",
        "llm:prefix_cache_queries:rate11m",
    ] == [
        name
        for name in dict.fromkeys(rule.name for rule in group.recordings)
        if name
        not in (
            "llm:queue_time_seconds_count:rate11m",
            "llm:prompt_length_sum:rate11m",
            "llm:prompt_length_count:rate11m",
        )
    ]


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        (
            "requests",
            [
                (
                    "llm:requests:rate11m",
                    'sum by (model) (label_replace(sum by (room) (rate(inn_guests_total{room!=""}[11m])), "model", "$1", "room", "(.+)"))',
                    {"outcome": "ok", "role": "engine", "source": "inn"},
                )
            ],
        ),
        (
            "cached_prompt_tokens",
            [
                (
                    "llm:cached_prompt_tokens:rate11m",
                    'sum by (model, token_source) (label_replace(label_replace(sum by (room, source) (rate(inn_words_total{room!=""}[11m])), "model", "$1", "room", "(.+)"), "token_source", "$1", "source", "(.+)"))',
                    {"role": "engine", "source": "inn"},
                )
            ],
        ),
        (
            "queue_time",
            [
                *(
                    (
                        "llm:queue_time_seconds_bucket:rate11m",
                        f'sum by (model) (label_replace(sum by (room) (rate(inn_wait_ms_bucket{{room!="", {le}}}[11m])), "model", "$1", "room", "(.+)"))',
                        {"le": seconds, "role": "engine", "source": "inn"},
                    )
                    for le, seconds in (
                        ('le=~"110|110\\\\.0"', "0.11"),
                        ('le=~"700|700\\\\.0"', "0.7"),
                        ('le=~"1300|1300\\\\.0"', "1.3"),
                        ('le="+Inf"', "+Inf"),
                    )
                ),
                (
                    "llm:queue_time_seconds_sum:rate11m",
                    'sum by (model) (label_replace(sum by (room) (rate(inn_wait_ms_sum{room!=""}[11m])), "model", "$1", "room", "(.+)")) / 1000',
                    {"role": "engine", "source": "inn"},
                ),
                (
                    "llm:queue_time_seconds_count:rate11m",
                    'sum by (model) (label_replace(sum by (room) (rate(inn_wait_ms_count{room!=""}[11m])), "model", "$1", "room", "(.+)"))',
                    {"role": "engine", "source": "inn"},
                ),
            ],
        ),
        (
            "decode_time",
            [
                (
                    "llm:decode_time_seconds_sum:rate11m",
                    'sum by (model) (label_replace(sum by (room) (rate(inn_busy_us{room!=""}[11m])), "model", "$1", "room", "(.+)")) / 1000000',
                    {"role": "engine", "source": "inn"},
                ),
                (
                    "llm:decode_time_seconds_count:rate11m",
                    'sum by (model) (label_replace(sum by (room) (rate(inn_guests_total{room!=""}[11m])), "model", "$1", "room", "(.+)"))',
                    {"role": "engine", "source": "inn"},
                ),
            ],
        ),
        (
            "requests_running",
            [
                (
                    "llm:requests_running:sum",
                    'sum(inn_doors{job="inn"})',
                    {"role": "engine", "source": "inn"},
                ),
                (
                    "llm_instance:requests_running:sum",
                    'sum by (instance) (inn_doors{job="inn"})',
                    {"role": "engine", "source": "inn"},
                ),
            ],
        ),
    ],
)  # fmt: skip
def test_a_signal_is_recorded(name: str, rules: list[tuple[str, str, dict[str, str]]]) -> None:
    """A signal's rules, whole: static labels say the source, the role and what holds for a term."""
    alone = replace(INN, answers={name: INN.answers[name]})

    assert rules == written(recordings_of(alone, INTERVALS))


def test_buckets_keep_their_edges_in_one_rule() -> None:
    """Buckets already in the signal's unit are recorded as they are, with `le`."""
    alone = replace(INN, answers={"prompt_length": INN.answers["prompt_length"]})
    name, text, labels = written(recordings_of(alone, INTERVALS))[0]

    assert ("llm:prompt_length_bucket:rate11m", {"role": "engine", "source": "inn"}) == (name, labels)  # fmt: skip
    assert text == (
        'sum by (model, le) (label_replace(sum by (room, le) (rate(inn_story_words_bucket{room!=""}[11m])), "model", "$1", "room", "(.+)"))'
    )


@pytest.mark.parametrize(
    ("models", "text"),
    [
        ({}, 'sum(inn_doors{job="inn"})'),
        (
            {"a.inn:11": "blue", "b.inn:13": "red", "c.inn:17": "blue"},
            'sum by (model) (label_replace(label_replace(inn_doors{job="inn"}, "model", "blue", "instance", "a\\\\.inn:11|c\\\\.inn:17"), "model", "red", "instance", "b\\\\.inn:13"))',
        ),
    ],
)  # fmt: skip
def test_targets_name_models(models: dict[str, str], text: str) -> None:
    """What is counted without a model gets it from the pack's map of targets."""
    alone = replace(INN, answers={"requests_running": INN.answers["requests_running"]})

    assert text == written(recordings_of(alone, INTERVALS, models))[0][1]


def test_a_model_of_its_own_is_kept() -> None:
    """The map of targets leaves alone what names its model itself."""
    alone = replace(INN, answers={"kv_cache_use": INN.answers["kv_cache_use"]})

    assert recordings_of(alone, INTERVALS) == recordings_of(alone, INTERVALS, {"a:11": "blue"})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            INN,
            'max by (model, instance) (label_replace(max by (room, instance) (inn_full{room!=""}), "model", "$1", "room", "(.+)"))',
        ),
        (
            vllm(),
            'max by (model, instance, engine) (label_replace(max by (model_name, instance, engine) (vllm:kv_cache_usage_perc{model_name!=""} or vllm:gpu_cache_usage_perc{model_name!=""}), "model", "$1", "model_name", "(.+)"))',
        ),
    ],
)  # fmt: skip
def test_instances_tell_engines_apart(source: Source, text: str) -> None:
    """At the finer level a series is one engine of one instance, recorded in one way only."""
    alone = replace(source, answers={"kv_cache_use": source.answers["kv_cache_use"]})
    rules = written(recordings_of(alone, INTERVALS))

    assert [("llm_instance:kv_cache_use_ratio:max", text)] == [
        (name, rule) for name, rule, _ in rules if name.startswith("llm_instance:")
    ]


def test_a_static_label_hides_none_of_the_series() -> None:
    """A rule's label that its expression has too would be lost, so it is refused."""
    expression = total(rate(WORDS.select(), "11m"), ["source"])

    with pytest.raises(SourceError) as caught:
        Recording("llm:words:sum", expression, (("role", "engine"), ("source", "inn")))

    assert "llm:words:sum: the expression has its own label source; rename it inside" == str(
        caught.value
    )


# --- the layer -----------------------------------------------------------------------------------


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
            "expected one of model, outcome, role, source in sum, got instance",
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


def test_roles_are_those_of_the_sources() -> None:
    """A layer lists each role once, in the order of its sources."""
    layer = Layer((inn("a", Role.GATEWAY), inn("b"), inn("c", Role.GATEWAY)))

    assert (Role.GATEWAY, Role.ENGINE) == layer.roles()


def test_a_gauge_of_several_terms_is_recorded_by_term() -> None:
    """Each term of an answer is a rule with its own fixed label."""
    terms = tuple(
        Term((DOORS.select(),), fixed=(("reason", reason),)) for reason in ("capacity", "deferred")
    )
    source = inn(answers={"requests_waiting": GaugeAnswer(terms, REQUESTS)})
    fleet = [
        rule for rule in recordings_of(source, INTERVALS).recordings if rule.name[:4] == "llm:"
    ]

    assert [
        {"reason": "capacity", "role": "engine", "source": "inn"},
        {"reason": "deferred", "role": "engine", "source": "inn"},
    ] == [dict(rule.labels) for rule in fleet]

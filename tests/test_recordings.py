"""The canonical layer: rules with names made in one place, and selectors that know what is recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash.errors import SourceError
from llmdash.intervals import Intervals
from llmdash.levels import Level, recorded_name
from llmdash.placement import Placement
from llmdash.promql.expressions import rate, total
from llmdash.promql.printer import to_text
from llmdash.promql.units import (
    REQUESTS,
)
from llmdash.promql.windows import Duration
from llmdash.recordings import Recording, RuleGroup, recordings_of
from llmdash.signals import signal
from llmdash.sources import dcgm, gateway, vllm
from llmdash.sources.answer import GaugeAnswer, Term
from llmdash.sources.source import Source, answered, counter, gauge, mean, ratio
from tests.sources.examples import BUSY, DIALECT, DOORS, FULL, GUESTS, STORY, WAIT, WORDS, inn

INTERVALS = Intervals(rate_window=Duration.parse("11m"), recordings=Duration.parse("37s"))
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
        "llm:requests_running:count",
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
                    "llm:requests_running:count",
                    'count(inn_doors{job="inn"})',
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

    assert text == written(recordings_of(alone, INTERVALS, Placement({"inn": models})))[0][1]


def test_a_model_of_its_own_is_kept() -> None:
    """The map of targets leaves alone what names its model itself."""
    alone = replace(INN, answers={"kv_cache_use": INN.answers["kv_cache_use"]})

    placement = Placement({"inn": {"a:11": "blue"}})

    assert recordings_of(alone, INTERVALS) == recordings_of(alone, INTERVALS, placement)


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


def test_what_is_not_recorded_has_no_rule() -> None:
    """A fact about one GPU stays with its exporter."""
    rules = recordings_of(dcgm(), INTERVALS).recordings

    assert "gpu_xid" in dcgm().answers
    assert [] == [rule.name for rule in rules if "xid" in rule.name]


def test_a_class_of_prompts_is_recorded_where_it_is_known() -> None:
    """The gateway's histograms keep the class of prompt, the engines' have none."""
    by_source = {
        source.name: {
            rule.name: rule.expr.labels.names
            for rule in recordings_of(source, INTERVALS).recordings
        }["llm:time_to_first_token_seconds_bucket:rate11m"]
        for source in (gateway(), vllm())
    }

    assert {"gateway": {"model", "prompt_class", "le"}, "vllm": {"model", "le"}} == by_source

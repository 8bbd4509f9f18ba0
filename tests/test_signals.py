"""The signals: one name, one unit and one form each, and closed sets where something is counted by kind."""

from __future__ import annotations

import re

import pytest

from llmdash.errors import SourceError
from llmdash.promql.units import RATIO, REQUESTS, SECONDS, STATE, TIMESTAMP, TOKENS, Unit
from llmdash.signals import (
    PROMPT_CLASS,
    PROMPT_CLASSES,
    SIGNALS,
    WAITING_REASONS,
    Form,
    Signal,
    signal,
)
from llmdash.signals.gpu import GPU_SIGNALS, LINK_ERRORS, THROTTLE_REASONS
from llmdash.signals.serving import SERVING_SIGNALS

NAMES = [asked.name for asked in SIGNALS]


def test_names_are_unique_words() -> None:
    """A signal's name is lower-case words, its own, and the name it is found by."""
    assert len(set(NAMES)) == len(NAMES)
    assert [] == [name for name in NAMES if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)]
    assert list(SIGNALS) == [signal(name) for name in NAMES]


def test_recorded_metrics_are_unique() -> None:
    """No two signals are recorded under one name, parts of ratios included."""
    metrics = [asked.metric for asked in SIGNALS if asked.form is not Form.RATIO]
    metrics += [part for asked in SIGNALS if asked.form is Form.RATIO for part in asked.parts]

    assert len(set(metrics)) == len(metrics)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("requests", "requests"),
        ("time_to_first_token", "time_to_first_token_seconds"),
        ("queue_time", "queue_time_seconds"),
        ("prompt_tokens", "prompt_tokens"),
        ("kv_cache_use", "kv_cache_use_ratio"),
        ("start_time", "start_time_seconds"),
        ("up", "up"),
        ("gpu_power", "gpu_power_watts"),
        ("gpu_energy", "gpu_energy_joules"),
        ("gpu_memory_used", "gpu_memory_used_bytes"),
        ("gpu_temperature", "gpu_temperature_celsius"),
    ],
)
def test_a_metric_ends_with_its_unit(name: str, metric: str) -> None:
    """Seconds, ratios and moments say so at the end of the recorded name, once."""
    assert metric == signal(name).metric


@pytest.mark.parametrize(
    ("name", "unit", "metric"),
    [
        ("wait_seconds", SECONDS, "wait_seconds"),
        ("hit_ratio", RATIO, "hit_ratio"),
        ("birth", TIMESTAMP, "birth_seconds"),
        ("words", TOKENS, "words"),
    ],
)
def test_a_suffix_is_not_said_twice(name: str, unit: Unit, metric: str) -> None:
    """A name that ends with its unit keeps its name; a unit without a suffix adds none."""
    asked = Signal(name, "Title", "Question?", Form.GAUGE, unit)

    assert metric == asked.metric


def test_an_operator_can_read_them() -> None:
    """Each signal has a title, and asks a question."""
    assert [] == [asked.name for asked in SIGNALS if not asked.title or asked.question[-1] != "?"]
    assert len({asked.title for asked in SIGNALS}) == len(SIGNALS)


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("requests", "outcome", ("ok", "error", "cancelled")),
        ("requests_waiting", "reason", ("capacity", "deferred")),
        ("cached_prompt_tokens", "token_source", ()),
        ("gpu_throttled_time", "throttle_reason", THROTTLE_REASONS),
        ("gpu_nvlink_errors", "link_error", LINK_ERRORS),
        ("generation_tokens", "", ()),
    ],
)
def test_outcomes_are_closed(name: str, label: str, values: tuple[str, ...]) -> None:
    """What a request or a wait is counted by is a closed set, the same for every source."""
    asked = signal(name)

    assert (label, values) == (asked.split_by, asked.values)


def test_a_grouping_is_no_label_of_the_recordings() -> None:
    """A declared grouping has values only with a label, which is none of the static ones."""
    grouped = [asked.split_by for asked in SIGNALS if asked.split_by]

    assert not {"source", "role", "model"} & set(grouped)
    assert [] == [asked.name for asked in SIGNALS if asked.values and not asked.split_by]


@pytest.mark.parametrize(
    ("name", "combine"),
    [
        ("requests_running", ("sum", "count")),
        ("kv_cache_use", ("avg", "max")),
        ("up", ("sum", "count")),
        ("start_time", ("max",)),
    ],
)
def test_gauges_say_how_they_combine(name: str, combine: tuple[str, ...]) -> None:
    """A share is averaged or its greatest taken, never added up."""
    assert combine == signal(name).combine


def test_shares_are_never_added_up() -> None:
    """Adding up ratios or moments means nothing, so no signal in them offers a sum."""
    unsummable = (RATIO, TIMESTAMP)

    assert [] == [
        asked.name for asked in SIGNALS if asked.unit in unsummable and "sum" in asked.combine
    ]


def test_a_ratio_has_two_counters() -> None:
    """A ratio is recorded as its two counters, so that it stays weighted; nothing else has parts."""
    assert ("prefix_cache_hits", "prefix_cache_queries") == signal("prefix_cache_hit_ratio").parts
    assert ["prefix_cache_hit_ratio", "external_cache_hit_ratio", "draft_acceptance_ratio"] == [
        asked.name for asked in SIGNALS if asked.parts[0]
    ]


def test_few_signals_are_recorded_by_instance() -> None:
    """Only what points at one bad replica is recorded for each; every other total stays cheap."""
    assert [
        "inter_token_latency",
        "generation_tokens",
        "requests_running",
        "requests_waiting",
        "kv_cache_use",
        "adapter_combinations",
        "up",
    ] == [asked.name for asked in SIGNALS if asked.per_instance]


def test_latencies_are_distributions_of_seconds() -> None:
    """Every latency is asked as a distribution, in seconds."""
    latencies = {asked.name: asked.form for asked in SERVING_SIGNALS if asked.unit == SECONDS}

    assert {Form.DISTRIBUTION} == set(latencies.values())
    assert {
        "time_to_first_token",
        "inter_token_latency",
        "time_per_output_token",
        "end_to_end_latency",
        "queue_time",
        "prefill_time",
        "decode_time",
    } == set(latencies)
    assert (REQUESTS, STATE) == (signal("requests").unit, signal("up").unit)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("time_to_first_tokn", "no signal is called time_to_first_tokn; did you mean time_to_first_token?"),
        ("beds", "no signal is called beds"),
    ],
)  # fmt: skip
def test_an_unknown_signal_is_an_error(name: str, message: str) -> None:
    """A name that no signal has is refused with the nearest one."""
    with pytest.raises(SourceError) as caught:
        signal(name)

    assert message == str(caught.value)


def test_prompt_classes_are_told_apart_where_they_can_be() -> None:
    """A gateway knows how long a prompt is; what it sees by class is named once, and closed."""
    by_class = [asked.name for asked in SIGNALS if PROMPT_CLASS in asked.also_by]

    assert [
        "requests",
        "time_to_first_token",
        "inter_token_latency",
        "end_to_end_latency",
    ] == by_class
    assert ("small", "medium", "large") == PROMPT_CLASSES
    assert not {*WAITING_REASONS, *PROMPT_CLASSES} & {"source", "role", "model"}


def test_facts_about_one_gpu_are_not_recorded() -> None:
    """What pages over many GPUs need is recorded; clocks, errors and masks are read where they are."""
    recorded = {asked.name for asked in GPU_SIGNALS if asked.is_recorded}

    assert {"gpu_power", "gpu_energy", "gpu_utilisation", "gpu_memory_used"} < recorded
    assert not {"gpu_xid", "gpu_sm_clock", "gpu_clock_events", "gpu_nvlink_errors"} & recorded
    assert all(asked.is_recorded for asked in SERVING_SIGNALS)

"""What the proof of the panels accepts: an exception and a driven counter mean what they say."""

from __future__ import annotations

import pytest

from llmdash.build import Build
from llmdash.compiler import compile_pack
from llmdash.metrics import triton, vllm
from llmdash.pack import DEFAULT
from tests.exposition import EXPOSITIONS, read_exposition
from tests.live.exposition import Exposition
from tests.live.questions import (
    Question,
    excuse,
    filled_in,
    hourly_recordings,
    is_driven,
    longest_look_back,
    may_be_zero,
    panel_questions,
    rests_on,
    variable_questions,
    without_filters,
)

PAGES = tuple(
    Exposition(read_exposition((EXPOSITIONS / name).read_text()))
    for name in ("vllm-0.32.0.prom", "triton-2.51.0.prom")
)
NOTHING = Exposition({})
METRICS = (*vllm.METRICS, *triton.METRICS)

TTFT = "rate(vllm:time_to_first_token_seconds_bucket[5m])"
FIRST_RESPONSE = "rate(nv_inference_first_response_histogram_ms_bucket[5m])"
ERRORS = 'sum(rate(vllm:request_success_total{finished_reason="error"}[5m]))'
ENDED = "sum(rate(vllm:request_success_total[5m]))"
NEW_OR_OLD = (
    "rate(vllm:inter_token_latency_seconds_sum[5m]) or "
    "rate(vllm:time_per_output_token_seconds_sum[5m])"
)


@pytest.mark.parametrize(
    ("foundations", "family"),
    [
        ((FIRST_RESPONSE,), "nv_inference_first_response_histogram_ms"),
        ((TTFT,), None),
        ((TTFT, FIRST_RESPONSE), None),
        ((f"{FIRST_RESPONSE} or {TTFT}",), None),
        ((f"{TTFT} / {FIRST_RESPONSE}",), "nv_inference_first_response_histogram_ms"),
        ((NEW_OR_OLD,), None),
        (("vllm:no_such_family",), None),
    ],
)
def test_a_question_is_excused_when_all_it_rests_on_is_absent(
    foundations: tuple[str, ...], family: str | None
) -> None:
    """One absent source does not excuse what another source must answer."""
    found = excuse(Question("place", "text", foundations), METRICS, PAGES)

    assert family == (found.family if found else None)


@pytest.mark.parametrize(
    ("foundation", "excused"),
    [
        ('llm:ttft:rate5m{source="triton"}', True),
        ('llm:ttft:rate5m{source="vllm"}', False),
        ("llm:ttft:rate5m", False),
        (f'{FIRST_RESPONSE} or llm:ttft:rate5m{{source="triton"}} * 0', True),
        (f"{FIRST_RESPONSE} or llm:ttft:rate5m * 0", False),
        (f"{FIRST_RESPONSE} or llm:own_past:sum offset 1h", False),
        (f"{TTFT} unless {FIRST_RESPONSE}", False),
        (f"{FIRST_RESPONSE} unless {TTFT}", True),
    ],
)
def test_a_recording_is_excused_by_all_its_rules(foundation: str, excused: bool) -> None:
    """A recording lacks what each rule that a selector can find lacks; `unless` takes nothing."""
    rules = {
        "llm:ttft:rate5m": (({"source": "triton"}, FIRST_RESPONSE), ({"source": "vllm"}, TTFT)),
        "llm:own_past:sum": (({}, "llm:own_past:sum offset 1m"),),
    }
    found = excuse(Question("place", "text", (foundation,)), METRICS, PAGES, rules=rules)

    assert excused == (found is not None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TTFT, True),
        (NEW_OR_OLD, True),
        (f"{TTFT} / rate(vllm:no_such_family_total[5m])", False),
        ('rate(vllm:request_success_total{finished_reason="error"}[5m])', False),
        ('rate(vllm:request_success_total{finished_reason!~"error|abort"}[5m])', True),
        ("vllm:num_requests_running", False),
        (f"({ERRORS} or {ENDED} * 0) / {ENDED}", False),
        (f"({ENDED} or {ENDED} * 0) / {ENDED}", True),
    ],
)
def test_counters_that_rose_must_show_it(text: str, expected: bool) -> None:
    """An old name that nobody exposes any more does not hide that the new one rose."""
    assert expected == is_driven(text, NOTHING, PAGES[0])


def query(name: str, definition: str) -> dict[str, object]:
    return {"type": "query", "name": name, "definition": definition}


def custom(name: str, kind: str, value: object) -> dict[str, object]:
    return {"type": kind, "name": name, "current": {"value": value}}


PAGE = {
    "templating": {
        "list": [
            query("model", "label_values(llm:up:sum, model)"),
            query("instance", 'label_values(up{model=~"$model", share="$share"}, instance)'),
            custom("share", "custom", "0.95"),
            custom("length", "interval", "11m"),
            custom("reasons", "custom", ["$__all"]),
        ]
    },
    "panels": [
        {
            "type": "timeseries",
            "title": "Seven",
            "repeat": repeat,
            "targets": [
                {"refId": "A", "expr": 'rate(x{m=~"$model",r=~"$reasons"}[$length]) > $share'}
            ],
        }
        for repeat in ("model", None)
    ],
}
RULES = {
    "groups": [
        {
            "name": "one",
            "rules": [{"record": "llm:up:sum", "labels": {"source": "inn"}, "expr": "sum(up)"}],
        }
    ]
}
BUILD = Build(DEFAULT, (), {"page.json": PAGE}, {"rules.yaml": RULES})


def test_lists_of_values_are_asked_for() -> None:
    """Each variable's list is a question for a label, with other variables as a page opens."""

    assert [
        Question("page.json: variable model", "llm:up:sum", ("sum(up)",), "model"),
        Question(
            "page.json: variable instance",
            text := 'up{model=~".*", share="0.95"}',
            (text,),
            "instance",
        ),
    ] == list(variable_questions(BUILD))


def test_a_list_that_cannot_be_asked_for_is_no_answer() -> None:
    """A query of another form fails the proof and is not passed over."""
    page = {"templating": {"list": [query("model", "query_result(up)")]}}

    with pytest.raises(ValueError, match=r"page\.json: model: query_result\(up\)"):
        list(variable_questions(Build(DEFAULT, (), {"page.json": page}, {})))


def test_panels_are_asked_as_a_page_opens() -> None:
    """A choice of one has its first value, a list of several all; a repeated panel one model."""

    assert [
        'rate(x{m=~"a\\\\.b",r=~".*"}[11m]) > 0.95',
        'rate(x{m=~".*",r=~".*"}[11m]) > 0.95',
    ] == [question.text for question in panel_questions(BUILD, "a.b")]


def test_grafanas_intervals_are_filled_in() -> None:
    """What Grafana knows by itself stands for what it would be at our scrape interval."""
    text = "rate(x[$__rate_interval]) + increase(x[$__range])"

    assert "rate(x[1m]) + increase(x[2m])" == filled_in(text, {})


@pytest.mark.parametrize("replacement", ["$1", "${1}", "${1}xx-$2"])
def test_groups_of_a_pattern_are_left_alone(replacement: str) -> None:
    """What a pattern has found is no variable: Prometheus fills it in, as it does for Grafana."""
    relabelled = f'label_replace(x{{code=~"$code"}}, "class", "{replacement}", "code", "(.)(.*)")'

    assert relabelled.replace("$code", ".*") == filled_in(relabelled, {})


MM_HITS = "rate(vllm:mm_cache_hits_total[5m])"
MM_NEEDS = "stays at zero: needs a model that takes images, audio or video"
LOAD = "nv_model_load_duration_secs"


@pytest.mark.parametrize(
    ("text", "newer", "reason"),
    [
        (MM_HITS, {}, MM_NEEDS),
        (f"{MM_HITS} / {TTFT}", {}, MM_NEEDS),
        (LOAD, {LOAD: "is of 24.11 and later"}, "is of 24.11 and later"),
        (LOAD, {}, None),
        (TTFT, {"vllm:time_to_first_token_seconds": "is of tomorrow"}, None),
    ],
)
def test_what_never_moved_or_is_newer_is_excused(
    text: str, newer: dict[str, str], reason: str | None
) -> None:
    """A family at zero for want of a feature, or that the server is too old for; none that moves."""
    found = excuse(Question("place", "text", (text,)), METRICS, PAGES, newer)

    assert reason == (found.reason if found else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('1 - sum(rate(a_bucket{le="80"}[5m])) / sum(rate(a_count[5m]))', True),
        (r'sum(rate(a_bucket{le=~"0\\.3"}[5m])) / sum(rate(a_count[5m]))', True),
        ("sum(rate(a_sum[5m])) / sum(rate(a_count[5m]))", False),
        (r'sum by (le) (rate(a_bucket{le=~"1|\\+Inf"}[5m])) / 2', False),
        ('rate(a_bucket{le="1"}[5m])', False),
    ],
)
def test_a_difference_and_a_share_below_an_edge_may_be_zero(text: str, expected: bool) -> None:
    """Nothing beyond the last bucket is good news; a sum, a rate and a mean must show what rose."""
    assert expected == may_be_zero(text)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("a and on (b) (count by (b) (c) > 1)", "a and on (b) (count by (b) (c))"),
        ("sum(a == 0)", "sum(a)"),
        ('a{b!="1"} > bool 1', 'a{b!="1"} > bool 1'),
        ("a > b", "a > b"),
    ],
)
def test_filters_are_taken_away(text: str, without: str) -> None:
    """What compares with a number lists offenders; states and matchers are left alone."""
    assert without == without_filters(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [("sum(a) / sum(a offset 1w)", 7), ("sum_over_time(a[1d] offset 2d)", 2), ("rate(a[5m])", 0)],
)
def test_a_look_back_is_measured(text: str, days: int) -> None:
    """How long ago the oldest selector begins to look, which no new Prometheus can answer."""
    assert days == longest_look_back(text).days


def test_what_is_gathered_once_an_hour_is_seen_through_recordings() -> None:
    """A budget reads a period, that reads hours; a burn reads windows, which are there at once."""
    hourly = hourly_recordings(compile_pack(DEFAULT))

    assert rests_on("llm:slo_budget_left:ratio{source='vllm'} < 0", hourly)
    assert rests_on("sum_over_time(llm:slo_total:hour[1h])", hourly)
    assert not rests_on("llm:slo_burn:ratio1h", hourly)
    assert not rests_on("vllm:num_requests_running", hourly)

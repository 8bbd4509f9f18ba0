"""Questions as they are asked of a Prometheus."""

from __future__ import annotations

import promql_parser
import pytest

from llmdash.metrics.metric import Counter, Histogram
from llmdash.promql.units import MICROSECONDS, MILLISECONDS
from llmstack.scraping.engines import Engine
from llmstack.scraping.families import Family, Match
from llmstack.top import power, recorded
from llmstack.top.engines import WATCHED, Watched
from llmstack.top.figures import Figure
from llmstack.top.forms import Form, Level, Mean, Quantile, Ranked, Rate, Worked
from llmstack.top.promql import question
from tests.stack.top.rules import recorded as rules

SHOWN = Family(Counter(name="new", unit=MICROSECONDS), (Match("way", "!=", "x"),))
OLD = Family(Counter(name="old", unit=MICROSECONDS))
HISTOGRAM = Family(Histogram(name="new", unit=MILLISECONDS, edges=(1,)))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            Quantile((HISTOGRAM, OLD)),
            'histogram_quantile(0.95, sum by (m, le) (rate(new_bucket{m!=""}[11m]) or rate(old_bucket{m!=""}[11m])) and on (m, le) (count by (m, le) (rate(new_bucket{m!=""}[11m]) or rate(old_bucket{m!=""}[11m])) == on (m) group_left () max by (m) (count by (m, le) (rate(new_bucket{m!=""}[11m]) or rate(old_bucket{m!=""}[11m]))))) * 0.001',
        ),
        (
            Mean(SHOWN, OLD),
            'sum by (m) (rate(new{m!="", way!="x"}[11m])) / sum by (m) (rate(old{m!=""}[11m])) * 1e-06',
        ),
        (
            Rate((SHOWN, OLD)),
            'sum by (m) (rate(new{m!="", way!="x"}[11m]) or rate(old{m!=""}[11m]))',
        ),
        (Level((SHOWN,)), 'sum by (m) (new{m!="", way!="x"})'),
        (Level((SHOWN, OLD), is_highest=True), 'max by (m) (new{m!="", way!="x"} or old{m!=""})'),
        (
            Level((SHOWN,), otherwise=Worked(OLD, "-", SHOWN, ("job", "m"))),
            'sum by (m) (new{m!="", way!="x"} or on (job, m) (old{m!=""} - on (job, m) new{m!="", way!="x"}))',
        ),
        (
            Ranked((HISTOGRAM, OLD), ("rank",)),
            'sum by (m) (max by (__name__, job, instance, rank, m) ({__name__=~"new|old", m!=""}))',
        ),
    ],
)
def test_a_form(form: Form, expected: str) -> None:
    """As a user would write it."""
    inn = Watched(Engine("inn", "m", (), {}), otherwise={Figure.TTFT: form})

    assert f'label_replace({expected}, "figure", "ttft_p95_seconds", "", "")' == question(inn, "11m")  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    [*(question(each, "1m") for each in WATCHED), recorded.question(), power.POWER, power.GPUS],
)
def test_a_second_parser_reads_it(asked: str) -> None:
    """Of every kind of server."""
    assert promql_parser.parse(asked).prettify()


def test_what_is_asked_is_recorded() -> None:
    """Every recorded name that is asked for is one that llmdash's rules write, with the labels that are."""
    asked = recorded.question() + recorded.POWER + recorded.GPUS
    names = {name for name in {rule["record"] for rule in rules()} if f"{name}{{" in asked or f"({name})" in asked}  # fmt: skip

    assert asked.count("llm:") == sum(asked.count(f"{name}{{") + asked.count(f"({name})") for name in names)  # fmt: skip
    assert 12 == len(names)
    for rule in rules():
        if rule["record"] in names:
            assert {"source", "role"} <= rule["labels"].keys()

"""vLLM's scheduler: the bottleneck first, and what only newer releases tell."""

from __future__ import annotations

from llmdash.dashboards.engine.scheduler import engine_scheduler
from llmdash.dashboards.panels import StateTimeline
from llmdash.dashboards.vllm.scheduler import vllm_scheduler
from llmdash.layer import Layer
from llmdash.metrics.metric import Versions
from llmdash.sources import ENGINES, vllm
from tests.dashboards.engine_pages import panels_of, queries_of

LAYER = Layer(ENGINES)
PAGE = vllm_scheduler(vllm(), LAYER)


def test_the_page_begins_with_what_holds_models_back() -> None:
    """A line for each model, and the rule of every state in words that say what to do."""
    first = next(iter(panels_of(PAGE).values()))

    assert isinstance(first, StateTimeline)
    assert ["{{model_name}}"] == [query.legend for query in first.queries]
    assert [] == [
        mapping.text for mapping in first.mappings if f"{mapping.text}: " not in first.description
    ]


def test_open_rows_come_before_closed_ones() -> None:
    """Nothing closed stands between the bottleneck and what explains it."""
    assert PAGE is not None
    closed = [row.collapsed for row in PAGE.rows]

    assert closed == sorted(closed)
    assert ["engines", "preempted", "beside"] == [row.key for row in PAGE.rows if row.collapsed]


def test_it_holds_what_any_engine_has() -> None:
    """Nothing of the general page is lost."""
    assert set() == set(panels_of(engine_scheduler(vllm(), LAYER))) - set(panels_of(PAGE))


def test_once_and_never_are_one_bucket() -> None:
    """The least that the histogram can tell is twice."""
    assert {
        "share": "1 - sum by (model_name) (rate(vllm:request_num_preemptions_bucket"
        '{model_name!="", le=~"1|1\\\\.0", model_name=~"$model", instance=~"$instance", '
        'engine=~"$engine"}[$__rate_interval])) / '
        "sum by (model_name) (rate(vllm:request_num_preemptions_count{CHOSEN}[$__rate_interval]))"
    } == queries_of(PAGE, "preempted-often")


def test_an_operators_edges_may_have_no_one() -> None:
    """With other bucket edges the share is not asked for; the mean needs none."""
    source = vllm(edges={"vllm:request_num_preemptions": (2, 5)})
    found = panels_of(vllm_scheduler(source, LAYER))

    assert "preempted-often" not in found
    assert "request-preemptions" in found


def test_older_releases_are_not_asked_for_what_they_lack() -> None:
    """Up to 0.29 a finished request does not say how often it was preempted."""
    page = vllm_scheduler(vllm(versions=Versions("0.8.4", "0.29")), LAYER)

    assert {"request-preemptions", "preempted-often", "kv-fetch"} == set(panels_of(PAGE)) - set(
        panels_of(page)
    )

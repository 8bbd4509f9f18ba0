"""Distributions are drawn over all models only where their buckets can be added up."""

from __future__ import annotations

import pytest

from llmdash.dashboards.distribution_panels import heatmap, quantile_lines, quantile_panel, top_edge
from llmdash.dashboards.source_page import SourcePage
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import sglang, triton, vllm
from llmdash.sources.source import Source


def lines(source: Source, name: str) -> list[str]:
    page = SourcePage(source)
    return [line.legend for line in quantile_lines(page, page.distribution(name), name)]


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        (vllm(), "time_to_first_token", ["p50", "p90", "p95", "p99", "mean"]),
        (
            vllm(),
            "prompt_length",
            ["{{model_name}} p50", "{{model_name}} p95", "{{model_name}} mean"],
        ),
        (vllm(max_model_len=4096), "prompt_length", ["p50", "p90", "p95", "p99", "mean"]),
        (sglang(), "prompt_length", ["p50", "p90", "p95", "p99", "mean"]),
        (triton(), "end_to_end_latency", ["mean"]),
    ],
)
def test_lines_are_what_the_buckets_allow(source: Source, name: str, expected: list[str]) -> None:
    """Edges that end at a model's length keep models apart; a mean is all that some know."""
    assert expected == lines(source, name)


@pytest.mark.parametrize(
    ("source", "repeat"), [(vllm(), "model"), (vllm(max_model_len=4096), None), (sglang(), None)]
)
def test_a_heatmap_is_of_one_model_where_edges_differ(source: Source, repeat: str | None) -> None:
    """Where every model has the same edges, one heatmap shows all that are chosen."""
    (found,) = heatmap(SourcePage(source), "prompt_length", "lengths", "Prompt length", "How long.")

    assert repeat == found.repeat
    assert (" of $model" in found.title) == (repeat is not None)


def test_a_mean_has_no_heatmap() -> None:
    """Without buckets there is nothing to draw, and without an answer nothing at all."""
    assert [] == list(heatmap(SourcePage(triton()), "queue_time", "queue", "Queue", "How long."))
    assert [] == list(quantile_panel(SourcePage(triton()), "decode_time", "d", "Decode", "Long."))


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        (vllm(), "end_to_end_latency", "Buckets end at 7,680 seconds"),
        (triton(), "time_to_first_token", "Buckets end at 5 seconds"),
        (vllm(), "prompt_length", ""),
        (triton(), "queue_time", ""),
    ],
)
def test_the_last_edge_is_said_in_the_unit_shown(source: Source, name: str, expected: str) -> None:
    """A millisecond histogram says seconds; where models differ there is no one last edge."""
    said = top_edge(SourcePage(source).distribution(name))

    assert expected == said.partition(":")[0]


def test_a_description_ends_with_what_the_source_says() -> None:
    """The same panel means a little less on some engines, and says so there."""
    page = SourcePage(vllm())

    (found,) = quantile_panel(page, "queue_time", "queue", "Queue time", "How long they wait.")

    assert (
        "How long they wait. Written when a request finishes: a stuck queue shows only once it "
        "drains. Buckets end at 7,680 seconds: a line there may be worse than it looks."
        == found.description
    )
    assert "or" not in to_text(found.queries[0].expr, GRAFANA).split()

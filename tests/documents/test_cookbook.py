"""`cookbook.md`: every answer as a query that can be copied, over recordings and by each exporter."""

from __future__ import annotations

import re

import promql_parser
import pytest

from llmdash.documents.cookbook import cookbook
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.promql.windows import Duration
from llmdash.signals import SIGNALS
from llmdash.sources import triton, vllm

LAYER = Layer((vllm(), triton()), Intervals(rate_window=Duration.parse("11m")))
PAGE = cookbook(LAYER)

Recipes = dict[tuple[str, str, str], str]


def recipes(page: str) -> Recipes:
    """Return each query by signal, section and name."""
    found: Recipes = {}
    asked = section = ""
    pattern = r"^## (.+)$|^### (.+)$|^(.+):\n\n```promql\n(.+)\n```$"
    for title, part, name, query in re.findall(pattern, page, flags=re.MULTILINE):
        asked, section = title or asked, part or section
        if query:
            found[asked, section, name] = query
    return found


RECIPES = recipes(PAGE)
RECORDED = "Over recordings, any source"


def test_every_answer_is_in_it() -> None:
    """A section for each signal that a source answers, and in it one for each that does."""
    assert {
        (asked.title, section)
        for asked in SIGNALS
        for section in (RECORDED, *(s.title for s in LAYER.sources if asked.name in s.answers))
        if LAYER.has(asked.name)
    } == {(asked, section) for asked, section, _ in RECIPES}
    assert [asked.title for asked in SIGNALS if LAYER.has(asked.name)] == re.findall(
        r"^## (.+)$", PAGE, flags=re.MULTILINE
    )


def test_gaps_are_left_out() -> None:
    """What nobody answers is no recipe."""
    assert "Requests swapped" not in PAGE
    assert "Requests swapped" in cookbook(Layer((vllm(v0=True),)))


@pytest.mark.parametrize(
    ("asked", "section", "name", "query"),
    [
        (
            "Requests",
            RECORDED,
            "per second",
            'sum by (source, model, outcome) (llm:requests:rate11m{role="engine"})',
        ),
        (
            "Requests",
            "vLLM",
            "per second, outcome error",
            'sum by (model) (label_replace(sum by (model_name) (rate(vllm:request_success_total{finished_reason="error", model_name!=""}[11m])), "model", "$1", "model_name", "(.+)"))',
        ),
        (
            "Requests",
            "Triton",
            "per second, outcome cancelled",
            'sum by (model) (rate(nv_inference_request_failure{reason="CANCELED", model!=""}[11m]))',
        ),
        (
            "Time to first token",
            RECORDED,
            "95th percentile",
            'histogram_quantile(0.95, sum by (source, model, le) (llm:time_to_first_token_seconds_bucket:rate11m{role="engine"}))',
        ),
        (
            "Time to first token",
            "Triton",
            "95th percentile",
            'histogram_quantile(0.95, sum by (model, le) (rate(nv_inference_first_response_histogram_ms_bucket{model!=""}[11m]))) / 1000',
        ),
        (
            "Queue time",
            "Triton",
            "mean",
            'sum by (model) (rate(nv_inference_queue_duration_us{model!=""}[11m])) / 1000000 / sum by (model) (rate(nv_inference_request_success{model!=""}[11m]))',
        ),
        (
            "Prefix cache hit ratio",
            RECORDED,
            "ratio",
            'sum by (source, model) (llm:prefix_cache_hits:rate11m{role="engine"}) / sum by (source, model) (llm:prefix_cache_queries:rate11m{role="engine"})',
        ),
        ("KV cache use", RECORDED, "greatest", 'llm:kv_cache_use_ratio:max{role="engine"}'),
        ("Targets up", "Triton", "number", 'count(up{job="triton"})'),
    ],
)  # fmt: skip
def test_a_recipe_is_the_query_of_the_dashboards(
    asked: str, section: str, name: str, query: str
) -> None:
    """Queries are printed from the answers, with the pack's own window."""
    assert query == RECIPES[asked, section, name]


def test_a_mean_has_no_quantile() -> None:
    """A source that knows only the mean has a recipe for the mean only."""
    names = {(section, name) for asked, section, name in RECIPES if asked == "Tokens per iteration"}

    assert {(RECORDED, "mean"), ("vLLM", "mean")} == names
    assert ("Queue time", "Triton", "95th percentile") not in RECIPES


@pytest.mark.parametrize("place", RECIPES, ids=" / ".join)
def test_every_block_parses(place: tuple[str, str, str]) -> None:
    """Each query is PromQL to a parser that is not ours, as it stands."""
    promql_parser.parse(RECIPES[place])


def test_every_block_was_looked_at() -> None:
    """No block of code escapes the tests above, and none asks for what only Grafana fills in."""
    assert PAGE.count("```promql\n") == len(RECIPES) == PAGE.count("```\n")
    assert [] == [query for query in RECIPES.values() if "$_" in query]


def test_two_of_one_exporter_are_told_apart() -> None:
    """Each source has a section of its own."""
    layer = Layer((vllm(job="east"), vllm(name="west", job="west")))
    sections = {section for asked, section, _ in recipes(cookbook(layer)) if asked == "Requests"}

    assert {RECORDED, "vLLM", "vLLM west"} == sections

"""Traffic pages: the share of errors whichever counters exist yet, cached tokens, lengths."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.dashboards.engine.traffic import engine_traffic, failed_share, traffic_rows
from llmdash.dashboards.panel_rows import panel_keys
from llmdash.dashboards.source_page import SourcePage
from llmdash.layer import Layer
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.sources import sglang, triton, triton_trtllm, trtllm
from llmdash.sources.source import Source
from tests.dashboards.judged_by_promtool import judged

CHOSEN = 'model_name!="", model_name=~"$model", instance=~"$instance"'


def share() -> str:
    found = failed_share(SourcePage(trtllm()))
    assert found is not None
    return to_text(found, GRAFANA)


def test_a_counter_that_is_not_born_counts_nothing() -> None:
    """Zero stands in for a counter without a first event, but only while another one counts."""
    ok, failed = (
        f"sum(rate(trtllm_request_success_total{{finished_reason{reasons}, {CHOSEN}}}"
        "[$__rate_interval]))"
        for reasons in ('!~"timeout|not_finished"', '="timeout"')
    )

    assert f"({failed} or {ok} * 0) / (({ok} or {failed} * 0) + ({failed} or {ok} * 0))" == share()


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ({"stop": "0+30x20"}, 0),
        ({"stop": "0+30x20", "timeout": "0+10x20"}, 0.25),
        ({"timeout": "0+10x20"}, 1),
        ({"stop": "5+0x20"}, float("nan")),
        ({}, None),
    ],
)
def test_errors_are_right_before_the_first_one(
    promtool: Path, tmp_path: Path, series: dict[str, str], expected: float | None
) -> None:
    """None counted is zero, all counted is one, no traffic is NaN, and no server is no value."""
    lines = {
        f'trtllm_request_success_total{{finished_reason="{reason}", model_name="m", '
        'instance="a:1", job="trtllm"}': values
        for reason, values in series.items()
    }

    assert "" == judged(promtool, tmp_path, share(), lines, expected)


def test_without_a_count_of_errors_there_is_no_share() -> None:
    """SGLang counts errors nowhere: a zero would be a promise, so the tile says why there is none."""
    source = sglang()
    found = engine_traffic(source, Layer((source,)))

    assert None is failed_share(SourcePage(source))
    assert found is not None
    assert "error-share-now" not in panel_keys(found.rows)
    assert "Errors are counted nowhere" in found.panel("requests-now").description


@pytest.mark.parametrize(
    ("source", "there", "missing"),
    [
        (
            sglang(),
            {"cached-share", "cached-by-source", "computed-length", "prompt-length-heatmap"},
            {"max-generation-tokens", "error-share-now"},
        ),
        (trtllm(), {"cached-share", "error-share-now"}, {"cached-by-source", "prompt-length"}),
        (triton_trtllm(), {"tokens", "prompt-length-heatmap"}, {"cached-share"}),
        (triton(), {"outcomes", "error-share-now"}, {"tokens", "prompt-length"}),
    ],
)
def test_a_page_shows_what_its_source_answers(
    source: Source, there: set[str], missing: set[str]
) -> None:
    """Tokens and lengths only where they are told; tiers only where tokens name one."""
    keys = panel_keys(traffic_rows(SourcePage(source)))

    assert there <= keys
    assert set() == missing & keys


def test_tiers_are_called_as_the_exporter_calls_them() -> None:
    """No label is renamed on a page of one source: the reader finds it in the exporter's words."""
    source = sglang()
    found = engine_traffic(source, Layer((source,)))
    assert found is not None

    (query,) = found.panel("cached-by-source").queries

    assert "{{cache_source}}" == query.legend
    assert (
        f"sum by (cache_source) (rate(sglang:cached_tokens_total{{{CHOSEN}}}[$__rate_interval]))"
        == to_text(query.expr, GRAFANA)
    )

"""The gateway's page: failures as shares of all, by class of prompt, and beside the engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.gateway.errors import UPSTREAM_ERRORS
from llmdash.dashboards.gateway.overview import gateway_overview
from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import Table
from llmdash.dashboards.style import OUTCOMES, PROMPT_CLASSES, STATUS_CLASSES
from llmdash.layer import Layer
from llmdash.metrics import gateway as metrics
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.rewrite import selectors
from llmdash.sources import dcgm, gateway, triton, vllm
from llmdash.sources.source import Source
from tests.dashboards.judged_by_promtool import judged

CHOSEN = 'model!="", model=~"$model", instance=~"$instance"'
ALL = f"rate(gateway_requests_total{{{CHOSEN}}}[$__rate_interval])"
LEFT = f'rate(gateway_requests_total{{{CHOSEN}, outcome="cancelled"}}[$__rate_interval])'
FAILED = f'rate(gateway_requests_total{{{CHOSEN}, outcome="error"}}[$__rate_interval])'

#: A line of Grafana's grid is 38 px high, and a screen of 1080 px has room for this many.
LINES_OF_A_SCREEN = 27


def page(*behind: Source, name: str = "gateway") -> Dashboard:
    own = gateway(name=name)
    return gateway_overview(own, Layer((*behind, own)))


def text(dashboard: Dashboard, panel: str, query: str) -> str:
    found = {each.key: each for each in dashboard.panel(panel).queries}
    return to_text(found[query].expr, GRAFANA)


@pytest.mark.parametrize(
    ("panel", "query", "expected"),
    [
        ("error-share-now", "share", f"(sum({FAILED}) or sum({ALL}) * 0) / sum({ALL})"),
        (
            "class-errors",
            "share",
            f"(sum by (prompt_class) ({FAILED}) or sum by (prompt_class) ({ALL}) * 0)"
            f" / sum by (prompt_class) ({ALL})",
        ),
        (
            "cancelled-now",
            "share",
            f"(sum({LEFT}) or sum({ALL}) * 0) / sum({ALL})",
        ),
        (
            "upstream-errors",
            "rate",
            f"sum by (kind) (rate(gateway_upstream_errors_total{{{CHOSEN}}}[$__rate_interval]))",
        ),
        (
            "upstream-by-model",
            "timeout",
            "round(sum by (model) (increase(gateway_upstream_errors_total"
            f'{{{CHOSEN}, kind="timeout"}}[$__range])))',
        ),
        (
            "time-to-first-token-by-model",
            "p95",
            "histogram_quantile(0.95, sum by (model, le) (rate("
            f"gateway_time_to_first_token_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))",
        ),
        (
            "outcome-share",
            "share",
            f"sum by (outcome) ({ALL}) / ignoring (outcome) group_left () sum({ALL})",
        ),
        (
            "status-classes",
            "rate",
            "sum by (status_class) (label_replace(sum by (status_code) "
            f'(rate(gateway_requests_total{{{CHOSEN}, status_code!="499"}}[$__rate_interval])), '
            '"status_class", "$1", "status_code", "(.).*"))',
        ),
        (
            "class-time-to-first-token",
            "time-to-first-token-p95",
            "histogram_quantile(0.95, sum by (prompt_class, le) (rate("
            f"gateway_time_to_first_token_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))",
        ),
    ],
)
def test_what_is_asked(panel: str, query: str, expected: str) -> None:
    """A share keeps what it picks out of its lower side; a counter not yet born is zero, not absent."""
    assert expected == text(page(), panel, query)


def test_every_family_is_asked() -> None:
    """What the gateway exports is on its page."""
    asked = {
        selector.series.family
        for panel in page().panels()
        for query in panel.queries
        for selector in selectors(query.expr)
    }

    assert set() == {metric.name for metric in metrics.METRICS} - asked


def test_closed_values_have_their_colours() -> None:
    """Lines named by outcome or class are coloured by that name, the same on every page."""
    assert set(metrics.OUTCOMES) == set(OUTCOMES)
    assert set(metrics.PROMPT_CLASSES) == set(PROMPT_CLASSES)
    kinds = metrics.GATEWAY_UPSTREAM_ERRORS_TOTAL.labels.allowed("kind") or ()
    assert set(kinds) == set(UPSTREAM_ERRORS)


@pytest.mark.parametrize(
    ("panel", "refused"), [("status-codes", "refused"), ("status-classes", "rate")]
)
def test_who_left_was_not_refused(panel: str, refused: str) -> None:
    """499 has a line of its own, in the colour of cancelled requests; no other line counts it."""
    left = next(query for query in page().panel(panel).queries if query.key == "cancelled")

    assert ("499 cancelled", OUTCOMES["cancelled"]) == (left.legend, left.color)
    assert 'status_code="499"' in text(page(), panel, "cancelled")
    assert 'status_code!="499"' in text(page(), panel, refused)


def test_a_status_has_the_colour_of_its_class() -> None:
    """What failed is drawn in shades of one colour and what was refused in another's."""
    colors = {query.key: query.color for query in page().panel("status-codes").queries}

    assert STATUS_CLASSES["5xx"] == colors["failed"]
    assert STATUS_CLASSES["4xx"] == colors["refused"]


#: A request each 15 s that was answered, refused for its key, left by its client, or that failed.
ENDED = {
    f'gateway_requests_total{{model="m",instance="a",status_code="{status}"}}': "0+1x20"
    for status in ("200", "401", "499", "503")
}
KEYS = 'gateway_auth_failures_total{instance="a",reason="missing"}'


@pytest.mark.parametrize(
    ("panel", "series", "expected"),
    [
        ("server-errors-now", ENDED, 20.0),
        ("client-errors-now", ENDED, 20.0),
        ("auth-failures-now", {**ENDED, KEYS: "0+2x20"}, 40.0),
        ("auth-failures-now", ENDED, 0.0),
        ("rate-limited-now", ENDED, 0.0),
        ("rate-limited-now", {KEYS: "0+2x20"}, None),
    ],
)
def test_refusals_are_requests_of_the_time_on_screen(
    panel: str, series: dict[str, str], expected: float | None, promtool: Path, tmp_path: Path
) -> None:
    """Each is counted, 499 with none of them; what was never counted is zero beside what was."""
    asked = text(page(), panel, "total").replace("$__range", "5m")

    assert "" == judged(promtool, tmp_path, asked, series, expected)


def test_engines_that_fail_are_listed_worst_first() -> None:
    """Kinds of error stand side by side for each model; none at all is no missing data."""
    table = page().panel("upstream-by-model")

    assert isinstance(table, Table)
    assert ["All", *(kind.capitalize() for kind in UPSTREAM_ERRORS)] == [
        column.title for column in table.columns
    ]
    assert ("All", "none yet") == (table.sort_by, table.no_value)


def test_models_share_a_graph_and_have_their_own_below() -> None:
    """Who suffers is one graph a question; the panels of each model wait in a closed row."""
    repeated = {row.key: row.collapsed for row in page().rows if any(p.repeat for p in row.panels)}
    suffering = next(row for row in page().rows if row.key == "by-model")

    assert {"models": True} == repeated
    assert not suffering.collapsed
    assert {("model",)} == {
        query.legend_labels for panel in suffering.panels for query in panel.queries
    }


def test_the_open_part_is_short() -> None:
    """An operator scrolls three screens at most; what is asked next is one click away."""
    shown = render(page(vllm()))["panels"]

    assert 3 * LINES_OF_A_SCREEN >= max(
        each["gridPos"]["y"] + each["gridPos"]["h"] for each in shown if each["type"] != "row"
    )


def test_without_engines_nothing_is_compared() -> None:
    """A pack with the gateway alone has no row of engines; a GPU is none."""
    assert "engines" not in {row.key for row in page().rows}
    assert "engines" not in {row.key for row in page(dcgm()).rows}
    assert "engines" in {row.key for row in page(vllm()).rows}


def test_an_engine_without_tokens_is_compared_by_what_it_has() -> None:
    """Triton counts requests and no tokens, so the panel of tokens is left out."""
    keys = {panel.key for panel in page(triton()).panels()}

    assert {"both-requests", "added-first-token"} <= keys
    assert "both-tokens" not in keys


def test_what_the_gateway_adds_is_a_difference_of_means() -> None:
    """Quantiles cannot be subtracted; sums and counts of either side by one model can be compared."""

    def mean(where: str) -> str:
        return " / ".join(
            f'sum by (model) (llm:time_to_first_token_seconds_{part}:rate5m{{role="{where}}})'
            for part in ("sum", "count")
        )

    ours = mean('gateway", model=~"$model", source="edge"')
    theirs = mean('engine", model=~"$model"')

    assert f"{ours} - {theirs}" == text(page(vllm(), name="edge"), "added-first-token", "added")

"""The gateway's page: failures as shares of all, by class of prompt, and beside the engines."""

from __future__ import annotations

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.gateway.overview import gateway_overview
from llmdash.dashboards.style import OUTCOMES, PROMPT_CLASSES
from llmdash.layer import Layer
from llmdash.metrics import gateway as metrics
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.rewrite import selectors
from llmdash.sources import dcgm, gateway, triton, vllm
from llmdash.sources.source import Source

CHOSEN = 'model!="", model=~"$model", instance=~"$instance"'
ALL = f"rate(gateway_requests_total{{{CHOSEN}}}[$__rate_interval])"
FAILED = f'rate(gateway_requests_total{{{CHOSEN}, outcome="error"}}[$__rate_interval])'


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
            "server-errors-now",
            "share",
            f'(sum(rate(gateway_requests_total{{{CHOSEN}, status_code=~"5.."}}[$__rate_interval]))'
            f" or sum({ALL}) * 0) / sum({ALL})",
        ),
        (
            "outcome-share",
            "share",
            f"sum by (outcome) ({ALL}) / ignoring (outcome) group_left () sum({ALL})",
        ),
        (
            "status-classes",
            "rate",
            f"sum by (status_class) (label_replace(sum by (status_code) ({ALL}), "
            '"status_class", "$1", "status_code", "(.).*"))',
        ),
        (
            "class-time-to-first-token",
            "time-to-first-token-p95",
            "histogram_quantile(0.95, sum by (prompt_class, le) (rate("
            f"gateway_time_to_first_token_seconds_bucket{{{CHOSEN}}}[$__rate_interval])))",
        ),
        (
            "auth-failures-now",
            "rate",
            'sum(rate(gateway_auth_failures_total{instance=~"$instance"}[$__rate_interval]))'
            f" or sum({ALL}) * 0",
        ),
        (
            "streams-now",
            "streams",
            f'sum(gateway_active_requests{{{CHOSEN}, stream="true"}})',
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

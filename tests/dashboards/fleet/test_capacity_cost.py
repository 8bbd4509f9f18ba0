"""Money: the pack's own prices, idle time paid for, in the currency that titles name."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.dashboards.fleet.capacity_cost import Cost, cost_panels
from llmdash.dashboards.fleet.energy import ALL_TOKENS, WRITTEN, Energy
from llmdash.dashboards.panels import TimeSeries
from llmdash.pack import Pack
from llmdash.prices import Prices
from llmdash.promql.nodes import Expr
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.units import MONEY_PER_HOUR, MONEY_PER_MILLION_TOKENS
from llmdash.sources import dcgm, triton, vllm
from tests.dashboards.fleet.test_energy import FLEET, GPUS, ONLY_BUSY
from tests.dashboards.judged_by_promtool import judged

PLACED = Energy(Pack(sources=(vllm(), dcgm()), target_gpus=GPUS).layer)
UNKNOWN = Energy(Pack(sources=(vllm(), dcgm())).layer)
BOTH = Prices(per_kwh=0.5, per_gpu_hour=2, currency="EUR")
POWER = Prices(per_kwh=0.5)
RENT = Prices(per_gpu_hour=2)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (
            BOTH,
            'sum(llm:gpu_power_watts:sum{role="gpu"}) * 0.5 / 1000 + '
            'sum(llm:gpu_power_watts:count{role="gpu"}) * 2',
        ),
        (POWER, 'sum(llm:gpu_power_watts:sum{role="gpu"}) * 0.5 / 1000'),
        (RENT, 'sum(llm:gpu_power_watts:count{role="gpu"}) * 2'),
    ],
    ids=["both", "power", "rent"],
)
def test_an_hour_costs_what_is_paid_for(prices: Prices, expected: str) -> None:
    """A price that the pack leaves out is no part of the sum."""
    cost = Cost(UNKNOWN, prices).now()

    assert (expected, MONEY_PER_HOUR) == (to_text(cost, GRAFANA), cost.unit)


def test_a_token_costs_an_hour_over_its_tokens() -> None:
    """Power, GPUs and tokens are added up over one hour, sample by sample."""
    cost = Cost(UNKNOWN, BOTH).per_token(WRITTEN)

    assert (
        '(sum(sum_over_time(llm:gpu_power_watts:sum{role="gpu"}[1h])) * 0.5 / 1000 + '
        'sum(sum_over_time(llm:gpu_power_watts:count{role="gpu"}[1h])) * 2) / '
        'sum(sum_over_time(llm:generation_tokens:rate5m{role="engine"}[1h])) * 277.777777778'
    ) == to_text(cost, GRAFANA)
    assert MONEY_PER_MILLION_TOKENS == cost.unit


@pytest.mark.parametrize(
    ("expression", "series", "expected"),
    [
        # 0.7 kW at 0.5, one GPU at 2: 2.35 an hour, in which 1.26 million tokens are written.
        (Cost(PLACED, BOTH).now(), ONLY_BUSY, 2.35),
        (Cost(PLACED, BOTH).per_token(WRITTEN), ONLY_BUSY, 2.35 / 1.26),
        (Cost(PLACED, BOTH).per_token(ALL_TOKENS), ONLY_BUSY, 2.35 / 5.04),
        (Cost(PLACED, RENT).per_token(WRITTEN), ONLY_BUSY, 2 / 1.26),
        # With everybody's 1 kW and 13 GPUs on the same answers.
        (Cost(PLACED, BOTH).per_token(WRITTEN), FLEET, 26.5 / 1.26),
        # Silent and unplaced: 220 W and four GPUs.
        (Cost(PLACED, BOTH).of_idling(), FLEET, 8.11),
        (Cost(PLACED, BOTH).of_idling(), ONLY_BUSY, 0.0),
    ],
    ids=["hour", "written", "all tokens", "rent", "idle included", "idling", "nobody idles"],
)
def test_costs(
    promtool: Path, tmp_path: Path, expression: Expr, series: dict[str, str], expected: float
) -> None:
    """The bill of the hour is paid by its tokens, whoever made none of them."""
    text = f"round({to_text(expression, GRAFANA)}, 0.0001)"

    assert "" == judged(promtool, tmp_path, text, series, round(expected, 4))


def test_a_gpu_of_half_an_hour_costs_half(promtool: Path, tmp_path: Path) -> None:
    """A GPU that came or went counts for as long as it was there, not for its average."""
    rented = 'llm:gpu_power_watts:count{role="gpu",source="dcgm",model="busy"}'
    series = {**ONLY_BUSY, rented: "1x9 _x20"}
    cost = to_text(Cost(PLACED, RENT).per_token(WRITTEN), GRAFANA)

    # Ten of the 21 samples up to the fifth minute.
    assert "" == judged(
        promtool, tmp_path, f"round({cost}, 0.0001)", series, round(2 / 1.26 * 10 / 21, 4)
    )


def test_titles_name_the_currency() -> None:
    """Grafana is told no currency sign: whose money it is, the pack knows."""
    panels = list(cost_panels(PLACED, BOTH))

    assert 7 == len(panels)
    assert [] == [panel.title for panel in panels if not panel.title.endswith(", EUR")]
    assert "at 0.5 a kilowatt-hour of the GPUs' own power and 2 a GPU-hour (EUR)" in (
        panels[0].description
    )


def test_without_prices_there_is_no_money() -> None:
    """Nothing is guessed; and where no tokens or models are known, only the bill itself is left."""
    alone = Energy(Pack(sources=(triton(), dcgm())).layer)

    assert [] == list(cost_panels(PLACED, None))
    assert ["cost-per-hour-now", "cost-per-hour"] == [p.key for p in cost_panels(alone, RENT)]
    assert "idle-cost-now" not in [panel.key for panel in cost_panels(UNKNOWN, RENT)]


def test_models_have_the_colours_of_other_panels() -> None:
    """Grafana hands out colours in order: a line before the models' would move all of theirs."""
    graphs = [each for each in cost_panels(PLACED, BOTH) if isinstance(each, TimeSeries)]

    assert 3 == len(graphs)
    assert {"model"} == {graph.queries[0].key for graph in graphs}

"""The fleet's page: who suffers is seen first, and no number is read off buckets that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmdash.dashboards.dashboard import Dashboard
from llmdash.dashboards.fleet.overview import fleet
from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import Stat, Table
from llmdash.dashboards.policy import KV_CACHE, QUEUE
from llmdash.layer import Layer
from llmdash.pack import DEFAULT
from llmdash.sources import dcgm, gateway, sglang, triton, vllm
from tests.oracle import violations

ALIKE = Layer((vllm(job="one"), vllm(name="vllm-canary", job="canary"), gateway()))
UNLIKE = Layer((vllm(), sglang(), gateway()))


def page(layer: Layer) -> Dashboard:
    found = fleet(layer)
    assert found is not None
    return found


def table(layer: Layer) -> Table:
    found = page(layer).panel("models")
    assert isinstance(found, Table)
    return found


@pytest.mark.parametrize(
    "layer",
    [ALIKE, UNLIKE, Layer((triton(),)), DEFAULT.layer],
    ids=["alike", "unlike", "Triton", "everything"],
)
def test_the_page_is_valid(layer: Layer, grafana_schemas: Path) -> None:
    """Nothing is wrong with it, by our own checks and by Grafana's schemas."""
    assert () == page(layer).problems()
    assert [] == violations(render(page(layer)), grafana_schemas)


def test_without_engines_there_is_no_page() -> None:
    """A gateway and GPUs are no fleet of models."""
    assert fleet(Layer((gateway(), dcgm()))) is None


def test_the_table_judges_first() -> None:
    """Columns with a colour come before those without, and the longest queue is on top."""
    found = table(UNLIKE)

    assert [
        "errors", "requests-waiting", "kv", "ttft", "itl",
        "e2e", "requests-running", "requests", "generation",
    ] == [column.query_key for column in found.columns]  # fmt: skip
    assert [True] * 5 + [False] * 4 == [bool(column.thresholds) for column in found.columns]
    assert ("Waiting", True) == (found.sort_by, found.descending)


def test_limits_end_where_buckets_do() -> None:
    """Triton's end at 5 s: it turns orange at 2 s and can never be seen at 10 s."""
    limits = {
        name: next(c.thresholds for c in table(layer).columns if c.query_key == "ttft")
        for name, layer in (("triton", Layer((triton(),))), ("vllm", UNLIKE))
    }

    assert [2] == [limit.value for limit in limits["triton"]]
    assert [2, 10] == [limit.value for limit in limits["vllm"]]


def test_tiles_judge_first() -> None:
    """What is down, fails, waits or is full stands before how much is done, and has a colour."""
    tiles = [panel for panel in page(UNLIKE).panels() if isinstance(panel, Stat)]
    colored = [bool(tile.thresholds) for tile in tiles]

    assert [True] * 4 + [False] * 2 == colored
    assert {"waiting-now": QUEUE, "kv-cache-now": KV_CACHE} == {
        tile.key: tile.thresholds for tile in tiles if tile.key in ("waiting-now", "kv-cache-now")
    }

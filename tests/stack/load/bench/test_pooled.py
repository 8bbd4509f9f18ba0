"""Percentiles of several rounds are those of all their requests."""

from __future__ import annotations

import random

import pytest

from llmstack.load.bench.pooled import curve, percentiles, pooled
from llmstack.load.distribution import Distribution


def runs(*values: list[float]) -> list[dict[str, dict[str, str]]]:
    made = []
    for each in values:
        seen = Distribution()
        seen.extend(each)
        made.append({"histograms": {"ttft": seen.encoded()}})
    return made


def test_percentiles_are_of_all_requests_and_no_mean() -> None:
    """Ninety fast answers of one round and ten slow ones of another: the mean of two p95 is none."""
    found = pooled(runs([0.1] * 90, [1.0] * 10), "ttft")

    assert found is not None
    assert [0.1, 1.0] == pytest.approx(percentiles(found, [50, 95]), rel=2e-3)


def test_what_is_added_up_is_as_exact_as_one_run() -> None:
    """A part in a thousand, of three rounds whose times are known."""
    chance = random.Random(3)
    all_of = [[chance.lognormvariate(-3, 1) for _ in range(3000)] for _ in range(3)]
    found = pooled(runs(*all_of), "ttft")
    exact = sorted(value for each in all_of for value in each)

    assert found is not None
    assert [exact[4499], exact[8549], exact[8909]] == pytest.approx(percentiles(found, [50, 95, 99]), rel=3e-3)  # fmt: skip


def test_a_curve_ends_where_nothing_is_known() -> None:
    """Of a hundred requests there is a p99, and no p99.9."""
    found = pooled(runs([0.1] * 60, [0.2] * 40), "ttft")
    points = curve(found)

    assert (5, 99) == (points[0][0], points[-1][0])


def test_where_nothing_was_seen_nothing_is_told() -> None:
    """A run without the latency is left out."""
    assert pooled(runs([0.1]), "itl") is None
    assert pooled([], "ttft") is None

"""Differences are told where there are some, and nowhere else."""

from __future__ import annotations

import random

import pytest

from llmstack.load.bench.columns import Column, Comparison
from llmstack.load.bench.differences import Difference, differences
from llmstack.load.bench.student import CONFIDENCE
from tests.stack.load.bench.benches import bench, run
from tests.stack.load.made import failed


def of(comparison: Comparison, key: str) -> Difference:
    (found,) = [each for each in differences(comparison) if each.figure.key == key]
    return found


def test_a_slower_server_is_told() -> None:
    """Twice the time in each round is 100 % slower, whatever rounds have in common."""
    found = of(bench({"inn": [0.1, 0.2, 0.4], "barn": [0.2, 0.4, 0.8]}), "ttft_p50")

    assert found.is_told
    # The histogram has three figures.
    assert 1.0 == pytest.approx(found.share, rel=0.01)
    assert "TTFT p50: barn is 100.0 % slower (100.0 to 100.0)" == found.told()


def test_a_faster_server_is_told() -> None:
    """A quarter less is 25 % faster."""
    found = of(bench({"inn": [0.2, 0.4, 0.8], "barn": [0.15, 0.3, 0.6]}), "ttft_p95")

    assert found.told().startswith("TTFT p95: barn is 25.0 % faster (2")


def test_it_does_not_matter_who_is_first() -> None:
    """Whoever is a third of the other is told so, or told to be three times as long, alike."""
    times = {"inn": [0.10, 0.21, 0.40], "barn": [0.31, 0.60, 1.25]}
    one = of(bench(times), "ttft_p50")
    other = of(bench(dict(reversed(times.items()))), "ttft_p50")

    assert one.is_told
    assert other.is_told
    assert 1.0 == pytest.approx((1 + one.share) * (1 + other.share))
    assert [1.0, 1.0] == pytest.approx([(1 + a) * (1 + b) for a, b in zip(one.bounds, reversed(other.bounds), strict=True)])  # fmt: skip


def test_what_rounds_differ_by_is_no_difference_of_servers() -> None:
    """Each is as often the slower one."""
    found = of(bench({"inn": [0.1, 0.2, 0.1], "barn": [0.2, 0.1, 0.11]}), "ttft_p50")

    assert not found.is_told
    assert found.told().startswith("TTFT p50: no difference can be told (barn +")


def test_equal_servers_are_told_to_differ_in_one_comparison_of_twenty() -> None:
    """In any of their figures: of 600 comparisons of equal servers at most 5 %, and some margin."""
    chance = random.Random(7)
    claims = 0
    many = 600
    comparison = bench({"inn": [0.5] * 4, "barn": [0.5] * 4})
    for _ in range(many):
        for one in comparison.runs:
            # Figures that move freely of each other, which is the worst that can be.
            one["rates"]["answer_tokens"] = chance.gauss(100, 5)
            for metric in ("ttft", "itl", "e2e"):
                for percent in ("p50", "p95"):
                    one["latency"][metric][percent] = chance.gauss(1, 0.05)
        claims += any(each.is_told for each in differences(comparison))

    assert claims <= many * (1 - CONFIDENCE) * 1.5
    assert 0 < claims


def test_all_are_told_beside_the_first() -> None:
    """Two others have a difference each in each figure."""
    found = differences(bench({name: [0.1, 0.2] for name in ("inn", "barn", "mill")}))

    assert {("barn", "inn"), ("mill", "inn")} == {(each.of, each.beside) for each in found}


def test_refusing_requests_makes_no_server_faster() -> None:
    """A round in which more than one of a hundred failed has no latency to compare, but a rate."""
    inn = Column("inn", {n: run("inn", n, 0.2) for n in (1, 2, 3)})
    barn = Column(
        "barn", {n: run("barn", n, 0.1, *([failed()] if n > 1 else [])) for n in (1, 2, 3)}
    )
    found = {each.figure.key: each for each in differences(Comparison([inn, barn], is_paired=True))}

    assert "ttft_p50" not in found
    assert 3 == found["tokens"].interval.count


@pytest.mark.parametrize(
    "comparison",
    [
        bench({"inn": [0.1], "barn": [0.2]}),
        bench({"inn": [0.1, 0.2]}),
        Comparison(bench({"inn": [0.1, 0.1], "barn": [0.9, 0.9]}).columns, is_paired=False),
    ],
    ids=["one round", "one server", "other requests"],
)
def test_what_cannot_be_paired_has_no_difference(comparison: Comparison) -> None:
    """However far apart the figures are."""
    assert [] == differences(comparison)

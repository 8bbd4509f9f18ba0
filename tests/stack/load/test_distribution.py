"""Percentiles are true to a part in a thousand, and what is added up is as if it were one."""

from __future__ import annotations

import math
import random

import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from llmstack.load.distribution import LONGEST, Distribution, _rounded

DRAWN = [random.Random(7).lognormvariate(math.log(0.02), 1.0) for _ in range(20_000)]


def of(*values: float) -> Distribution:
    made = Distribution()
    made.extend(values)
    return made


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 99.9, 100])
def test_percentiles_are_true(percent: float) -> None:
    """To a thousandth, or to a step where that is more."""
    exact = sorted(DRAWN)[math.ceil(percent / 100 * len(DRAWN)) - 1]

    assert exact == pytest.approx(of(*DRAWN).percentile(percent), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("count", [1, 2, 20, 32, 100, 1000])
@pytest.mark.parametrize("percent", [50, 95, 99, 99.9])
def test_of_few_it_is_one_of_them(count: int, percent: float) -> None:
    """The first that so many percent do not exceed, as a server's buckets have it."""
    rank = math.ceil(round(percent * count / 100, 6))

    assert 0.1 * rank == pytest.approx(of(*(0.1 * each for each in range(1, count + 1))).percentile(percent), rel=1e-3)  # fmt: skip


def test_of_none_there_is_none() -> None:
    """No percentile and no mean."""
    assert (None, None, 0) == (of().percentile(50), of().mean, of().count)


def test_what_is_merged_is_as_if_seen_together() -> None:
    """Percentiles are of all values, not means of percentiles."""
    merged = of(*DRAWN[:5000])
    merged.merge(of(*DRAWN[5000:]))
    merged.merge(of())
    whole = of(*DRAWN)

    assert whole.percentile(95) == merged.percentile(95)
    assert (whole.count, whole.least, whole.most) == (merged.count, merged.least, merged.most)
    assert whole.mean == pytest.approx(merged.mean)


def test_one_may_be_told_at_a_time() -> None:
    """As well as many; and several percentiles are asked for at once."""
    made = of(0.5)
    made.add(0.1)

    assert (2, 0.5, 0.1) == (made.count, made.most, made.least)
    assert [pytest.approx(0.1, rel=1e-3), 0.5] == made.percentiles([50, 99])
    assert 0.3 == pytest.approx(made.mean)


def test_what_is_longer_than_the_longest_keeps_its_place() -> None:
    """No value is refused; the most is told as it was."""
    made = of(0.0, 2 * LONGEST)

    assert 2 * LONGEST == made.most
    assert LONGEST == pytest.approx(made.percentile(100), rel=1e-2)


def test_what_is_counted_together_the_histogram_does_not_tell_apart() -> None:
    """So counting before recording costs no figure."""
    told = HdrHistogram(1, 10**9, 3)
    drawn = random.Random(7)
    steps = [*range(1, 10_000), *(int(10 ** drawn.uniform(0, 9)) for _ in range(10_000))]

    assert all(told.values_are_equivalent(each, _rounded(each)) for each in steps)
    assert 9000 > len({_rounded(each) for each in range(20_000)})

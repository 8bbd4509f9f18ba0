"""Intervals of confidence are those of the tables."""

from __future__ import annotations

import pytest

from llmstack.load.bench.student import Interval, interval, t_quantile, t_share


@pytest.mark.parametrize(
    ("freedom", "at_95", "at_99"),
    [
        (1, 12.706, 63.657),
        (2, 4.303, 9.925),
        (3, 3.182, 5.841),
        (4, 2.776, 4.604),
        (5, 2.571, 4.032),
        (10, 2.228, 3.169),
        (29, 2.045, 2.756),
        (120, 1.980, 2.617),
    ],
)
def test_quantiles_are_those_of_the_table(freedom: int, at_95: float, at_99: float) -> None:
    """Two-sided, to the three decimals of https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm."""
    assert at_95 == pytest.approx(t_quantile(0.95, freedom), abs=6e-4)
    assert at_99 == pytest.approx(t_quantile(0.99, freedom), abs=6e-4)


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 31])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.9999])
def test_a_quantile_is_the_inverse_of_the_share(freedom: int, confidence: float) -> None:
    """What lies within it is what was asked for."""
    assert confidence == pytest.approx(t_share(t_quantile(confidence, freedom), freedom), rel=1e-9)


def test_an_interval_is_of_the_mean() -> None:
    """Of 9, 10 and 11 the deviation is 1: 4.303 of it over the root of three to either side."""
    found = interval([9.0, 10.0, 11.0])

    assert found is not None
    assert (10.0, 3) == (found.mean, found.count)
    assert 2.484 == pytest.approx(found.half, abs=1e-3)


def test_of_one_figure_nothing_is_known_but_itself() -> None:
    """It has no interval, and excludes nothing; of none there is not even a mean."""
    alone = interval([7.0])

    assert Interval(7.0, None, 1) == alone
    assert alone is not None
    assert not alone.excludes_0
    assert interval([]) is None


def test_an_interval_excludes_0_or_does_not() -> None:
    """Figures that all lie near 10 do; those on either side do not, however many there are."""
    near, around = interval([9.9, 10.0, 10.1]), interval([-1.0, 1.2] * 20)

    assert near is not None
    assert around is not None
    assert (True, False) == (near.excludes_0, around.excludes_0)

"""Axes have room for all values, and round marks."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llmstack.load.bench.scales import Scale, scale_of


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        ([3.0, 7.0], [0, 2, 4, 6, 8]),
        ([0.041], [0, 0.01, 0.02, 0.03, 0.04, 0.05]),
        ([100.0], [0, 20, 40, 60, 80, 100]),
        ([0.02, 3.0], [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]),
        ([0.001, 500.0], [0.001, 0.01, 0.1, 1, 10, 100]),
        ([0.0], [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
    ],
)
def test_marks_are_round(values: list[float], marks: list[float]) -> None:
    """From 0, or in powers where the least would lie on the axis beside the most."""
    assert marks == pytest.approx(scale_of(values, 0, 100).marks())


@pytest.mark.parametrize("values", [[3.0, 7.0], [0.02, 3.0], [0.1, 0.1], [5e-6, 9000.0]])
@pytest.mark.parametrize("from_0", [True, False])
def test_values_have_places_in_their_order(values: list[float], from_0: bool) -> None:
    """All between the ends, the larger further on."""
    scale = scale_of(values, 200, 20, from_0=from_0)
    places = [scale.place(value) for value in sorted(set(values))]

    assert all(20 <= place <= 200 for place in places)
    assert all(then > now for then, now in pairwise(places))


def test_what_is_outside_lies_at_the_end() -> None:
    """So that no line leaves its plot."""
    scale = Scale(1.0, 10.0, 0.0, 90.0)

    assert (0.0, 90.0) == (scale.place(-4.0), scale.place(11.0))

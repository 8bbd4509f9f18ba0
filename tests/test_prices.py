"""Prices are the pack's own: nothing is guessed, and nothing is below zero."""

from __future__ import annotations

import pytest

from llmdash.errors import PackError
from llmdash.prices import Prices


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "prices: expected per_kwh, per_gpu_hour or both, got neither"),
        ({"per_kwh": -0.07}, "prices: expected per_kwh of zero or more, got -0.07"),
        ({"per_gpu_hour": -7.0}, "prices: expected per_gpu_hour of zero or more, got -7"),
    ],
)
def test_prices_that_cannot_be_are_refused(given: dict[str, float], message: str) -> None:
    """The price that is wrong is named."""
    with pytest.raises(PackError) as caught:
        Prices(**given)  # type: ignore[arg-type]  # the currency is no number

    assert message == str(caught.value)


def test_one_price_is_enough() -> None:
    """Power may be paid for and GPUs owned, or the other way round; free power is a price."""
    assert (None, 1.3) == (Prices(per_gpu_hour=1.3).per_kwh, Prices(per_gpu_hour=1.3).per_gpu_hour)
    assert 0 == Prices(per_kwh=0, currency="EUR").per_kwh

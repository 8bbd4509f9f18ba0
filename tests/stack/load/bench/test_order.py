"""Everybody is asked once a round, and nobody always first."""

from __future__ import annotations

from collections import Counter

import pytest

from llmstack.load.bench.order import Order, rounds_of, seed_of, told

NAMES = ("inn", "barn", "mill")


def test_the_order_is_rotated() -> None:
    """Each is first, second and last as often as the others."""
    found = rounds_of(NAMES, 3, Order.ROTATED, 0)

    assert (("inn", "barn", "mill"), ("barn", "mill", "inn"), ("mill", "inn", "barn")) == found
    assert "1 inn, barn, mill; 2 barn, mill, inn; 3 mill, inn, barn" == told(found)


def test_of_many_rounds_the_first_are_told() -> None:
    """The rest goes on like that."""
    assert told(rounds_of(("inn",), 9, Order.ROTATED, 0)).endswith("6 inn; …")


@pytest.mark.parametrize("order", Order)
def test_everybody_is_asked_once_a_round(order: Order) -> None:
    """Whatever the order."""
    for line in rounds_of(NAMES, 20, order, 7):
        assert Counter(NAMES) == Counter(line)


def test_an_order_is_shuffled_by_the_seed() -> None:
    """Another seed, another order; the same seed, the same."""
    found = rounds_of(NAMES, 20, Order.SHUFFLED, 7)

    assert found == rounds_of(NAMES, 20, Order.SHUFFLED, 7)
    assert found != rounds_of(NAMES, 20, Order.SHUFFLED, 8)
    assert 3 <= len(set(found))


def test_rounds_have_seeds_of_their_own() -> None:
    """No two rounds, of no two seeds near each other, have the same requests."""
    assert 200 == len({seed_of(seed, number) for seed in range(10) for number in range(1, 21)})
    assert seed_of(3, 2) == seed_of(3, 2)

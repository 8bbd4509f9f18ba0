"""Buckets and reservations: nobody gets more than is theirs, and nothing is lost or given twice."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmstack.gateway.limits import (
    Bucket,
    Buckets,
    Refusal,
    Reservation,
    allowance,
    reserve,
)

AMOUNTS = st.floats(0, 100, allow_nan=False)
STEPS = st.floats(0, 90, allow_nan=False)


def test_a_bucket_refills_evenly_and_no_further() -> None:
    """Sixty a minute are one a second."""
    bucket = Bucket(60)
    bucket.take(60, 0)

    assert [0, 1, 30, 60, 60] == [bucket.level(now) for now in (0, 1, 30, 60, 600)]


@pytest.mark.parametrize(
    ("amount", "expected"), [(10, 0), (20, 0), (21, 1), (50, 30), (60, 40), (61, math.inf)]
)
def test_how_long_to_wait(amount: float, expected: float) -> None:
    """Until it is there; what is more than a full one never is."""
    bucket = Bucket(60)
    bucket.take(40, 0)

    assert expected == pytest.approx(bucket.wait_for(amount, 0))


def test_all_or_none() -> None:
    """Where one bucket lacks something, nothing is taken of the others; the longest wait is told."""
    requests, tokens = Bucket(60), Bucket(600)
    tokens.take(590, 0)
    refused = reserve([requests, tokens], [1, 100], 0)

    assert isinstance(refused, Refusal)
    assert (1, 9) == (refused.place, round(refused.wait, 9))
    assert (60, 10) == (requests.level(0), tokens.level(0))


def test_what_is_not_used_comes_back_once() -> None:
    """At the end of the request, however often that is said."""
    bucket = Bucket(600)
    found = reserve([bucket], [500], 0)
    assert isinstance(found, Reservation)
    found.settle([120], 0)
    found.settle([0], 0)
    found.cancel(0)

    assert 480 == bucket.level(0)


def test_what_is_used_beyond_is_owed() -> None:
    """The next has to wait until it is paid."""
    bucket = Bucket(60)
    found = reserve([bucket], [10], 0)
    assert isinstance(found, Reservation)
    found.settle([70], 0)

    assert -10 == bucket.level(0)
    refused = reserve([bucket], [1], 0)
    assert isinstance(refused, Refusal)
    assert 11 == round(refused.wait, 9)


def test_a_request_that_came_to_nothing_costs_nothing() -> None:
    """All of it comes back."""
    bucket = Bucket(60)
    found = reserve([bucket], [60], 0)
    assert isinstance(found, Reservation)
    found.cancel(0)

    assert 60 == bucket.level(0)


def test_as_headers_tell_it() -> None:
    """The limit, what is left of it, and when it is whole."""
    bucket = Bucket(60)
    bucket.take(90, 0)
    found = allowance(bucket, 0)

    assert (60, 0, 90) == (found.limit, found.remaining, round(found.reset, 9))


@given(st.integers(1, 200), st.lists(st.tuples(STEPS, AMOUNTS), max_size=40))
def test_nobody_gets_more_than_is_theirs(limit: int, asked: list[tuple[float, float]]) -> None:
    """Over any stretch of time what is admitted is at most one full bucket and what came back since."""
    bucket, now = Bucket(limit), 0.0
    admitted: list[tuple[float, float]] = []
    for step, amount in asked:
        now += step
        if isinstance(reserve([bucket], [amount], now), Reservation):
            admitted.append((now, amount))

    for place, (begin, _) in enumerate(admitted):
        for end, _ in admitted[place:]:
            taken = sum(amount for at, amount in admitted if begin <= at <= end)
            assert taken <= limit + (end - begin) * limit / 60 + 1e-6


@given(st.integers(1, 200), st.lists(st.tuples(AMOUNTS, AMOUNTS), max_size=20))
def test_what_runs_at_the_same_time_cannot_overshoot(
    limit: int, asked: list[tuple[float, float]]
) -> None:
    """All arrive at once: what they reserve together is never more than there is, whatever they use."""
    bucket = Bucket(limit)
    running = []
    for most, share in asked:
        found = reserve([bucket], [most], 0)
        if isinstance(found, Reservation):
            running.append((found, most, most * share / 100))
    assert sum(most for _, most, _ in running) <= limit + 1e-6
    for found, _, used in running:
        found.settle([used], 0)

    assert bucket.level(0) == pytest.approx(limit - sum(used for *_, used in running))


@given(st.integers(1, 200), AMOUNTS, STEPS)
def test_the_wait_is_enough_and_no_more(limit: int, taken: float, later: float) -> None:
    """After it the amount is there, and a moment before it is not."""
    bucket, amount = Bucket(limit), limit / 2
    bucket.take(taken, 0)
    wait = bucket.wait_for(amount, later)
    after = Bucket(limit)
    after.take(taken, 0)

    assert isinstance(reserve([after], [amount], later + wait + 1e-6), Reservation)
    if wait > 1:
        before = Bucket(limit)
        before.take(taken, 0)
        assert isinstance(reserve([before], [amount], later + wait - 1), Refusal)


def test_strangers_cannot_fill_the_memory() -> None:
    """Buckets that are full again go first; else whoever was seen longest ago."""
    held = Buckets(lambda: (Bucket(60),), most=3)
    for who in "abc":
        held.of(who, 0)[0].take(60, 0)
    held.of("a", 1)
    held.of("d", 1)

    assert 3 == len(held)
    assert [1, 60] == [held.of(who, 1)[0].level(1) for who in "ab"]
    assert 3 == len(held)


def test_whoever_is_known_keeps_their_buckets() -> None:
    """The same ones, as they stand."""
    held = Buckets(lambda: (Bucket(60),))
    held.of("a", 0)[0].take(60, 0)

    assert 0 == held.of("a", 0)[0].level(0)
    assert 60 == held.of("b", 0)[0].level(0)

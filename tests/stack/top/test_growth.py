"""What counters grow by, through restarts of their server."""

from __future__ import annotations

from math import inf

from llmstack.scraping.samples import Sample
from llmstack.top.growth import Growth
from llmstack.top.page import Page

ONE, TWO = {"model": "a"}, {"model": "b"}


def page(**series: dict[str, float]) -> Page:
    """Series by name, each by the value of its label."""
    return Page({name: tuple(Sample(name, {"model": model}, value) for model, value in each.items()) for name, each in series.items()})  # fmt: skip


def buckets(**counts: float) -> Page:
    edges = {"one": "1", "two": "2.0", "all": "+Inf"}
    return Page({"x_bucket": tuple(Sample("x_bucket", {"model": "a", "le": edges[name]}, count) for name, count in counts.items())})  # fmt: skip


def test_a_counter_grows() -> None:
    """By so much in a second, each series for itself."""
    growth = Growth(page(x={"a": 100, "b": 7}), page(x={"a": 130, "b": 7}), 10)

    assert (Sample("x", ONE, 3.0), Sample("x", TWO, 0.0)) == growth.rates("x")


def test_a_counter_that_began_again_counts_from_zero() -> None:
    """As `rate` of Prometheus has it."""
    assert (Sample("x", ONE, 3.0),) == Growth(page(x={"a": 100}), page(x={"a": 30}), 10).rates("x")


def test_a_series_that_is_born_counts_from_zero() -> None:
    """Its server was looked at before, and would have shown it; one that has gone is not told of."""
    growth = Growth(page(x={"b": 5}), page(x={"a": 30}), 10)

    assert (Sample("x", ONE, 3.0),) == growth.rates("x")
    assert () == growth.rates("y")


def test_buckets_grow() -> None:
    """Edges are numbers, however a server writes them."""
    growth = Growth(buckets(one=1, two=2, all=2), buckets(one=11, two=22, all=32), 10)

    assert ((ONE, {1.0: 1.0, 2.0: 2.0, inf: 3.0}),) == growth.buckets("x_bucket")


def test_all_buckets_begin_again_together() -> None:
    """One of them may have counted past where it was before the restart."""
    growth = Growth(buckets(one=1, two=50, all=50), buckets(one=10, two=20, all=30), 10)

    assert ((ONE, {1.0: 1.0, 2.0: 2.0, inf: 3.0}),) == growth.buckets("x_bucket")


def test_buckets_with_other_edges_begin_again() -> None:
    """The server was started with other ones."""
    growth = Growth(buckets(one=1, two=2, all=2), buckets(two=20, all=30), 10)

    assert ((ONE, {2.0: 2.0, inf: 3.0}),) == growth.buckets("x_bucket")


def test_what_is_no_bucket_is_passed_over() -> None:
    """Some servers have a family whose name only ends as one of a histogram does."""
    assert () == Growth(page(x={}), page(x={"a": 3}), 1).buckets("x")

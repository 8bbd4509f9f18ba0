"""Our histogram shows what the library's would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as Theirs

from llmstack.histogram import Histogram

EDGES = (0.01, 0.5, 1.0, 2.5)
VALUES = st.one_of(st.sampled_from(EDGES), st.floats(0, 5, allow_nan=False))


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), VALUES), max_size=30))
def test_it_is_the_librarys(observed: list[tuple[str, float]]) -> None:
    """The same series with the same values, whatever is observed, edges themselves included."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    one = Histogram("seconds", "Help.", ["model"], EDGES, ours)
    other = Theirs("seconds", "Help.", ["model"], buckets=EDGES, registry=theirs)
    for model, value in observed:
        one.labels(model).observe(value)
        other.labels(model).observe(value)

    assert _lines(theirs) == _lines(ours)


@given(st.lists(VALUES, max_size=30))
def test_values_taken_together_are_those_taken_one_by_one(values: list[float]) -> None:
    """In the same buckets, with the same sum."""
    found = []
    for is_together in (True, False):
        series = Histogram("seconds", "Help.", [], EDGES, CollectorRegistry()).labels()
        if is_together:
            series.extend(values)
        else:
            for value in values:
                series.observe(value)
        found.append(series.told())

    (together, total), (one_by_one, sum_of_each) = found
    assert one_by_one == together
    assert pytest.approx(sum_of_each) == total


def _lines(registry: CollectorRegistry) -> list[str]:
    text = generate_latest(registry).decode()
    return sorted(line for line in text.splitlines() if "_created" not in line)


def test_without_labels_it_is_there_from_the_start() -> None:
    """At zero, so that the first observation is a rise."""
    registry = CollectorRegistry()
    Histogram("seconds", "Help.", [], EDGES, registry)

    assert 0 == registry.get_sample_value("seconds_count")
    with pytest.raises(ValueError, match="Duplicated"):
        Histogram("seconds", "Help.", [], EDGES, registry)


def test_labels_that_are_too_few() -> None:
    """It says which were expected."""
    found = Histogram("seconds", "Help.", ["model"], EDGES, CollectorRegistry())
    with pytest.raises(ValueError, match=r"expected \('model',\)"):
        found.labels()

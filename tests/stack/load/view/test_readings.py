"""What is kept of intervals: rates a second, and no more points than a chart can show."""

from __future__ import annotations

from dataclasses import replace

from llmstack.load.view.readings import MOST_POINTS, Readings, reading
from tests.stack.load.view.made import busy, second


def test_counts_are_told_a_second() -> None:
    """However long an interval was; what is under way is not."""
    found = reading(busy(sent=11, failed=3, bytes_sent=500, answer_tokens=70, under_way=9))
    longer = reading(replace(busy(sent=11, failed=3, bytes_sent=500, answer_tokens=70, under_way=9), length=0.5))  # fmt: skip

    assert (11, 3, 500, 70, 9) == (found.sent, found.failed, found.bytes_sent, found.answer_tokens, found.under_way)  # fmt: skip
    assert (22, 6, 1000, 140, 9) == (longer.sent, longer.failed, longer.bytes_sent, longer.answer_tokens, longer.under_way)  # fmt: skip


def test_an_interval_without_length_divides_by_nothing() -> None:
    """As the last one may have none."""
    assert 11 == reading(replace(busy(sent=11), length=0.0)).sent


def test_a_chart_of_two_minutes_has_each_interval() -> None:
    """Of a second; those before its window are forgotten."""
    kept = Readings(1.0, 120.0, 5)
    for number in range(300):
        kept.add(reading(second(number)))

    assert [296, 297, 298, 299, 300] == [each.at for each in kept.last]
    assert 120 < len(kept.points) <= 123
    assert 300 == kept.points[-1].at


def test_points_of_a_long_chart_stand_for_several_intervals() -> None:
    """The most of each figure, so that one bad second in an hour is seen."""
    kept = Readings(1.0, 3600.0, 5)
    for number in range(4000):
        kept.add(reading(replace(busy(sent=number == 3000, under_way=1), at=number + 1.0)))
    points = kept.points

    assert len(points) <= MOST_POINTS + 2
    assert 4000 - points[0].at >= 3590
    assert [1] == [point.sent for point in points if point.sent]
    assert {None} == {point.ttft_p95 for point in points}
    assert sorted(point.at for point in points) == [point.at for point in points]


def test_the_newest_interval_is_always_there() -> None:
    """Also where the point that it belongs to is not whole."""
    kept = Readings(1.0, 3600.0, 5)
    for number in range(15):
        kept.add(reading(replace(busy(), at=number + 1.0)))

        assert number + 1 == kept.points[-1].at

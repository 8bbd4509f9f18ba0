"""What tokens per second have been, as a small line."""

from __future__ import annotations

from math import nan

import pytest

from llmstack.top.figures import Figure, Reading, Role, Row
from llmstack.top.history import LONGEST, History, sparkline


def row(tokens: float | None) -> Row:
    return Row("vllm", Role.ENGINE, "m", {} if tokens is None else {Figure.TOKENS: tokens})


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([], 4, "    "),
        ([5], 4, "   █"),
        ([0, 5, 10], 4, " ▁▅█"),
        ([0, 0], 4, "  ▁▁"),
        ([8, None, 4], 4, " █ ▅"),
        ([8, nan, 4], 4, " █ ▅"),
        # The highest is that of what is shown.
        ([100, 1, 2, 3, 4], 4, "▃▅▇█"),
        ([1, 2, 3], 0, ""),
    ],
)
def test_a_line(values: list[float | None], width: int, expected: str) -> None:
    """As wide as asked for, the last value at its right end."""
    assert expected == sparkline(values, width)


def test_a_row_that_is_away_has_a_gap() -> None:
    """And is known again when it comes back."""
    history = History()
    for reading in (Reading((row(1),)), Reading(), Reading((row(3),))):
        history.add(reading)

    assert (1, None, 3) == history.of(row(3))


def test_only_the_last_are_kept() -> None:
    """And of a row that has long gone, nothing."""
    history = History()
    for number in range(LONGEST + 5):
        history.add(Reading((row(number),)))
    last = history.of(row(0))
    for _ in range(LONGEST):
        history.add(Reading())

    assert (LONGEST, LONGEST + 4) == (len(last), last[-1])
    assert () == history.of(row(0))


def test_a_row_without_tokens_has_none() -> None:
    """As Triton, which counts none."""
    history = History()
    history.add(Reading((row(None),)))

    assert () == history.of(row(None))

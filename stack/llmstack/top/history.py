"""What tokens per second have been, for each model, and the small line that shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import isfinite

from llmstack.terminal.intensity import blocks
from llmstack.top.figures import Figure, Reading, Row

#: As many readings as the widest line shows.
LONGEST = 40


class History:
    """The last readings of each row; one that has gone is forgotten when all of its are old."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[tuple[str, str, str], deque[float | None]] = {}

    def add(self, reading: Reading) -> None:
        """Take what was read; a row that is not there now has a gap."""
        now = {row.key: row.figures.get(Figure.TOKENS) for row in reading.rows}
        for key in {**self._kept, **now}:
            kept = self._kept.setdefault(key, deque(maxlen=LONGEST))
            kept.append(now.get(key))
            if not any(value is not None for value in kept):
                del self._kept[key]

    def of(self, row: Row) -> Sequence[float | None]:
        """Return tokens per second of a row, the last at the end; None where it told none."""
        return tuple(self._kept.get(row.key, ()))


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Return a line of bars, the last value at its right end, as wide as asked for.

    The highest bar is the highest of what is shown; no value is a space, and zero the lowest bar.
    """
    shown = values[-width:] if width else ()
    highest = max((value for value in shown if value is not None and isfinite(value)), default=0.0)
    return blocks(shown, highest).rjust(width)

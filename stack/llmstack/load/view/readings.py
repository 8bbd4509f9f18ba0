"""What passed in each interval as it is shown: rates a second, and latencies."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from llmstack.load.seconds import Second

#: Points of a line that are kept: two for each dot of a chart as wide as charts become.
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Reading:
    """An interval; counts are a second, times are seconds, None for what did not happen."""

    #: Seconds from the start of the run to its end.
    at: float
    sent: float
    answered: float
    failed: float
    under_way: float
    bytes_sent: float
    bytes_received: float
    e2e_p95: float | None
    e2e_p99: float | None
    ttft_p95: float | None
    tpot_p95: float | None
    prompt_tokens: float
    answer_tokens: float


def reading(second: Second) -> Reading:
    """Return what is shown of an interval."""
    # An interval that the end of the run cut off may have no length at all.
    length = second.length or 1.0
    return Reading(
        at=second.at,
        sent=second.sent / length,
        answered=second.answered / length,
        failed=second.failed / length,
        under_way=second.under_way,
        bytes_sent=second.bytes_sent / length,
        bytes_received=second.bytes_received / length,
        e2e_p95=second.e2e_p95,
        e2e_p99=second.e2e_p99,
        ttft_p95=second.ttft_p95,
        tpot_p95=second.tpot_p95,
        prompt_tokens=second.prompt_tokens / length,
        answer_tokens=second.answer_tokens / length,
    )


_NAMES = tuple(field.name for field in fields(Reading))


def most(readings: Sequence[Reading]) -> Reading:
    """Return the most of each figure in some intervals: no peak vanishes from a long chart."""
    if len(readings) == 1:
        return readings[0]
    columns = zip(*([getattr(each, name) for name in _NAMES] for each in readings), strict=True)
    return Reading(*(max((v for v in column if v is not None), default=None) for column in columns))  # type: ignore[arg-type]  # only latencies are None


class Readings:
    """The last intervals: each of them for tables, and as many points as a chart can show."""

    def __init__(self, interval: float, window: float, kept: int) -> None:
        """Begin with none.

        Args:
            interval: seconds of one.
            window: seconds that a chart shows.
            kept: intervals that are kept as they were.
        """
        count = window / interval
        #: Intervals that a point of a chart stands for.
        self._together = max(1, round(count / MOST_POINTS + 0.5)) if count > MOST_POINTS else 1
        self._open: list[Reading] = []
        self._points: deque[Reading] = deque(maxlen=int(count / self._together) + 2)
        self._last: deque[Reading] = deque(maxlen=max(1, kept))

    def add(self, found: Reading) -> None:
        """Take the next one."""
        self._last.append(found)
        self._open.append(found)
        if len(self._open) == self._together:
            self._points.append(most(self._open))
            self._open.clear()

    @property
    def last(self) -> tuple[Reading, ...]:
        """The last of them, the newest at the end."""
        return tuple(self._last)

    @property
    def points(self) -> tuple[Reading, ...]:
        """What charts show, the newest at the end."""
        whole: Iterable[Reading] = self._points
        return (*whole, most(self._open)) if self._open else tuple(whole)

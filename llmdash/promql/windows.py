"""Lengths of time: a `Duration` is in milliseconds, an `Interval` is filled in by Grafana."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmdash.errors import PromqlError

_SCALES = (("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000))
_TEXT = re.compile(
    r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII
)
#: Prometheus keeps durations in 63 bits of nanoseconds, about 292 years.
_LONGEST = (2**63 - 1) // 1_000_000


@dataclass(frozen=True, order=True)
class Duration:
    """A positive length of time, in whole milliseconds."""

    milliseconds: int

    def __post_init__(self) -> None:
        """Refuse nothing and less, and what Prometheus cannot hold."""
        if self.milliseconds <= 0:
            raise PromqlError("a duration above zero", "a duration", f"{self.milliseconds} ms")
        if self.milliseconds > _LONGEST:
            raise PromqlError("a duration below 292 years", "a duration", str(self))

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read PromQL's spelling (`5m`, `1h30m`, `250ms`).

        Raises:
            PromqlError: the text is no duration.
        """
        match = _TEXT.fullmatch(text)
        if not text or match is None:
            raise PromqlError("a duration such as 5m, 1h30m or 250ms", "a duration", repr(text))
        scales = [scale for _, scale in _SCALES] + [1]
        numbers = [int(number or 0) for number in match.groups()]
        return cls(sum(n * scale for n, scale in zip(numbers, scales, strict=True)))

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.milliseconds / 1000

    def __str__(self) -> str:
        """Spell it as PromQL does, the largest units first; days and weeks only when whole."""
        for symbol, scale in _SCALES[:2]:
            if self.milliseconds % scale == 0:
                return f"{self.milliseconds // scale}{symbol}"
        rest, text = self.milliseconds, ""
        for symbol, scale in (*_SCALES[2:], ("ms", 1)):
            whole, rest = divmod(rest, scale)
            text += f"{whole}{symbol}" if whole else ""
        return text


@dataclass(frozen=True)
class Interval:
    """A length of time that Grafana fills in when it asks; it has no meaning in a rule file."""

    name: str
    #: Stands for the interval where a real duration is needed; below 2^32 ms for promql-parser.
    placeholder: Duration

    def __str__(self) -> str:
        """Spell it as Grafana does."""
        return f"${self.name}"


#: At least four scrape intervals (Grafana's own rule), wider when zoomed out.
RATE_INTERVAL = Interval("__rate_interval", Duration(13_371_337))
#: The whole time range on screen.
RANGE = Interval("__range", Duration(13_371_339))

INTERVALS = (RATE_INTERVAL, RANGE)

Window = Duration | Interval


def window(value: Window | str) -> Window:
    """Return a window from itself or from PromQL's spelling."""
    return Duration.parse(value) if isinstance(value, str) else value

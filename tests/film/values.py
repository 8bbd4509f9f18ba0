"""Values of one series in promtool's notation, written run by run: `0+10x40 400x7 stale _x8`."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass
class _Run:
    """Samples that rise evenly."""

    first: Decimal
    step: Decimal
    count: int

    @property
    def next(self) -> Decimal:
        return self.first + self.step * self.count

    def __str__(self) -> str:
        if self.count == 1:
            return _number(self.first)
        if not self.step:
            return f"{_number(self.first)}x{self.count - 1}"
        sign = "-" if self.step < 0 else "+"
        return f"{_number(self.first)}{sign}{_number(abs(self.step))}x{self.count - 1}"


@dataclass
class _Gap:
    """Scrapes that show no sample; the first of them ends the series where it was scraped."""

    count: int
    ends: bool

    def __str__(self) -> str:
        missing = self.count - self.ends
        return " ".join(["stale"] * self.ends + ([f"_x{missing}"] if missing else []))


@dataclass
class Values:
    """All samples of one series so far."""

    _parts: list[_Run | _Gap] = field(default_factory=list)
    #: What a counter has counted.
    counted: Decimal = Decimal(0)
    #: Whether it has samples, and no scrape has ended it since.
    _is_open: bool = False

    def __str__(self) -> str:
        """Return the notation."""
        return " ".join(str(part) for part in self._parts)

    def stand(self, value: Decimal, count: int) -> None:
        """Add samples of one value."""
        self._add(_Run(value, Decimal(0), count))

    def rise(self, each: Decimal, count: int) -> None:
        """Add samples of a counter that counts so much from one to the next."""
        self._add(_Run(self.counted + each, each, count))
        self.counted += each * count

    def miss(self, count: int, *, is_scraped: bool) -> None:
        """Add scrapes without a sample; one that is scraped and not shown ends the series."""
        last = self._parts[-1] if self._parts else None
        ends = is_scraped and self._is_open
        self._is_open = self._is_open and not ends
        if isinstance(last, _Gap) and not ends:
            last.count += count
        else:
            self._parts.append(_Gap(count, ends))

    def _add(self, run: _Run) -> None:
        self._is_open = True
        last = self._parts[-1] if self._parts else None
        # One sample alone goes on in any direction.
        if isinstance(last, _Run) and last.count == 1:
            last.step = run.first - last.first
        if isinstance(last, _Run) and last.next == run.first and last.step == run.step:
            last.count += run.count
            return
        if isinstance(last, _Run) and last.count == 1:
            last.step = Decimal(0)
        self._parts.append(run)


def _number(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

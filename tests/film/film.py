"""The series of a film: what Prometheus would have scraped of the fleet, stretch by stretch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from llmdash.metrics import prometheus
from tests.film.fleet import Fleet, State
from tests.film.incident import Stretch
from tests.film.made_gpus import gpu_targets
from tests.film.made_triton import triton_target
from tests.film.made_vllm import gateway_target, vllm_target
from tests.film.past import past_of
from tests.film.reading import SCRAPES_PER_MINUTE, Reading, Target, gauge
from tests.film.values import Values

#: Those that scrapes do not reach, and of which Prometheus therefore says that they are down.
_UNANSWERED = (State.DOWN, State.UNREACHABLE)


def targets_of(fleet: Fleet) -> Iterator[Target]:
    """Yield every target of a fleet, with what it shows."""
    for replica in fleet.replicas:
        yield vllm_target(replica)
    yield triton_target(fleet.triton)
    yield gateway_target(fleet)
    yield from gpu_targets(fleet.gpus, fleet.exporters)


def series_of(stretches: Sequence[Stretch]) -> dict[str, str]:
    """Return promtool's values by series, the past of promises first."""
    recorder = _Recorder()
    for stretch in stretches:
        recorder.record(stretch.fleet, stretch.minutes * SCRAPES_PER_MINUTE)
    minutes = sum(stretch.minutes for stretch in stretches)
    past = past_of(targets_of(stretches[0].fleet), minutes)
    return past | {name: str(values) for name, values in recorder.values.items()}


class _Recorder:
    """Scrapes a fleet for a while, and again when it has changed."""

    def __init__(self) -> None:
        self.values: dict[str, Values] = {}
        self.scrapes = 0
        #: The targets that must count anew.
        self._down: set[tuple[str, str]] = set()

    def record(self, fleet: Fleet, scrapes: int) -> None:
        """Add scrapes of a fleet that does not change."""
        shown: set[str] = set()
        unseen = False
        for target in targets_of(fleet):
            unseen |= target.state is State.UNSEEN
            self._record(target, scrapes, shown)
        for name, values in self.values.items():
            if name not in shown:
                values.miss(scrapes, is_scraped=not unseen)
        self.scrapes += scrapes

    def _record(self, target: Target, scrapes: int, shown: set[str]) -> None:
        up = gauge(prometheus.UP.name, target.labels, int(target.state not in _UNANSWERED))
        if target.state in (State.ANSWERS, *_UNANSWERED):
            self._show(up, scrapes, shown)
        key = (target.job, target.instance)
        if target.state is State.DOWN:
            self._down.add(key)
            return
        for reading in target.readings:
            if key in self._down and reading.series in self.values:
                self.values[reading.series].counted = Decimal(0)
            if target.state is State.ANSWERS:
                self._show(reading, scrapes, shown)
            elif reading.is_counter and reading.series in self.values:
                self.values[reading.series].counted += reading.value * scrapes
        self._down.discard(key)

    def _show(self, reading: Reading, scrapes: int, shown: set[str]) -> None:
        if reading.series not in self.values:
            if reading.is_born_late and not reading.value:
                return
            self.values[reading.series] = Values()
            if self.scrapes:
                self.values[reading.series].miss(self.scrapes, is_scraped=True)
        values = self.values[reading.series]
        shown.add(reading.series)
        if reading.is_counter:
            values.rise(reading.value, scrapes)
        else:
            values.stand(reading.value, scrapes)

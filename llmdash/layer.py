"""What content reads: a typed selector for every recording that some source of the pack fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from llmdash.errors import SourceError
from llmdash.intervals import Intervals
from llmdash.levels import Level, recorded_name
from llmdash.placement import GPU_ENGINE, Placement
from llmdash.prices import Prices
from llmdash.promql import facts
from llmdash.promql.edges import Edges
from llmdash.promql.labels import LabelSet
from llmdash.promql.nodes import Selector, Variable
from llmdash.promql.series import Series
from llmdash.promql.units import COUNT, OBSERVATIONS, STATE, Unit
from llmdash.recordings import operations
from llmdash.signals import Form, Signal, signal
from llmdash.sources.answer import DistributionAnswer
from llmdash.sources.source import Role, Source


@dataclass(frozen=True)
class Layer:
    """What content reads: a selector for every recording that some source of the pack fills."""

    sources: tuple[Source, ...]
    intervals: Intervals = field(default_factory=Intervals)
    #: Which engine the GPUs work for, as far as the pack knows.
    placement: Placement = field(default_factory=Placement)
    prices: Prices | None = None

    def has(self, name: str, *, buckets: bool = False, role: Role | None = None) -> bool:
        """Tell whether a source (of a role) answers a signal (with buckets, when asked)."""
        return bool(self.answering(signal(name).name, buckets=buckets, role=role))

    def answering(
        self, name: str, *, buckets: bool = False, role: Role | None = None
    ) -> tuple[Source, ...]:
        """Return the sources (of a role) that answer a signal (with buckets, when asked)."""
        found = [source for source in self.sources if name in source.answers]
        if buckets:
            found = [s for s in found if getattr(s.answers[name], "buckets", None) is not None]
        return tuple(source for source in found if role in (None, source.role))

    def counter(self, name: str, level: Level = Level.FLEET) -> Selector:
        """Return a counter's recorded rate, by its signal's grouping."""
        asked = _asked(name, Form.COUNTER, level)
        return self._select(asked, asked.metric, self._rate, asked.unit.per_second, level)

    def sums(self, name: str, level: Level = Level.FLEET) -> Selector:
        """Return the recorded rate of a distribution's sum."""
        asked = _asked(name, Form.DISTRIBUTION, level)
        unit = asked.unit.per_second
        return self._select(asked, f"{asked.metric}_sum", self._rate, unit, level)

    def counts(self, name: str, level: Level = Level.FLEET) -> Selector:
        """Return the recorded rate of a distribution's observations."""
        asked = _asked(name, Form.DISTRIBUTION, level)
        unit = OBSERVATIONS.per_second
        return self._select(asked, f"{asked.metric}_count", self._rate, unit, level)

    def buckets(self, name: str) -> Selector:
        """Return the recorded rates of a distribution's buckets, with the edges of each source.

        Raises:
            SourceError: no source of the pack answers with buckets.
        """
        asked = _asked(name, Form.DISTRIBUTION)
        edges: dict[str, Edges] = {}
        for source in self.answering(name, buckets=True):
            answer = source.answers[name]
            assert isinstance(answer, DistributionAnswer)
            own = answer.canonical_edges
            assert own is not None
            names = {label: canonical for canonical, label in source.dialect.labels}
            varies = frozenset(names.get(label, label) for label in own.varies_by)
            edges[source.name] = Edges(own.values, own.unit, varies)
        if not edges:
            raise SourceError(f"no source answers {name} with buckets")
        unit = OBSERVATIONS.per_second
        selected = self._select(asked, f"{asked.metric}_bucket", self._rate, unit, buckets=True)
        return Selector(selected.series.with_edges(Edges.of_sources(edges)))

    def gauge(self, name: str, operation: str = "", level: Level = Level.FLEET) -> Selector:
        """Return a recorded gauge, combined in the way asked (the signal's first, by default)."""
        asked = _asked(name, Form.GAUGE, level)
        recorded = operations(asked, level)
        how = operation or recorded[0]
        if how not in recorded:
            raise SourceError(f"{name} is combined by {', '.join(recorded)}; got {how}")
        counted = how == "count" or (how == "sum" and asked.unit == STATE)
        unit = COUNT if counted else asked.unit
        return self._select(asked, asked.metric, how, unit, level)

    def gpu_engines(self, source: Source) -> Selector:
        """Return which engines the GPUs of a source work for: a series of 1 for each pair.

        Raises:
            SourceError: the pack does not say where GPUs belong, or the source has none.
        """
        uuid = dict(source.dialect.labels).get("gpu_uuid", "")
        if not self.placement.places_gpus or not uuid:
            raise SourceError(f"{source.name}: nothing says which engine its GPUs work for")
        engines = tuple(engine.name for engine in self.placement.engines)
        labels = LabelSet(
            ("source", "role", uuid, "engine_source", "engine_instance", "model"),
            (
                ("source", (source.name,)),
                ("role", (source.role.value,)),
                ("engine_source", engines),
            ),
        )
        found = Series(
            GPU_ENGINE,
            STATE,
            facts.Usage.VALUE,
            labels,
            bounds=(1, 1),
            has_target_labels=False,
        )
        return Selector(found).where(source=source.name)

    def ratio(self, name: str) -> tuple[Selector, Selector]:
        """Return the recorded rates of a ratio's numerator and denominator."""
        asked = _asked(name, Form.RATIO)
        top, bottom = (
            self._select(asked, part, self._rate, asked.unit.per_second) for part in asked.parts
        )
        return top, bottom

    @property
    def _rate(self) -> str:
        return f"rate{self.intervals.rate_window}"

    def _select(
        self,
        asked: Signal,
        metric: str,
        operation: str,
        unit: Unit,
        level: Level = Level.FLEET,
        *,
        buckets: bool = False,
    ) -> Selector:
        answering = self.answering(asked.name, buckets=buckets)
        if not answering:
            raise SourceError(f"no source answers {asked.name}")
        names = ["source", "role", "model"]
        values = [
            ("source", tuple(source.name for source in answering)),
            ("role", tuple(dict.fromkeys(source.role.value for source in answering))),
        ]
        if asked.split_by:
            names.append(asked.split_by)
            if asked.values:
                values.append((asked.split_by, asked.values))
        names += asked.also_by
        if level is Level.INSTANCE:
            own = [label for source in answering for label in source.instance_labels]
            names += ["instance", *dict.fromkeys(own)]
        # Sums, counts and rates pass the greatest value of what they are made of.
        bounds: facts.Bounds = (0, asked.maximum if operation in ("avg", "max") else None)
        return Selector(
            Series(
                recorded_name(level, metric, operation),
                unit,
                facts.Usage.VALUE,
                LabelSet(tuple(names), tuple(values)),
                keep=frozenset({"role"}),
                bounds=bounds,
                has_target_labels=False,
            )
        )


def of_role(selector: Selector, role: Role) -> Selector:
    """Return the series of one role: a total never adds a gateway to the engines behind it."""
    return selector.where(role=role.value)


def by_variables(selector: Selector, names: Sequence[str]) -> Selector:
    """Return the series that a page's variables of the same names choose."""
    return selector.where(**{name: Variable(name) for name in names})


def _asked(name: str, form: Form, level: Level = Level.FLEET) -> Signal:
    asked = signal(name)
    if asked.form is not form:
        raise SourceError(f"{name} is a {asked.form.value}, asked for as a {form.value}")
    if not asked.is_recorded:
        raise SourceError(f"{name} is not recorded: ask the exporter")
    if level is Level.INSTANCE and not asked.per_instance:
        raise SourceError(f"{name} is not recorded by instance")
    return asked

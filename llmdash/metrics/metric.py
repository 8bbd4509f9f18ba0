"""What one exporter exposes: the kinds of metric, and the selectors that content is built from.

A catalogue states facts only: name, unit, labels and their values, bucket edges, versions, and what
a server needs before the family appears. It never says what a metric is good for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import ClassVar, Literal, Self

from llmdash.errors import CatalogueError
from llmdash.promql.edges import Edges
from llmdash.promql.facts import UNBOUNDED, Bounds, Usage
from llmdash.promql.labels import LabelSet
from llmdash.promql.nodes import Matcher, Selector, Variable
from llmdash.promql.series import Series
from llmdash.promql.units import OBSERVATIONS, PERCENT, RATIO, Unit


class Needs(Enum):
    """What must be there before a family appears, or moves; the value is said to people."""

    GPU = "a GPU"
    SPECULATIVE_DECODING = "speculative decoding"
    DIFFUSION_MODEL = "a diffusion language model"
    LORA = "LoRA adapters (--enable-lora)"
    KV_CACHE_METRICS = "--kv-cache-metrics"
    MFU_METRICS = "--enable-mfu-metrics"
    MULTIMODAL_MODEL = "a model that takes images, audio or video"
    QUEUE_LIMITS = "a limit on queued requests or tokens"
    KV_CONNECTOR = "a KV connector"
    KV_CONSUMER = "a KV transfer consumer role"
    NIXL = "the NIXL KV connector"
    MOONCAKE = "the Mooncake KV connector"
    MOONCAKE_STORE = "the Mooncake store connector"
    HF3FS = "the HF3FS KV connector"
    UMBP = "the UMBP KV connector"
    HISPARSE = "the HiSparse connector"
    SIMPLE_CPU_OFFLOAD = "SimpleCPUOffloadConnector"
    KVCR = "a KVCR secondary tier"
    OFFLOADING = "OffloadingConnector"
    OFFLOADING_TIERS = "OffloadingConnector with tiers"
    NAN_DETECTION = "VLLM_COMPUTE_NANS_IN_LOGITS=1"
    WATERMARK = "a watermark configuration"
    TOOL_PARSER = "a tool call parser"
    SLEEP_MODE = "a first use of sleep mode"
    WEIGHT_UPDATE = "a first update of weights"
    REALTIME_API = "the realtime (websocket) API"
    V0_ENGINE = "the V0 engine"
    DETAILED_TRACES = "--collect-detailed-traces"
    SINGLE_API_SERVER = "a single API server process"
    RESPONSE_CACHE = "a response cache"
    SUMMARY_LATENCIES = "--metrics-config summary_latencies=true"
    HISTOGRAM_LATENCIES = "--metrics-config histogram_latencies=true"
    REDIS = "limits that gateways share (REDIS_URL)"
    ENDED_RUN = "a run that has ended"
    CUSTOM_METRICS = "the model parameter REPORT_CUSTOM_METRICS"
    TENSORRT_LLM = "the TensorRT-LLM backend"
    STATIC_BATCHING = "static (V1) batching"
    DISAGGREGATED_SERVING = "disaggregated serving"
    PERFORMANCE_METRICS = "return_perf_metrics or enable_iter_perf_stats"
    PROMETHEUS_ALERTS = "an alert that is pending or firing"
    PROMETHEUS_RULES = "a rule file"
    ALERTMANAGER = "an Alertmanager that Prometheus sends to"
    EXTRA_SCRAPE_METRICS = "--enable-feature=extra-scrape-metrics"
    OWN_COUNTERS = "a counters file (CSV) of your own"
    PROFILING_MODULE = "DCGM's profiling module and a datacenter GPU"
    NVLINK = "NVLink"
    VGPU = "a virtual GPU (vGPU)"
    MEMORY_SENSOR = "a memory temperature sensor"
    ECC_MEMORY = "ECC memory"
    ROW_REMAPPING = "a GPU that remaps rows (Ampere and newer)"
    PAGE_RETIREMENT = "a GPU that retires pages (before Ampere)"


NOT_NEGATIVE: Bounds = (0, None)

_VERSION = re.compile(r"\d+(\.\d+)*")


def version_key(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare (`0.8.4` is before `0.10.2`).

    Raises:
        CatalogueError: the text is no dotted version.
    """
    if _VERSION.fullmatch(version) is None:
        raise CatalogueError(f"expected a version such as 0.8.4, got {version!r}")
    return tuple(int(part) for part in version.split("."))


@dataclass(frozen=True)
class Versions:
    """A range of an exporter's releases, both ends included; None is open."""

    first: str | None = None
    last: str | None = None

    def overlap(self, other: Versions) -> bool:
        """Tell whether some release is in both ranges."""
        return not (_before(self.last, other.first) or _before(other.last, self.first))

    def includes(self, version: str) -> bool:
        """Tell whether a release is in the range."""
        return self.overlap(Versions(version, version))

    def __str__(self) -> str:
        """Say the range in words."""
        if self.first and self.last:
            return f"{self.first} to {self.last}"
        if self.first:
            return f"{self.first} and later"
        return f"up to {self.last}" if self.last else "every release"


def _before(last: str | None, first: str | None) -> bool:
    if last is None or first is None:
        return False
    # 0.9 includes 0.9.2: compare only as many parts as the end names.
    end = version_key(last)
    return end < version_key(first)[: len(end)]


def _ends_by(last: str | None, until: str) -> bool:
    """Tell whether a range that ends with `last` has no release after `until`."""
    if last is None:
        return False
    # 0.8 as an end includes every 0.8.x, so parts that are not named count as endless.
    longest = max(len(version_key(last)), len(version_key(until)))
    ends = [(*version_key(end), *(math.inf,) * longest)[:longest] for end in (last, until)]
    return ends[0] <= ends[1]


def labels(*names: str, is_open: bool = False, **closed: tuple[str, ...]) -> LabelSet:
    """Return a metric's own labels; a keyword is a label with its closed set of values."""
    return LabelSet((*names, *closed), tuple(closed.items()), is_open)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One family that an exporter exposes."""

    #: How its values behave.
    behaviour: ClassVar[str]

    name: str
    unit: Unit
    labels: LabelSet = field(default_factory=LabelSet)
    #: Labels that some of its series, or some servers, do not carry.
    optional_labels: frozenset[str] = frozenset()
    #: Releases of the exporter that expose it; ends that nobody has looked up are open.
    versions: Versions = Versions()
    #: The family that took its place under another name.
    successor: str | None = None
    needs: tuple[Needs, ...] = ()
    #: It is shown without these, but stays at zero until they are there.
    idle_without: tuple[Needs, ...] = ()
    #: What a reader must know: when it is written, what it does not count.
    note: str = ""
    #: Labels whose value chooses the meaning: adding up across them is a mistake.
    keep: frozenset[str] = frozenset()
    #: The unit of each value of the label in `keep`, where they differ from `unit`.
    units: tuple[tuple[str, Unit], ...] = ()
    #: Units of older releases: up to which release they held.
    older_units: tuple[tuple[str, Unit], ...] = ()

    def __post_init__(self) -> None:
        """Refuse facts that contradict each other."""
        unknown = (self.optional_labels | self.keep) - set(self.labels.names)
        if unknown:
            raise CatalogueError(f"{self.name}: {', '.join(sorted(unknown))} is none of its labels")
        if self.units and len(self.keep) != 1:
            raise CatalogueError(f"{self.name}: units by value need exactly one label in keep")

    @property
    def kind(self) -> str:
        """What the exporter's TYPE line says."""
        return self.behaviour

    def unit_holds(self, versions: Versions) -> bool:
        """Tell whether every release of a range measures in `unit`."""
        return all(_before(until, versions.first) for until, _ in self.older_units)

    def renamed(self, prefix: str, to: str) -> Self:
        """Return the family under another prefix (Ray and KServe re-export under theirs)."""
        if not self.name.startswith(prefix):
            return self
        return replace(self, name=to + self.name.removeprefix(prefix))

    def series_names(self) -> tuple[str, ...]:
        """Return every name under which series of the family are stored."""
        return (self.name,)

    def _series(self, name: str, unit: Unit, usage: Usage, bounds: Bounds) -> Series:
        return Series(name, unit, usage, self.labels, None, self.keep, bounds, family=self.name)

    def _unit_of(self, matchers: tuple[Matcher, ...], equal: Mapping[str, str | Variable]) -> Unit:
        """Return the unit of the series that an equality on the label in `keep` chooses."""
        chosen = {matcher.label: matcher.value for matcher in matchers if matcher.operator == "="}
        chosen |= equal
        values = {value for label, value in chosen.items() if label in self.keep}
        return next((unit for value, unit in self.units if value in values), self.unit)


@dataclass(frozen=True, kw_only=True)
class Counter(Metric):
    """A family that only grows until its process restarts."""

    behaviour: ClassVar[str] = "counter"

    def select(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return its series that satisfy all matchers; a keyword is an equality."""
        unit = self._unit_of(matchers, equal)
        series = self._series(self.name, unit, Usage.COUNTER, NOT_NEGATIVE)
        return Selector(series).where(*matchers, **equal)


@dataclass(frozen=True, kw_only=True)
class Gauge(Metric):
    """A family that goes up and down."""

    behaviour: ClassVar[str] = "gauge"

    bounds: Bounds = NOT_NEGATIVE
    #: What the TYPE line says; some exporters call a counter what goes up and down.
    typed: Literal["gauge", "counter"] = "gauge"

    def __post_init__(self) -> None:
        """A ratio lies between 0 and 1, a percentage up to 100, unless its entry says otherwise."""
        super().__post_init__()
        if self.bounds == NOT_NEGATIVE and self.unit in (RATIO, PERCENT):
            object.__setattr__(self, "bounds", (0, 1) if self.unit == RATIO else (0, 100))

    @property
    def kind(self) -> str:
        """What the exporter's TYPE line says."""
        return self.typed

    def select(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return its series that satisfy all matchers; a keyword is an equality."""
        unit = self._unit_of(matchers, equal)
        # One value of a family of many units may be a share; then the family's bounds do not apply.
        is_share = unit != self.unit and unit == RATIO
        bounds: Bounds = (0, 1) if is_share else self.bounds
        series = self._series(self.name, unit, Usage.VALUE, bounds)
        return Selector(series).where(*matchers, **equal)


@dataclass(frozen=True, kw_only=True)
class Histogram(Metric):
    """A family of cumulative buckets with a sum and a count; `unit` is that of what is observed."""

    behaviour: ClassVar[str] = "histogram"

    #: Finite upper edges, ascending, of the newest release in `versions`.
    edges: tuple[float, ...]
    #: Edges of older releases: up to which release they held, newest first; none at all where
    #: the configuration of the server set them.
    older_edges: tuple[tuple[str, tuple[float, ...]], ...] = ()
    #: What one observation stands for.
    counts: Unit = OBSERVATIONS
    #: Labels by which edges differ (token histograms end at the model's length).
    edges_vary_by: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse edges that do not ascend."""
        super().__post_init__()
        for edges in (self.edges, *(older for _, older in self.older_edges)):
            if list(edges) != sorted(set(edges)):
                raise CatalogueError(f"{self.name}: bucket edges must ascend, got {edges}")
        if not self.edges:
            raise CatalogueError(f"{self.name}: a histogram needs a bucket edge")

    def edges_within(self, versions: Versions) -> Edges:
        """Return the edges that every release of a range has."""
        held = self._edges_held(versions)
        shared = set(held[0]).intersection(*held)
        return Edges(tuple(sorted(shared)), self.unit, self.edges_vary_by)

    def edges_differ_within(self, versions: Versions) -> bool:
        """Tell whether releases of a range have unlike edges."""
        return len(set(self._edges_held(versions))) > 1

    def _edges_held(self, versions: Versions) -> list[tuple[float, ...]]:
        """Return each list of edges that some release of a range has, newest first."""
        held = []
        newer: tuple[float, ...] = self.edges
        for until, older in self.older_edges:
            # The newer list came after this release.
            if not _ends_by(versions.last, until):
                held.append(newer)
            if _before(until, versions.first):
                return held
            newer = older
        return [*held, newer]

    def as_of(self, versions: Versions) -> Histogram:
        """Return the family with the edges that the newest release of a range has."""
        newest = self._edges_held(versions)[0]
        if newest in ((), self.edges):
            return self
        older = [edges for _, edges in self.older_edges]
        return replace(self, edges=newest, older_edges=self.older_edges[older.index(newest) + 1 :])

    def with_edges(self, edges: tuple[float, ...]) -> Histogram:
        """Return the family with the edges that an operator has set."""
        return replace(self, edges=edges, older_edges=(), edges_vary_by=frozenset())

    def series_names(self) -> tuple[str, ...]:
        """Return the names of its three parts."""
        return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")

    def bucket(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return its cumulative buckets, told apart by `le`."""
        series = self._series(f"{self.name}_bucket", self.counts, Usage.COUNTER, NOT_NEGATIVE)
        edges = Edges(self.edges, self.unit, self.edges_vary_by)
        return Selector(series.with_edges(edges)).where(*matchers, **equal)

    def sum(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return the sum of all observed values."""
        return self._part("sum", self.unit).where(*matchers, **equal)

    def count(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return the number of observations."""
        return self._part("count", self.counts).where(*matchers, **equal)

    def native(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return it as Prometheus 3 keeps it when it makes native histograms of classic ones."""
        series = self._series(self.name, self.counts, Usage.NATIVE, UNBOUNDED)
        return Selector(series).where(*matchers, **equal)

    def _part(self, part: str, unit: Unit) -> Selector:
        return Selector(self._series(f"{self.name}_{part}", unit, Usage.COUNTER, NOT_NEGATIVE))


@dataclass(frozen=True, kw_only=True)
class Summary(Metric):
    """Quantiles that the exporter computes itself; they cannot be combined over instances."""

    behaviour: ClassVar[str] = "summary"

    #: The quantiles exposed; none when only sum and count are.
    quantiles: tuple[float, ...] = ()
    counts: Unit = OBSERVATIONS

    def series_names(self) -> tuple[str, ...]:
        """Return the names of its parts."""
        own = (self.name,) if self.quantiles else ()
        return (*own, f"{self.name}_sum", f"{self.name}_count")

    def value(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return the quantiles, told apart by the label `quantile`."""
        series = self._series(self.name, self.unit, Usage.QUANTILE, UNBOUNDED)
        names = LabelSet((*self.labels.names, "quantile"), self.labels.values, self.labels.is_open)
        return Selector(replace(series, labels=names)).where(*matchers, **equal)

    def sum(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return the sum of all observed values."""
        return self._part("sum", self.unit).where(*matchers, **equal)

    def count(self, *matchers: Matcher, **equal: str | Variable) -> Selector:
        """Return the number of observations."""
        return self._part("count", self.counts).where(*matchers, **equal)

    def _part(self, part: str, unit: Unit) -> Selector:
        return Selector(self._series(f"{self.name}_{part}", unit, Usage.COUNTER, NOT_NEGATIVE))


def one_two_five(up_to: float) -> tuple[float, ...]:
    """Return the edges 1, 2, 5, 10, 20 … that vLLM gives its token histograms, up to a limit."""
    found: list[float] = []
    power = 1
    while power <= up_to:
        found += [float(step * power) for step in (1, 2, 5) if step * power <= up_to]
        power *= 10
    return tuple(found)


def all_metrics(names: Mapping[str, object]) -> tuple[Metric, ...]:
    """Return the metrics among a module's names (its `globals()`), in the order written."""
    return tuple(value for value in names.values() if isinstance(value, Metric))

"""A pack: the set that is built, with its constants. The default pack ships; others are loaded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmdash.alerts import ALERTS
from llmdash.alerts.alert import Alert
from llmdash.alerts.limits import Limits
from llmdash.alerts.questions import Questions
from llmdash.dashboards import ENGINE_PAGES, SHARED_PAGES, SLO_PAGES, SOURCE_PAGES
from llmdash.dashboards.dashboard import Dashboard
from llmdash.errors import PackError
from llmdash.intervals import Intervals
from llmdash.layer import Layer
from llmdash.placement import Placement
from llmdash.prices import Prices
from llmdash.promql.labels import with_nearest
from llmdash.slos.defaults import SLOS
from llmdash.slos.rules import Promises, promises
from llmdash.slos.slo import Slo
from llmdash.sources import COMPANIONS, ENGINES
from llmdash.sources.source import Role, Source

#: A page over recordings, over what promises record, and of one source; None where it would be too
#: thin to open.
MakeSharedPage = Callable[[Layer], Dashboard | None]
MakeSloPage = Callable[[Promises, Layer], Dashboard | None]
MakeSourcePage = Callable[[Source, Layer], Dashboard | None]
#: Alerts of one subject over recordings and exporters.
MakeAlerts = Callable[[Questions], Iterable[Alert]]


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Everything that one build makes."""

    sources: tuple[Source, ...] = (*ENGINES, *COMPANIONS)
    #: Pages over recordings; panels that no source of the pack can fill are left out.
    shared_pages: tuple[MakeSharedPage, ...] = SHARED_PAGES
    #: Pages over promises; those that no source of the pack can tell of are left out.
    slo_pages: tuple[MakeSloPage, ...] = SLO_PAGES
    #: Pages of any engine whose kind of exporter has none of its own.
    engine_pages: tuple[MakeSourcePage, ...] = ENGINE_PAGES
    #: Pages of one source, by its kind of exporter.
    source_pages: Mapping[str, tuple[MakeSourcePage, ...]] = field(
        default_factory=lambda: dict(SOURCE_PAGES)
    )
    #: What is promised of the signals; rules and alerts are made of it.
    slos: tuple[Slo, ...] = SLOS
    #: What tells somebody besides promises, by subject; and from where on it does.
    alerts: tuple[MakeAlerts, ...] = ALERTS
    limits: Limits = field(default_factory=Limits)
    intervals: Intervals = field(default_factory=Intervals)
    #: Fixed targets (`host:port`) by source; others go into the targets folder.
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Which model a target serves, by source and instance, for what is counted without a model.
    target_models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: The GPUs (UUIDs) of an engine, by source and instance of the engine.
    target_gpus: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    #: In Kubernetes: GPUs and engines carry their pod, which tells which belong together.
    gpus_by_pod: bool = False
    #: Prometheus 3 makes native histograms of classic ones, and promises of latencies read those.
    native_histograms: bool = False
    #: What power and GPUs cost; without it no page speaks of money.
    prices: Prices | None = None
    #: Where Prometheus answers, as Grafana's server sees it.
    prometheus_url: str = "http://prometheus:9090"
    #: The name and uid of the provisioned datasource.
    datasource_name: str = "Prometheus"
    datasource_uid: str = "llmdash-prometheus"
    #: Where Grafana finds the dashboards that are mounted for it.
    dashboards_path: str = "/etc/grafana/dashboards"
    #: Where a browser reaches Grafana, for the links of alerts.
    grafana_url: str = "http://localhost:3000"
    #: The folder of runbooks (`<Alert>.md`), for the links of alerts.
    runbooks_url: str = "http://localhost:3000/public/llmdash/runbooks"
    #: How Alertmanager tells each receiver (`{"pager": {"pagerduty_configs": […]}}`): `pager` at
    #: once, `tickets` next day, and `pager-<team>`, `tickets-<team>` for the teams of promises.
    receivers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The address of Alertmanager, as Prometheus sees it; none configured when empty.
    alertmanager: str = ""

    def __post_init__(self) -> None:
        """Refuse settings of the wrong kind.

        Raises:
            PackError: it lists all of them.
        """
        found = tuple(self._type_problems())
        if found:
            raise PackError("\n".join(found))

    def _type_problems(self) -> Iterator[str]:
        # A pack is a user's own code, which no type checker may have read.
        sources: tuple[object, ...] = self.sources
        for source in sources:
            if not isinstance(source, Source):
                got = type(source).__name__
                yield f"sources: expected sources such as vllm(), got {got} {source!r}"
        slos: tuple[object, ...] = self.slos
        for slo in slos:
            if not isinstance(slo, Slo):
                yield f"slos: expected Slo(…), got {type(slo).__name__} {slo!r}"
        limits: object = self.limits
        if not isinstance(limits, Limits):
            yield f"limits: expected Limits(…), got {type(limits).__name__} {limits!r}"
        subjects: object = self.alerts
        if not isinstance(subjects, tuple | list):
            yield f"alerts: expected a tuple of functions, got {subjects!r}"
        else:
            for make in subjects:
                # Its file is called by it.
                if not callable(make) or not getattr(make, "__name__", "").isidentifier():
                    yield f"alerts: expected a function with a name, got {make!r}"
        targets: Mapping[str, object] = self.targets
        for name, addresses in targets.items():
            if not isinstance(addresses, tuple | list):
                yield f"targets of {name}: expected a tuple of host:port, got {addresses!r}"
        target_models: Mapping[str, object] = self.target_models
        for name, models in target_models.items():
            if not isinstance(models, Mapping):
                yield f"target_models of {name}: expected models by host:port, got {models!r}"
        target_gpus: Mapping[str, object] = self.target_gpus
        for name, gpus in target_gpus.items():
            if not isinstance(gpus, Mapping) or any(
                not isinstance(own, tuple | list) for own in gpus.values()
            ):
                yield f"target_gpus of {name}: expected tuples of UUIDs by host:port, got {gpus!r}"

    def unknown_names(self) -> Iterator[tuple[str, str]]:
        """Yield each setting that is for nobody in the pack, and what is wrong with it."""
        names = sorted({source.name for source in self.sources})
        for setting, given in (
            ("targets", self.targets),
            ("target_models", self.target_models),
            ("target_gpus", self.target_gpus),
        ):
            for name in sorted(set(given) - set(names)):
                yield setting, f"{name} is no source of it ({', '.join(names)})"
        exporters = {source.exporter for source in self.sources} | set(SOURCE_PAGES)
        for name in sorted(set(self.source_pages) - exporters):
            yield "source_pages", with_nearest(f"no source is a {name}", name, exporters)

    @property
    def promises(self) -> Promises:
        """What is promised on each source, and why not where it is not.

        Raises:
            SloError: a promise that cannot be kept or told of.
        """
        # Two sources of one name are a problem of their own; counting both would only repeat it.
        known = list({source.name: source for source in self.sources}.values())
        return promises(
            self.slos, known, self.placement, self.intervals, native=self.native_histograms
        )

    @property
    def layer(self) -> Layer:
        """The recordings that content reads."""
        recorded = tuple(source for source in self.sources if source.is_recorded)
        return Layer(recorded, self.intervals, self.placement, self.prices)

    @property
    def placement(self) -> Placement:
        """Which model each target serves, and which GPUs each engine has."""
        engines = tuple(source for source in self.sources if source.role is Role.ENGINE)
        return Placement(self.target_models, self.target_gpus, self.gpus_by_pod, engines)

    def pages_of(self, source: Source) -> tuple[MakeSourcePage, ...]:
        """Return the pages of a source: those of its exporter, else those of any engine."""
        usual = self.engine_pages if source.role is Role.ENGINE else ()
        return self.source_pages.get(source.exporter, usual)


DEFAULT = Pack()


def load_pack(reference: str) -> Pack:
    """Return the pack that `module:name` refers to; the current folder is searched too.

    Raises:
        PackError: the module does not import, or the name is no pack.
    """
    module_name, _, name = reference.partition(":")
    if not module_name or not name:
        raise PackError(f"expected --pack module:name, got {reference!r}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except PackError:
        raise
    except Exception as error:
        # Whatever a user's module raises while it is imported is the pack's fault, not ours.
        raise PackError(
            f"pack {reference}: {module_name} does not import: {type(error).__name__}: {error}"
        ) from error
    found = getattr(module, name, None)
    if found is None:
        packs = sorted(key for key, value in vars(module).items() if isinstance(value, Pack))
        hint = f"it has {', '.join(packs)}" if packs else "it has no pack"
        raise PackError(f"pack {reference}: {module_name} has no {name}; {hint}")
    if not isinstance(found, Pack):
        raise PackError(f"pack {reference}: expected a Pack, got {type(found).__name__}")
    return found

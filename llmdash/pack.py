"""A pack: the set that is built, with its constants. The default pack ships; others are loaded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from llmdash.dashboards import SHARED_PAGES, SOURCE_PAGES
from llmdash.dashboards.dashboard import Dashboard
from llmdash.errors import PackError
from llmdash.intervals import Intervals
from llmdash.recordings import Layer
from llmdash.sources import ENGINES
from llmdash.sources.source import Source

SharedPage = Callable[[Layer], Dashboard]
SourcePage = Callable[[Source], Dashboard]


@dataclass(frozen=True, kw_only=True)
class Pack:
    """Everything that one build makes."""

    sources: tuple[Source, ...] = ENGINES
    #: Pages over recordings; a page that no source of the pack can fill is left out.
    shared_pages: tuple[SharedPage, ...] = SHARED_PAGES
    #: Pages of one source, by its kind of exporter.
    source_pages: Mapping[str, tuple[SourcePage, ...]] = field(
        default_factory=lambda: dict(SOURCE_PAGES)
    )
    intervals: Intervals = field(default_factory=Intervals)
    #: Fixed targets (`host:port`) by source; others go into the targets folder.
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Which model a target serves, by source and instance, for what is counted without a model.
    target_models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Where Prometheus answers, as Grafana's server sees it.
    prometheus_url: str = "http://prometheus:9090"
    #: The name and uid of the provisioned datasource.
    datasource_name: str = "Prometheus"
    datasource_uid: str = "llmdash-prometheus"
    #: Where Grafana finds the dashboards that are mounted for it.
    dashboards_path: str = "/etc/grafana/dashboards"
    #: The address of Alertmanager, as Prometheus sees it; none configured when empty.
    alertmanager: str = ""

    @property
    def layer(self) -> Layer:
        """The recordings that content reads."""
        return Layer(self.sources, self.intervals)


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

"""A made fleet of vLLM replicas and GPUs, written as OpenMetrics: as many series as a real one has.

Families, labels and bucket edges are the catalogue's. What recordings read is there, whatever it
needs; of what only pages read, what such a fleet shows without optional features.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmdash.build import Build
from llmdash.checks.parsed import metric_names, readable
from llmdash.metrics.metric import Counter, Gauge, Histogram, Metric, Needs
from llmdash.promql.units import BYTES, CELSIUS, RATIO, STATE, TIMESTAMP, WATTS
from llmdash.sources.source import Source
from tests.bench.traffic_shape import PROFILES, Made, load_of

GPUS_PER_NODE = 8
#: What every server of such a fleet has.
HAS = frozenset({Needs.GPU, Needs.SINGLE_API_SERVER, Needs.NVLINK, Needs.PROFILING_MODULE})
#: What a gauge says on average, in the base of its unit; the others count a few requests.
LEVELS = {"celsius": 62.0, "watts": 480.0, "bytes": 60e9, "ratio": 0.5, "timestamp": 1.7e9}
#: Servers have run for some days when the stretch begins.
_UPTIME_SECONDS = 3 * 86_400


@dataclass(frozen=True)
class Fleet:
    """How many of each there are; every replica is a pod with its share of the GPUs."""

    replicas: int
    models: int
    gpus: int

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.replicas:,} replicas, {self.models} models, {self.gpus:,} GPUs"


@dataclass(frozen=True)
class Server:
    """What series are of: an engine, or one GPU of a node."""

    #: Labels that Prometheus adds, and values of the exporter's own.
    target: tuple[tuple[str, str], ...]
    own: tuple[tuple[str, str], ...]
    profile: int
    #: Of several on one target: the one that stands for what is said once a target.
    is_first: bool = True


@dataclass(frozen=True)
class MadeSeries:
    """One series of each server: its name, its labels beside the server's, its values."""

    name: str
    labels: tuple[tuple[str, str], ...]
    #: Which of the server's own labels it has.
    of_server: frozenset[str]
    made: Made
    once_a_target: bool = False


def engines(fleet: Fleet, source: Source) -> list[Server]:
    """Return the replicas."""
    return [
        Server(
            target=(
                ("instance", f"{source.exporter}-{number}:8000"),
                ("job", source.dialect.job),
                *_pod(number),
            ),
            own=(("model_name", f"model-{number % fleet.models}"), ("engine", "0")),
            profile=number % PROFILES,
        )
        for number in range(fleet.replicas)
    ]


def gpus(fleet: Fleet, source: Source) -> list[Server]:
    """Return the GPUs: eight a node with one exporter, which names the pod that each belongs to."""
    found = []
    for number in range(fleet.gpus):
        node, index = divmod(number, GPUS_PER_NODE)
        target = (("instance", f"node-{node}:9400"), ("job", source.dialect.job))
        own = (
            ("gpu", str(index)),
            ("UUID", f"GPU-{number:08d}"),
            ("device", f"nvidia{index}"),
            ("modelName", "NVIDIA H100 80GB HBM3"),
            ("hostname", f"node-{node}"),
            *_pod(number * fleet.replicas // fleet.gpus),
        )
        found.append(Server(target, own, number % PROFILES, is_first=index == 0))
    return found


def _pod(number: int) -> tuple[tuple[str, str], ...]:
    return (("namespace", "serving"), ("pod", f"replica-{number}"))


#: The exporters whose servers are made.
SERVERS = {"vllm": engines, "dcgm": gpus}


def write_openmetrics(
    file: Path,
    build: Build,
    fleet: Fleet,
    moments: Sequence[int],
    since: int,
    *,
    for_pages: bool = True,
) -> int:
    """Write every sample of every server, and return the number of series.

    Without `for_pages` only those that recordings are made of.
    """
    loads = [load_of(profile, moments, since - _UPTIME_SECONDS) for profile in range(PROFILES)]
    stamps = [f" {moment}\n" for moment in moments]
    written = 0
    with file.open("w") as output:
        for source in build.pack.sources:
            if source.exporter not in SERVERS:
                continue
            servers = SERVERS[source.exporter](fleet, source)
            for series in made_series(build, source, for_pages=for_pages):
                # What follows the labels is the same for all servers of a profile.
                tails = [
                    [f" {value}{stamp}" for value, stamp in zip(values, stamps, strict=True)]
                    for values in (load.values(series.made) for load in loads)
                ]
                for server in servers:
                    if series.once_a_target and not server.is_first:
                        continue
                    head = head_of(series, server)
                    output.write(head + head.join(tails[server.profile]))
                    written += 1
        output.write("# EOF\n")
    return written


def head_of(series: MadeSeries, server: Server) -> str:
    """Return the name and labels of a server's series."""
    own = ((name, value) for name, value in server.own if name in series.of_server)
    # On a GPU's series the pod is the exporter's own label; an engine has it from its target.
    labels = {**dict(server.target), **dict(series.labels), **dict(own)}
    inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{series.name}{{{inside}}}"


def made_series(build: Build, source: Source, *, for_pages: bool = True) -> Iterator[MadeSeries]:
    """Yield the series of one server that are read, under the newest names."""
    of_rules, of_pages = set[str](), set[str]()
    for expression, tree in readable(build):
        (of_rules if expression.in_rule else of_pages).update(metric_names(tree))

    def is_made(metric: Metric) -> bool:
        names = set(metric.series_names())
        is_shown = for_pages and bool(of_pages & names) and HAS.issuperset(metric.needs)
        return bool(of_rules & names) or is_shown

    families = [metric for metric in source.metrics if is_made(metric)]
    names = {metric.name for metric in families}
    yield MadeSeries("up", (), frozenset(), Made(constant=1, is_whole=True), once_a_target=True)
    for metric in families:
        # One release has one of the two.
        if metric.versions.last is None and metric.successor not in names:
            yield from _series_of(metric)


def _series_of(metric: Metric) -> Iterator[MadeSeries]:
    known = frozenset({"model_name", "engine", "gpu", "UUID", "device", "modelName", "hostname"})
    pod = frozenset({"namespace", "pod"})
    of_server = frozenset(metric.labels.names) & (known | pod)
    others = [
        name for name in metric.labels.names if name not in of_server | metric.optional_labels
    ]
    values = [metric.labels.allowed(name) or ("1",) for name in others]
    for place, chosen in enumerate(itertools.product(*values)):
        labels = tuple(zip(others, chosen, strict=True))
        # The first value of a label is the usual one.
        share = 0.9 if place == 0 else 0.02
        once = not of_server - pod
        for name, more, made in _parts(metric, share):
            yield MadeSeries(name, (*labels, *more), of_server, made, once)


def _parts(metric: Metric, share: float) -> Iterator[tuple[str, tuple[tuple[str, str], ...], Made]]:
    """Yield the names of a family's series, what tells them apart, and how they are made."""
    match metric:
        case Histogram():
            yield from _histogram(metric)
        case Counter():
            size = share * (500.0 if "tokens" in str(metric.unit) else 1.0)
            yield metric.name, (), Made(quick=size, slow=size, is_whole=True)
        case Gauge():
            yield metric.name, (), _gauge(metric, share)


def _histogram(
    metric: Histogram,
) -> Iterator[tuple[str, tuple[tuple[str, str], ...], Made]]:
    edges = metric.edges
    # Most of the quick ones end in the lower half of the edges, the slow ones above.
    quick, slow = edges[len(edges) // 3], edges[len(edges) * 2 // 3]
    for edge in edges:
        below = Made(_share_below(edge, quick), _share_below(edge, slow), is_whole=True)
        yield f"{metric.name}_bucket", (("le", repr(float(edge))),), below
    everything = Made(quick=1, slow=1, is_whole=True)
    yield f"{metric.name}_bucket", (("le", "+Inf"),), everything
    yield f"{metric.name}_sum", (), Made(quick=quick, slow=slow)
    yield f"{metric.name}_count", (), everything


def _share_below(edge: float, median: float, spread: float = 0.8) -> float:
    """Return the share of a lognormal distribution up to an edge."""
    return 0.5 * (1 + math.erf(math.log(edge / median) / (spread * math.sqrt(2))))


def _gauge(metric: Gauge, share: float) -> Made:
    if metric.unit == STATE:
        return Made(constant=1 if share > 0.5 else 0, is_whole=True)
    if metric.unit == TIMESTAMP:
        return Made(constant=LEVELS["timestamp"], is_whole=True)
    level = 20 * share
    for unit, name in ((CELSIUS, "celsius"), (WATTS, "watts"), (BYTES, "bytes"), (RATIO, "ratio")):
        if metric.unit.factors == unit.factors:
            level = LEVELS[name] / metric.unit.scale
    return Made(wave=0.3 * level, constant=level)

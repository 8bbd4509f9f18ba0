"""What runs where: which model a target serves, and which engine the GPUs work for.

An exporter that names no model (`up`, a GPU's power) gets it from here: from the pack's own maps,
or in Kubernetes from the pod that a GPU and an engine share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from llmdash.levels import Level, recorded_name
from llmdash.promql.expressions import (
    aggregate,
    count,
    first_of,
    joined,
    label_from_map,
    not_equal,
    relabel,
)
from llmdash.promql.facts import Usage
from llmdash.promql.labels import LabelSet
from llmdash.promql.matching import Matching
from llmdash.promql.nodes import Binary, Expr, Number, Selector
from llmdash.promql.series import Series
from llmdash.promql.units import STATE
from llmdash.sources.answer import Term
from llmdash.sources.source import Role, Source

#: A GPU and the engine that it works for; by GPU, engine source, engine instance and model.
GPU_ENGINE = recorded_name(Level.INSTANCE, "gpu_engine", "info")
#: A GPU and the model that it works for, one series a GPU; no model where it is none, or several.
GPU_MODEL = recorded_name(Level.INSTANCE, "gpu_model", "info")

_POD = ("namespace", "pod")

#: A rule before it is named: its name, the labels that it adds, its expression.
Rule = tuple[str, tuple[tuple[str, str], ...], Expr]


@dataclass(frozen=True)
class Placement:
    """Which model each target serves, and which GPUs each engine has."""

    #: Models by source and instance.
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: The UUIDs of an engine's GPUs, by source and instance of the engine.
    gpus: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    #: Whether GPUs and engines carry the pod that they belong to.
    by_pod: bool = False
    #: The engines of the pack.
    engines: tuple[Source, ...] = ()

    @property
    def places_gpus(self) -> bool:
        """Tell whether it is known which engine some GPU works for."""
        return bool(self.engines) and (self.by_pod or any(self.gpus.values()))

    def placed(self, source: Source, term: Term, of: Expr) -> tuple[Term, Expr]:
        """Return a term and its values with the label `model`, where that can be known."""
        if "model" in dict(term.labels):
            return term, of
        labelled = replace(term, labels=(*term.labels, ("model", "model")))
        models = self.models.get(source.name)
        if models:
            return labelled, label_from_map(of, "model", "instance", models)
        uuid = _uuid_label(source)
        if self.places_gpus and uuid in of.labels.names:
            info = _recorded(source, GPU_MODEL, uuid, "model", alone_by=uuid)
            return labelled, joined(of, "*", info, on=(uuid,), group_left=("model",))
        return term, of

    def rules(self, source: Source) -> Iterator[Rule]:
        """Yield the rules that say for whom a source's GPUs work; they stand before its others."""
        uuid = _uuid_label(source)
        if not self.places_gpus or not uuid:
            return
        gpus = _power_of(source)
        for engine in self.engines:
            labels = (("engine_source", engine.name),)
            if self.gpus.get(engine.name):
                yield GPU_ENGINE, labels, self._by_map(gpus, uuid, engine)
            elif self.by_pod:
                yield GPU_ENGINE, labels, _by_pod(gpus, uuid, engine)
        found = aggregate(
            "group",
            _recorded(source, GPU_ENGINE, uuid, "engine_instance", "model"),
            (uuid, "model"),
        )
        # A GPU that several models share works for none of them alone.
        single = joined(found, "and", _one(found, (uuid,)), on=(uuid,))
        every = aggregate("group", gpus, (uuid,))
        yield GPU_MODEL, (), Binary("or", single, every, Matching(on=(uuid,)))

    def _by_map(self, gpus: Expr, uuid: str, engine: Source) -> Expr:
        known = aggregate("group", gpus, (uuid,))
        named = first_of(
            *(
                label_from_map(known, "engine_instance", uuid, instances)
                for instances in _one_engine_each(self.gpus[engine.name])
            )
        )
        serving = _serving(engine.anchored(), engine, ())
        by = ("engine_instance",)
        alone = joined(serving, "and", _one(serving, by), on=by)
        return joined(named, "*", alone, on=by, group_left=("model",))


def _one_engine_each(gpus: Mapping[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """Return maps from GPU to instance; a GPU that several instances share is in several maps."""
    found: list[dict[str, str]] = []
    for instance, own in gpus.items():
        for gpu in own:
            free = next((each for each in found if gpu not in each), None)
            if free is None:
                free = {}
                found.append(free)
            free[gpu] = instance
    return found


def _by_pod(gpus: Expr, uuid: str, engine: Source) -> Expr:
    # Where Prometheus does not honour the exporter's labels, `pod` is that of the exporter itself.
    for name in _POD:
        if f"exported_{name}" in gpus.labels.names:
            gpus = relabel(gpus, name, f"exported_{name}")
    owned = aggregate("group", gpus, (uuid, *_POD))
    in_pods = [anchor.where(not_equal("pod", "")) for anchor in engine.anchored()]
    serving = _serving(in_pods, engine, _POD)
    alone = joined(serving, "and", _one(serving, _POD), on=_POD)
    return joined(owned, "*", alone, on=_POD, group_left=("engine_instance", "model"))


def _one(of: Expr, by: tuple[str, ...]) -> Expr:
    """Return a series for each group that holds one series only."""
    return Binary("==", count(of, by), Number(1))


def _serving(anchors: Sequence[Selector], engine: Source, by: tuple[str, ...]) -> Expr:
    """Return one series for each model on each instance of an engine."""
    own = engine.model_label
    found: Expr = aggregate("group", first_of(*anchors), ("instance", own, *by))
    found = relabel(found, "engine_instance", "instance")
    if own != "model":
        found = relabel(found, "model", own)
    return aggregate("group", found, ("engine_instance", "model", *by))


def _uuid_label(source: Source) -> str:
    return dict(source.dialect.labels).get("gpu_uuid", "") if source.role is Role.GPU else ""


def _power_of(source: Source) -> Expr:
    # Every GPU draws power, also one that is cut into slices.
    return source.answers["gpu_power"].terms[0].value()


def _recorded(source: Source, name: str, *labels: str, alone_by: str = "") -> Selector:
    static = (("source", (source.name,)), ("role", (source.role.value,)))
    series = Series(
        name,
        STATE,
        Usage.VALUE,
        LabelSet(("source", "role", *labels), static),
        bounds=(1, 1),
        alone_by=frozenset({alone_by} if alone_by else ()),
        has_target_labels=False,
    )
    return Selector(series).where(source=source.name)

"""An independent judge of rendered dashboards: Grafana's closed JSON schemas and its SDK's round trip.

Neither comes from grafanalib or from us. `violations` is empty for what Grafana would have written.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

#: Grafana's data links, which the schema takes for dashboard links.
DATA_LINK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title", "url"],
    "properties": {
        "title": {"type": "string"},
        "url": {"type": "string"},
        "targetBlank": {"type": "boolean"},
        "oneClick": {"type": "boolean"},
    },
}
#: What Grafana itself saves as the query of a Prometheus variable.
PROMETHEUS_VARIABLE_QUERY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["query", "refId"],
    "properties": {"query": {"type": "string"}, "refId": {"type": "string"}},
}
#: Panels whose schema file is not named as the panel.
SCHEMA_OF_PANEL = {"state-timeline": "statetimeline"}
#: A table's options for one field are a definition of their own, as are those of a graph.
CUSTOM_FIELDS = {"table": "TableFieldOptions", "timeseries": "GraphFieldConfig"}


def violations(dashboard: dict[str, Any], schemas: Path) -> list[str]:
    """Return every way in which a dashboard differs from what Grafana knows."""
    return [
        *_whole(dashboard, schemas),
        *(text for panel in _panels(dashboard) for text in _inside(panel, schemas)),
        *_lost_on_the_way(dashboard),
    ]


def _whole(dashboard: dict[str, Any], schemas: Path) -> Iterator[str]:
    """Check the dashboard, and each panel against Panel or RowPanel, whichever it is."""
    shell = {**dashboard, "panels": []}
    yield from _errors(shell, schemas, "dashboard", "Dashboard", dashboard.get("uid", "?"))
    for panel in _panels(dashboard):
        kind = "RowPanel" if panel["type"] == "row" else "Panel"
        shell = {**panel, "panels": []} if kind == "RowPanel" else panel
        yield from _errors(shell, schemas, "dashboard", kind, _named(panel))


def _inside(panel: dict[str, Any], schemas: Path) -> Iterator[str]:
    """Check what depends on the type of panel: options, fields and queries."""
    if panel["type"] == "row":
        return
    name = SCHEMA_OF_PANEL.get(panel["type"], panel["type"])
    known = _schema(schemas, name)["definitions"]
    yield from _errors(panel["options"], schemas, name, "Options", f"{_named(panel)} options")
    definition = CUSTOM_FIELDS.get(name, "FieldConfig")
    custom = panel["fieldConfig"]["defaults"].get("custom")
    if definition in known and custom is not None:
        yield from _errors(custom, schemas, name, definition, f"{_named(panel)} custom fields")
    for override in panel["fieldConfig"]["overrides"]:
        for each in override["properties"]:
            yield from _overridden(each, schemas, name, f"{_named(panel)} override {each['id']}")
    for target in panel.get("targets", []):
        place = f"{_named(panel)} query {target.get('refId')}"
        yield from _errors(target, schemas, "prometheus", "Dataquery", place)


def _overridden(each: dict[str, Any], schemas: Path, panel: str, place: str) -> Iterator[str]:
    """Check an override's value as the field that it stands for: the schema says object for all."""
    outer, _, inner = each["id"].partition(".")
    name, definition, key = "dashboard", "FieldConfig", outer
    if outer == "custom":
        name, definition, key = panel, CUSTOM_FIELDS.get(panel, "FieldConfig"), inner
    definitions = _schema(schemas, name)["definitions"]
    if key not in definitions[definition]["properties"]:
        yield f"{place}: unknown to {panel}"
    elif key == "cellOptions":
        # The branches overlap, so the one that is meant is chosen by its type.
        branches = (branch["$ref"] for branch in definitions["TableCellOptions"]["oneOf"])
        for branch in (reference.rsplit("/", 1)[1] for reference in branches):
            if definitions[branch]["properties"]["type"]["default"] == each["value"]["type"]:
                yield from _errors(each["value"], schemas, name, branch, place)
    else:
        path = f"{definition}/properties/{key}"
        yield from _errors(each["value"], schemas, name, path, place)


def _lost_on_the_way(dashboard: dict[str, Any]) -> Iterator[str]:
    """Read the dashboard with Grafana's SDK and write it again: nothing may be lost or changed."""
    with warnings.catch_warnings():
        # The module calls itself old at import: the newer one is of dashboards v2.
        warnings.simplefilter("ignore", DeprecationWarning)
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
        from grafana_foundation_sdk.cog.plugins import register_default_plugins
        from grafana_foundation_sdk.models.dashboard import Dashboard
    register_default_plugins()
    read = Dashboard.from_json(copy.deepcopy(dashboard))
    written = json.loads(JSONEncoder(sort_keys=True).encode(read))
    # A dashboard without an id is one that is not saved yet.
    sent = {key: value for key, value in dashboard.items() if key != "id" or value is not None}
    yield from _differences(sent, written, "dashboard")


def _differences(sent: Any, written: Any, path: str) -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(written, dict):
        for key, value in sent.items():
            if key in written:
                yield from _differences(value, written[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: lost in the round trip"
    elif isinstance(sent, list) and isinstance(written, list):
        if len(sent) != len(written):
            yield f"{path}: {len(sent)} entries became {len(written)} in the round trip"
        for place, (one, other) in enumerate(zip(sent, written, strict=False)):
            yield from _differences(one, other, f"{path}[{place}]")
    elif sent != written or isinstance(sent, bool) != isinstance(written, bool):
        yield f"{path}: {sent!r} became {written!r} in the round trip"


def _panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard.get("panels", []):
        yield panel
        if panel["type"] == "row":
            yield from panel["panels"]


def _named(panel: dict[str, Any]) -> str:
    return f"panel {panel.get('title') or panel.get('id')}"


def _errors(value: object, schemas: Path, name: str, definition: str, place: str) -> Iterator[str]:
    for error in _validator(schemas, name, definition).iter_errors(value):
        yield f"{place}{error.json_path.removeprefix('$')}: {error.message}"


@cache
def _validator(schemas: Path, name: str, definition: str) -> Draft7Validator:
    schema = _schema(schemas, name)
    resource = Resource.from_contents(schema, default_specification=DRAFT7)
    registry: Registry[Any] = Registry().with_resource("urn:schema", resource)
    found = {"$ref": f"urn:schema#/definitions/{definition}"}
    return Draft7Validator(found, registry=registry)


@cache
def _schema(schemas: Path, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((schemas / f"{name}.jsonschema.json").read_text("utf-8"))
    if name == "dashboard":
        _relax(schema["definitions"])
    return schema


def _relax(definitions: dict[str, Any]) -> None:
    """Undo the three places where the schema is stricter than Grafana, and nothing else.

    The first is two keys: what can be anything is written `object`, in the matcher of an override
    (byName takes a text) and in its values (a unit is a text), which `_overridden` checks instead.
    """
    definitions["MatcherConfig"]["properties"]["options"] = {}
    definitions["DynamicConfigValue"]["properties"]["value"] = {}
    definitions["FieldConfig"]["properties"]["links"] = {"type": "array", "items": DATA_LINK}
    queries = [{"type": "string"}, PROMETHEUS_VARIABLE_QUERY]
    definitions["VariableModel"]["properties"]["query"] = {"oneOf": queries}

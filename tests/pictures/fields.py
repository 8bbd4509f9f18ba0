"""How one line or column of a panel is shown: what holds for all, and what overrides it by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.pictures.palette import color_code, step_color
from tests.pictures.value_text import value_text

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """The settings of one line or column, by Grafana's names (`unit`, `custom.fillOpacity`)."""

    settings: Json

    def get(self, name: str, otherwise: Any = None) -> Any:
        """Return a setting."""
        return self.settings.get(name, otherwise)

    @property
    def steps(self) -> list[Json]:
        """The thresholds, from below."""
        return list((self.get("thresholds") or {"steps": ()})["steps"])

    def mapped(self, value: float) -> Json | None:
        """Return the text and colour that a mapping gives to a value."""
        for mapping in self.get("mappings") or ():
            options = mapping["options"]
            if mapping["type"] == "special" and options["match"] == "nan" and math.isnan(value):
                return dict(options["result"])
            if mapping["type"] == "value":
                key = f"{value:g}"
                if key in options:
                    return dict(options[key])
        return None

    def text(self, value: float) -> str:
        """Return a value as it is written."""
        mapped = self.mapped(value)
        if mapped is not None and mapped.get("text"):
            return str(mapped["text"])
        return value_text(value, self.get("unit") or "short", self.get("decimals"))

    def color(self, value: float) -> str:
        """Return the colour of a value by its mapping or its threshold."""
        mapped = self.mapped(value)
        if mapped is not None and mapped.get("color"):
            return color_code(mapped["color"])
        return color_code("text") if math.isnan(value) else step_color(self.steps, value)


def field_of(panel: Json, query_key: str = "", name: str = "") -> Field:
    """Return the settings of what has a name and answers a query."""
    config = panel.get("fieldConfig") or {}
    settings = _flat(config.get("defaults") or {})
    for override in config.get("overrides") or ():
        matcher, options = override["matcher"]["id"], override["matcher"]["options"]
        if (matcher, options) in (("byFrameRefID", query_key), ("byName", name)):
            settings |= {each["id"]: each["value"] for each in override["properties"]}
    return Field(settings)


def _flat(defaults: Json) -> dict[str, Any]:
    custom = defaults.get("custom") or {}
    plain = {name: value for name, value in defaults.items() if name != "custom"}
    return {**plain, **{f"custom.{name}": value for name, value in custom.items()}}

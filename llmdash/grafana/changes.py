"""How two dashboards differ, in the words of whoever reads them: panels, titles, queries, units.

Everything that differs is told: what has no words of its own is told by its path in the JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmdash.grafana.content import Json, canonical, panels_in

#: What people call the parts of a panel; other parts are told by their path.
_WORDS = {
    "title": "title",
    "description": "description",
    "type": "kind of panel",
    "fieldConfig.defaults.unit": "unit",
    "fieldConfig.defaults.min": "least value",
    "fieldConfig.defaults.max": "greatest value",
    "fieldConfig.defaults.decimals": "decimals",
    "refresh": "refresh",
    "time": "time range",
    "tags": "tags",
}
#: Lists whose items have a name: an item is found again by it, wherever it stands.
_NAMED = {
    "targets": ("query", "refId"),
    "templating.list": ("variable", "name"),
    "annotations.list": ("annotation", "name"),
    "fieldConfig.overrides": ("override", "matcher"),
    "links": ("link", "title"),
}
_GRID = {"x": "left", "y": "top", "w": "width", "h": "height"}


@dataclass(frozen=True)
class Change:
    """One difference: where, what of it, and what it was and is; None where there is nothing."""

    #: `panel "Queue"`, or empty for the dashboard itself.
    place: str
    what: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """Say it in one line."""
        subject = ": ".join(part for part in (self.place, self.what) if part)
        if self.before is None:
            return f"{subject} added" + (f": {self.after}" if self.after else "")
        if self.after is None:
            return f"{subject} removed" + (f": {self.before}" if self.before else "")
        return f"{subject}: {self.before} → {self.after}"


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return how one dashboard differs from another: what is of all of it first, then panels."""
    one, other = canonical(before), canonical(after)
    old, new = _by_id(one), _by_id(other)
    found = list(_parts("", {**one, "panels": None}, {**other, "panels": None}))
    for number, panel in new.items():
        if number not in old:
            found.append(Change(_called(panel), "", None, _position(panel)))
    for number, panel in old.items():
        if number not in new:
            found.append(Change(_called(panel), "", _position(panel), None))
    for number, panel in new.items():
        if number in old:
            found += _of_panel(old[number], panel)
    return tuple(found)


def _by_id(dashboard: Mapping[str, Any]) -> dict[Any, Json]:
    # Two panels of one number are a mistake of somebody's; the later ones are told apart by place.
    found: dict[Any, Json] = {}
    for place, panel in enumerate(panels_in(dashboard)):
        number = panel.get("id")
        found[number if number not in found else (number, place)] = panel
    return found


def _called(panel: Mapping[str, Any]) -> str:
    kind = "row" if panel.get("type") == "row" else "panel"
    title = panel.get("title")
    return f'{kind} "{title}"' if title else f"{kind} {panel.get('id')}"


def _of_panel(before: Json, after: Json) -> Iterator[Change]:
    place = _called(before)
    if before.get("gridPos") != after.get("gridPos"):
        yield Change(place, "position", _position(before), _position(after))
    left_out = ("gridPos", "panels")
    yield from _parts(place, _without(before, left_out), _without(after, left_out))


def _without(panel: Json, names: Sequence[str]) -> Json:
    return {name: value for name, value in panel.items() if name not in names}


def _position(panel: Mapping[str, Any]) -> str:
    grid = panel.get("gridPos") or {}
    return ", ".join(f"{word} {grid[name]}" for name, word in _GRID.items() if name in grid)


def _parts(
    place: str, before: Any, after: Any, path: str = "", words: Mapping[str, str] = _WORDS
) -> Iterator[Change]:
    """Yield the differences of two values of one path, the smallest that can be told."""
    if before == after:
        return
    if path == "fieldConfig.defaults.thresholds":
        yield Change(place, "thresholds", _thresholds(before), _thresholds(after))
    elif path in _NAMED and (before or after) and _are_named(path, before, after):
        yield from _items(place, path, before or [], after or [])
    elif isinstance(before, dict) and isinstance(after, dict) and path not in words:
        for name in dict.fromkeys((*before, *after)):
            inner = f"{path}.{name}" if path else name
            yield from _parts(place, before.get(name), after.get(name), inner, words)
    else:
        yield Change(place, words.get(path, path), _text(before), _text(after))


def _are_named(path: str, *lists: Any) -> bool:
    return all(_is_named(_NAMED[path][1], items) for items in lists)


def _is_named(key: str, items: Any) -> bool:
    if items is None:
        return True
    named = isinstance(items, list) and all(
        isinstance(item, dict) and item.get(key) for item in items
    )
    return named and len({_text(item[key]) for item in items}) == len(items)


def _items(place: str, path: str, before: list[Json], after: list[Json]) -> Iterator[Change]:
    word, key = _NAMED[path]
    old = {_text(item[key]): item for item in before}
    new = {_text(item[key]): item for item in after}
    for name in dict.fromkeys((*new, *old)):
        what = f"{word} {name}"
        if name not in old:
            yield Change(place, what, None, _text(_shown(new[name])))
        elif name not in new:
            yield Change(place, what, _text(_shown(old[name])), None)
        else:
            for inner in _parts(place, old[name], new[name], words={}):
                part = "" if inner.what == "expr" else f", {inner.what}"
                yield Change(place, what + part, inner.before, inner.after)
    kept = [name for name in old if name in new]
    order = [name for name in new if name in old]
    if kept != order:
        yield Change(place, f"order of {word}s", _text(kept), _text(order))


def _shown(item: Json) -> Any:
    """Return what matters of a query: the expression."""
    return item.get("expr", item)


def _thresholds(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None if value is None else _text(value)
    steps = value.get("steps") or ()
    told = (f"{step.get('color')} from {_from(step.get('value'))}" for step in steps)
    mode = "" if value.get("mode") in (None, "absolute") else f" ({value['mode']})"
    return ", ".join(told) + mode


def _from(value: Any) -> str:
    return "below" if value is None else _text(value) or ""


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

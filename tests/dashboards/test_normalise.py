"""Only what Grafana writes is left, and its text is the same everywhere."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from llmdash.dashboards.normalise import normalise, to_json_text

RAW: dict[str, Any] = {
    "id": None,
    "rows": [],
    "style": "dark",
    "title": "Inn",
    "description": None,
    "timepicker": {"time_options": []},
    "templating": {
        "list": [{"type": "textbox", "name": "floor", "tagsQuery": "", "allValue": None}]
    },
    "panels": [
        {
            "type": "stat",
            "title": "Waiting",
            "span": None,
            "error": False,
            "links": [],
            "options": {"color": {"steps": 64}, "unit": None},
            "fieldConfig": {
                "defaults": {
                    "max": None,
                    "thresholds": {"steps": [{"color": "red", "value": None}]},
                },
                "overrides": [],
            },
        },
        {"type": "row", "title": "More", "editable": True, "panels": []},
    ],
}


def test_only_what_grafana_writes_is_left() -> None:
    """Dead keys, nulls and empty lists go; the null of a threshold and of an unsaved id stay."""
    expected = {
        "id": None,
        "title": "Inn",
        "timepicker": {},
        "templating": {"list": [{"type": "textbox", "name": "floor"}]},
        "panels": [
            {
                "type": "stat",
                "title": "Waiting",
                "options": {"color": {"steps": 64}},
                "fieldConfig": {
                    "defaults": {"thresholds": {"steps": [{"color": "red", "value": None}]}},
                    "overrides": [],
                },
            },
            {"type": "row", "title": "More", "panels": []},
        ],
    }

    assert expected == normalise(RAW)


def test_what_is_given_is_not_changed() -> None:
    """Normalising returns something new."""
    before = copy.deepcopy(RAW)
    normalise(RAW)

    assert before == RAW


def test_text_is_sorted_and_ends_in_a_newline() -> None:
    """Files differ only where their content does."""
    assert '{\n  "a": "≥",\n  "b": null\n}\n' == to_json_text({"b": None, "a": "≥"})


def test_a_number_that_json_lacks_is_refused() -> None:
    """NaN in a file would be refused by Grafana, far from where it came from."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json_text({"value": float("nan")})

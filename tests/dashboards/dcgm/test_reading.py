"""What an operator sees first on the page of GPUs, what is folded away, and what empty lists say."""

from __future__ import annotations

import pytest

from llmdash.dashboards.grafana import render
from llmdash.dashboards.panels import StateTimeline, TimeSeries
from llmdash.dashboards.policy import GPU_TEMPERATURE
from llmdash.dashboards.style import hue
from llmdash.metrics.clock_events import CLOCK_EVENTS
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.signals import THROTTLE_REASONS
from llmdash.sources.source import Source
from tests.dashboards.dcgm.gpu_pages import NEW, OLD, PLACED, page, table
from tests.live.questions import without_filters


def query_keys(panel: str) -> list[str]:
    return [query.key for query in page().panel(panel).queries]


def test_what_judges_stands_first() -> None:
    """Held back, the last XID and the temperature are in sight on any screen."""
    columns = [column.title for column in table(page(), "gpus-table").columns]

    assert ["Held back", "Last XID", "Temperature", "SM clock", "Power"] == columns[:5]


@pytest.mark.parametrize("key", ["gpus-table", "memory-health"])
def test_the_make_stands_last(key: str) -> None:
    """What is the same for most GPUs comes behind all values."""
    panels = [each for row in render(page())["panels"] for each in (row, *row.get("panels", ()))]
    (found,) = [each for each in panels if each["title"] == page().panel(key).title]
    places = found["transformations"][1]["options"]["indexByName"]

    assert [0, 1, len(places) - 1] == [places[each] for each in ("instance", "gpu", "modelName")]


@pytest.mark.parametrize("source", [OLD, NEW], ids=["old", "new"])
def test_repetitions_are_folded_away(source: Source) -> None:
    """The open rows have one panel for each thing; what repeats it is a click away."""
    rows = page(source, PLACED).rows
    shown = {panel.key for row in rows if not row.collapsed for panel in row.panels}
    folded = {panel.key for row in rows if row.collapsed for panel in row.panels}

    assert {"memory-share", "clock-of-model", "sm-clock-of-engine", "power", "temperature"} < shown
    assert {
        "clock-events-normal",
        "clock-of-greatest",
        "energy-by-gpu",
        "memory-clock",
        "memory-free",
        "memory-reserved",
        "memory-total",
        "memory-used",
        "power-of-limit",
        "sm-clock",
        "throttled-time-normal",
        "utilisation-of-engine",
    } < folded


def test_harm_stands_apart_from_what_is_normal() -> None:
    """The power cap, at which most GPUs stand at work, does not hide one that is too hot."""
    harm = [event.name.replace("_", "-") for event in CLOCK_EVENTS if event.is_harm]
    normal = [event.name.replace("_", "-") for event in CLOCK_EVENTS if not event.is_harm]

    assert harm == query_keys("clock-events")
    assert normal == query_keys("clock-events-normal")
    assert ["thermal", "reliability", "board-limit"] == query_keys("throttled-time")
    assert {reason.replace("_", "-") for reason in THROTTLE_REASONS} == {
        *query_keys("throttled-time"),
        *query_keys("throttled-time-normal"),
    }


def test_a_small_share_of_time_fills_its_graph() -> None:
    """A GPU held back for a hundredth of the time is no flat line."""
    panel = page().panel("throttled-time")
    assert isinstance(panel, TimeSeries)

    assert panel.limits[1] is None


def test_healthy_temperatures_are_not_red() -> None:
    """Only the limits are drawn in the colours of alarm, and red comes before a GPU switches off."""
    assert {"yellow", "purple"} == {hue("gpu_temperature"), hue("gpu_memory_temperature")}
    assert [(85, "orange"), (90, "red")] == [(each.value, each.color) for each in GPU_TEMPERATURE]


def test_a_straggler_s_limit_is_no_goal() -> None:
    """The line is plain, and what falls below it is orange."""
    panel = page().panel("clock-of-model")
    assert isinstance(panel, TimeSeries)

    assert ["text"] == [threshold.color for threshold in panel.thresholds]
    assert "orange" == panel.color_at_rest


def test_the_choice_of_gpus_is_spelled_as_people_do() -> None:
    """The variable is called GPU, whatever its name makes of it."""
    labels = {each["name"]: each["label"] for each in render(page())["templating"]["list"]}

    assert "GPU" == labels["gpu"]


@pytest.mark.parametrize("key", ["xid-timeline", "held-back"])
def test_timelines_are_lists_that_may_be_empty(key: str) -> None:
    """The proof of the panels knows each of their queries as one that lists what is wrong."""
    panel = page().panel(key)
    assert isinstance(panel, StateTimeline)
    texts = {query.key: to_text(query.expr, GRAFANA) for query in panel.queries}
    every = {name: without_filters(text) for name, text in texts.items()}

    assert f"{every['none']} == 0" == texts["none"]
    assert every["none"] == f"max({next(text for name, text in every.items() if name != 'none')})"


def test_no_xid_is_no_missing_data() -> None:
    """The list of XIDs says that there is none, in its own words."""
    assert "no GPU has an XID" == table(page(), "xids").no_value


def test_details_explain_themselves() -> None:
    """Each panel's text is its own, so that coverage counts what it reads."""
    texts = [panel.description for panel in page(placement=PLACED).panels() if panel.queries]

    assert len(texts) == len(set(texts))

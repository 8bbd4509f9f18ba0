"""The overview of an engine without one of its own: a glance, and subjects too thin for a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash.dashboards.engine.overview import GLANCE, SUBJECTS, engine_overview
from llmdash.dashboards.panel_rows import panel_keys
from llmdash.dashboards.source_page import SourcePage
from llmdash.layer import Layer
from llmdash.sources import ENGINES, sglang, triton, trtllm
from llmdash.sources.source import Source


def keys(source: Source) -> list[str]:
    return [panel.key for panel in engine_overview(source, Layer((source,))).panels()]


@pytest.mark.parametrize("source", ENGINES, ids=lambda source: source.name)
def test_every_engine_has_an_overview(source: Source) -> None:
    """Whatever an engine answers, its page opens, and no panel stands on it twice."""
    found = keys(source)

    assert "requests-now" == found[0]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        (sglang(), ["now", "traffic", "latency", "saturation"]),
        (trtllm(), ["now", "traffic", "latency", "saturation"]),
        (triton(), ["now", "traffic", "latency"]),
    ],
)
def test_a_glance_ends_with_what_the_source_answers(source: Source, rows: list[str]) -> None:
    """Triton alone tells of no batch and no cache: there is no empty row for them."""
    assert rows == [row.key for row in engine_overview(source, Layer((source,))).rows]


def test_a_subject_without_a_page_stands_here() -> None:
    """One panel on caches is no page: it follows the glance, as its own row."""
    whole = trtllm()
    thin = replace(
        whole, answers={name: whole.answers[name] for name in ("requests", "cached_prompt_tokens")}
    )
    rows = engine_overview(thin, Layer((thin,))).rows

    assert ["now", "traffic"] == [row.key for row in rows[:2]]
    assert [["cached-tokens"]] == [[panel.key for panel in row.panels] for row in rows[2:]]


def test_a_subject_with_a_page_does_not_stand_here() -> None:
    """What has a page of its own is one click away, and the glance stays short."""
    found = set(keys(sglang()))

    assert "end-to-end-latency-heatmap" not in found
    assert "length-heatmaps" not in {row.key for row in engine_overview(sglang(), Layer(())).rows}


@pytest.mark.parametrize("source", ENGINES, ids=lambda source: source.name)
def test_the_tiles_of_the_glance_leave_no_hole(source: Source) -> None:
    """Whatever an engine leaves out, its tiles fill their lines."""
    tiles = engine_overview(source, Layer((source,))).rows[0].panels

    assert 0 == sum(tile.width for tile in tiles) % 24


def test_what_the_glance_names_is_there() -> None:
    """A key that no engine's subject has would be a panel that nobody ever sees."""
    named = {key for _, _, panels in GLANCE for key in panels}
    known = {
        key
        for source in ENGINES
        for subject in SUBJECTS
        for key in panel_keys(subject(SourcePage(source)))
    }

    assert set() == named - known

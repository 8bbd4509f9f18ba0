"""The panels that the demonstration asks for, read from built pages."""

from __future__ import annotations

import json
from pathlib import Path

import promql_parser
import pytest

from llmstack.demo.panels import Panel, asked, read_panels
from llmstack.errors import ConfigurationError

GENERATED = Path(__file__).resolve().parents[3] / "generated"
SOURCES = frozenset({"vllm", "gateway", "dcgm"})


def page(folder: Path, uid: object, *panels: object) -> None:
    (folder / "dashboards" / "x").mkdir(parents=True, exist_ok=True)
    text = json.dumps({"uid": uid, "title": f"Page {uid}", "panels": panels})
    (folder / "dashboards" / "x" / f"{uid}.json").write_text(text)


def panel(title: str, *queries: str) -> dict[str, object]:
    return {"title": title, "targets": [{"expr": query} for query in queries]}


def test_pages_of_sources_that_there_are(tmp_path: Path) -> None:
    """And those over all of them; rows are opened, and text has no query."""
    page(tmp_path, "llm-fleet", panel("a", "up"), {"type": "text", "title": "b"})
    page(tmp_path, "llm-vllm-cache", {"type": "row", "panels": [panel("c", "x", "y")]})
    page(tmp_path, "llm-triton-vllm-cache", panel("d", "up"))

    assert (
        Panel("Page llm-fleet", "a", ("up",)),
        Panel("Page llm-vllm-cache", "c", ("x", "y")),
    ) == read_panels(tmp_path, SOURCES)


def test_a_query_without_grafana() -> None:
    """Over all labels, and over a minute."""
    query = 'sum by (le) (rate(x{model=~"$model", instance=~"${instance}"}[$__rate_interval]))'

    assert 'sum by (le) (rate(x{model=~".*", instance=~".*"}[1m]))' == asked(query)


def test_every_query_of_the_built_pages_can_be_asked() -> None:
    """A second parser reads it."""
    found = read_panels(GENERATED, SOURCES)
    queries = {query for panel in found for query in panel.queries}

    assert len(found) > 300
    for query in queries:
        assert "$" not in query.replace("$1", "")
        promql_parser.parse(query)


def test_nothing_built(tmp_path: Path) -> None:
    """Said with what to do."""
    with pytest.raises(ConfigurationError, match="no dashboards; run llmdash build"):
        read_panels(tmp_path, SOURCES)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_page_that_is_none(tmp_path: Path, text: str) -> None:
    """Named by its place."""
    (tmp_path / "dashboards" / "x").mkdir(parents=True)
    (tmp_path / "dashboards" / "x" / "page.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"page\.json: no"):
        read_panels(tmp_path, SOURCES)

"""What every test may use: the promtools found, Grafana's schemas, and a record of what kind ran."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.prometheus_tools import (
    MAJORS,
    PrometheusTools,
    Version,
    found_tools,
    tools_of_major,
)
from tests.requirements import required_kinds
from tests.schemas import schemas_folder

# The same cases each time, and no case fails for being slow: a timed assertion is no test.
settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

# A test that asks for one of these fixtures needs what the marker says, written on it or not.
MARKER_OF_FIXTURE = {
    "grafana_schemas": "schemas",
    "prometheus_tools": "promtool",
    "promtool": "promtool",
    "promtools": "promtool",
}

# The markers that tests/summary.py counts by; the first that a test has is its kind.
KIND_MARKERS = ("bench", "live", "docker", "promtool", "schemas")


def pytest_configure() -> None:
    try:
        required_kinds()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    for fixture in getattr(item, "fixturenames", ()):
        if fixture in MARKER_OF_FIXTURE:
            item.add_marker(MARKER_OF_FIXTURE[fixture])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        markers = {marker.name for marker in item.iter_markers()}
        kind = next((name for name in KIND_MARKERS if name in markers), "unit")
        item.user_properties.append(("kind", kind))


@pytest.fixture(scope="session")
def promtools() -> list[tuple[Version, Path]]:
    """Every promtool found, oldest first; empty where there is none."""
    return [(tools.version, tools.promtool) for tools in found_tools()]


@pytest.fixture(scope="session", params=MAJORS, ids=[f"prometheus{major}" for major in MAJORS])
def prometheus_tools(request: pytest.FixtureRequest) -> PrometheusTools:
    """The tools of 2.x, then those of 3.x: a test that takes this runs on both."""
    return tools_of_major(request.param)


@pytest.fixture(scope="session")
def promtool(prometheus_tools: PrometheusTools) -> Path:
    """The promtool of 2.x, then that of 3.x: a test that takes this runs on both."""
    return prometheus_tools.promtool


@pytest.fixture(scope="session")
def grafana_schemas() -> Path:
    """The folder of Grafana's JSON schemas."""
    return schemas_folder()

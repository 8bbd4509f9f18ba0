"""A dashboard tells everything that is wrong with it at once, with the path of where it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmdash.dashboards.dashboard import Dashboard, Row
from llmdash.dashboards.panels import PanelLink, Query, Stat
from llmdash.dashboards.variables import DatasourceVariable, QueryVariable, TextboxVariable
from llmdash.errors import DashboardError
from llmdash.promql.expressions import greatest, total
from llmdash.promql.nodes import Variable
from llmdash.promql.units import CELSIUS, Unit
from tests.dashboards.examples import CACHE, ENGINE, MODEL, WAITING, example, time_series

DATASOURCE = DatasourceVariable()
MODELS = QueryVariable(name="model", selector=WAITING.select(), of="model")
ENGINES = QueryVariable(name="engine", selector=WAITING.select(model=MODEL), of="engine")


def dashboard(*panels: object, **changes: object) -> Dashboard:
    fields: dict[str, object] = {
        "uid": "inn",
        "title": "Inn",
        "description": "An inn.",
        "rows": (Row(key="row", title="Row", panels=panels or (time_series(),)),),  # type: ignore[arg-type]
        "variables": (DATASOURCE, MODELS),
        **changes,
    }
    return Dashboard(**fields)  # type: ignore[arg-type]  # the fields are named by each test


def test_an_example_of_everything_has_no_problem() -> None:
    """The example that other tests render is one that its own checks accept."""
    assert () == example().problems()


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (
            dashboard(time_series(), time_series()),
            "inn/time-to-first-token: expected one panel of this key, got 2",
        ),
        (
            dashboard(variables=(MODELS,)),
            "inn: expected a DatasourceVariable, got none",
        ),
        (
            dashboard(variables=(DATASOURCE, MODELS, MODELS)),
            "inn/$model: expected one variable of this name, got another",
        ),
        (
            dashboard(variables=(DATASOURCE, MODELS, TextboxVariable(name="floor"))),
            "inn/$floor: expected a panel that uses it, got none",
        ),
        (
            dashboard(variables=(DATASOURCE, ENGINES, MODELS)),
            "inn/$engine: expected a variable before it (out of datasource), got $model",
        ),
        (
            dashboard(variables=(DATASOURCE, replace(MODELS, name="modle"))),
            "inn/time-to-first-token: expected a variable of the dashboard "
            "(out of datasource, modle), got $model; did you mean modle?",
        ),
        (
            dashboard(time_series(title="First token of $engine")),
            "inn/time-to-first-token: expected a variable of the dashboard "
            "(out of datasource, model), got $engine",
        ),
        (
            dashboard(time_series(repeat="engine")),
            "inn/time-to-first-token: expected a variable of the dashboard to repeat over "
            "(out of datasource, model), got $engine",
        ),
        (
            dashboard(time_series(links=(PanelLink("Go", "/d/inn?var-engine=${engine}"),))),
            "inn/time-to-first-token: expected a variable of the dashboard "
            "(out of datasource, model), got $engine",
        ),
        (
            dashboard(time_series(description="")),
            "inn/time-to-first-token: expected a description, got none",
        ),
        (dashboard(time_series(title="")), "inn/time-to-first-token: expected a title, got none"),
        (dashboard(description=""), "inn: expected a description, got none"),
    ],
)
def test_a_problem_says_where_and_what(found: Dashboard, problem: str) -> None:
    """Each problem has the path of its panel or variable, what was expected and what stood there."""
    assert problem in found.problems()


def test_a_unit_that_grafana_lacks_is_a_problem_of_its_panel() -> None:
    """The page still compiles, so that all such units are told at once."""
    kilocelsius = Unit(CELSIUS.factors, 1000)
    metric = replace(WAITING, unit=kilocelsius)
    query = Query("heat", total(metric.select(model=MODEL)), "heat")
    (problem,) = dashboard(time_series(queries=(query,))).problems()

    assert problem.startswith("inn/time-to-first-token: grafana units: expected a unit")
    assert "1000 celsius" in problem


def test_a_variable_of_many_values_cannot_stand_for_one() -> None:
    """`engine="$engine"` with three engines chosen matches none; a repeated panel has one each."""
    query = Query("use", greatest(CACHE.select(model=MODEL, engine=ENGINE)))
    stat = Stat(key="cache", title="Cache", description="Use.", queries=(query,))
    variables = (DATASOURCE, MODELS, ENGINES)
    problem = "inn/cache: expected $engine to hold one value, got one that can hold several"

    assert (problem,) == dashboard(stat, variables=variables).problems()
    assert () == dashboard(replace(stat, repeat="engine"), variables=variables).problems()
    single = replace(ENGINES, multi=False, include_all=False)
    assert () == dashboard(stat, variables=(DATASOURCE, MODELS, single)).problems()


def test_linked_uids_are_those_of_all_links() -> None:
    """The compiler looks up every page that a panel, a column or the head of the page points to."""
    assert {"inn-compare", "inn-model", "inn-tokens", "inn-fleet"} == example().linked_uids()


def test_a_panel_is_found_by_its_key() -> None:
    """Alerts name panels by key; a wrong key names the nearest."""
    assert "Requests waiting" == example().panel("waiting").title
    with pytest.raises(DashboardError, match="got waitng; did you mean waiting"):
        example().panel("waitng")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uid": "Inn"}, "a uid of small letters"),
        ({"title": ""}, "a title"),
        ({"time_from": "yesterday"}, "a time such as now-1h"),
    ],
)
def test_a_dashboard_that_grafana_refuses_is_refused(
    changes: dict[str, object], message: str
) -> None:
    """What the server would answer with 400 fails where it is written."""
    with pytest.raises(DashboardError, match=message):
        dashboard(**changes)


def test_a_variable_used_only_by_another_is_used() -> None:
    """A variable that narrows another one is not idle."""
    query = Query("use", greatest(CACHE.select(engine=Variable("engine"))))
    stat = Stat(key="cache", title="Cache", description="Use.", queries=(query,))

    assert () == dashboard(stat, variables=(DATASOURCE, MODELS, ENGINES)).problems()

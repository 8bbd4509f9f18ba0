"""Every unit that we show is one that Grafana knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmdash.dashboards.grafana_units import GRAFANA_UNITS, grafana_unit, shown, shown_as
from llmdash.errors import DashboardError
from llmdash.promql.expressions import greatest
from llmdash.promql.printer import GRAFANA, to_text
from llmdash.promql.units import (
    BYTES,
    CELSIUS,
    COUNT,
    JOULES,
    KILOWATT_HOURS,
    MILLISECONDS,
    MONEY,
    MONEY_PER_HOUR,
    MONEY_PER_MILLION_TOKENS,
    RATIO,
    REQUESTS,
    SECONDS,
    TIMESTAMP,
    TOKENS,
    Unit,
    base,
)
from tests.dashboards.examples import STARTED

#: Spellings that Grafana reads besides its list (docs: "Custom units").
CUSTOM = ("count:", "suffix:")


def test_every_unit_is_known_to_grafana(grafana_schemas: Path) -> None:
    """Each id stands in Grafana's own list or is one of its documented custom spellings."""
    definitions = json.loads((grafana_schemas / "units.jsonschema.json").read_text("utf-8"))
    known = {each["const"] for each in definitions["definitions"].values()}
    named = {unit for unit in GRAFANA_UNITS.values() if not unit.startswith(CUSTOM)}

    assert set() == named - known


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (SECONDS, "s"),
        (MILLISECONDS, "ms"),
        (RATIO, "percentunit"),
        (BYTES.per_second, "Bps"),
        (REQUESTS.per_second, "reqps"),
        (TOKENS.per_second, "count:tok/s"),
        (JOULES.per_second, "watt"),
        (KILOWATT_HOURS, "kwatth"),
        (JOULES / TOKENS, "suffix: J/tok"),
        (TOKENS / REQUESTS, "count:tok"),
        (TOKENS.per_second / COUNT, "count:tok/s"),
        (MONEY_PER_HOUR, "suffix: /h"),
        (MONEY_PER_MILLION_TOKENS, "suffix: /Mtok"),
        (base("preemptions"), "short"),
        (base("preemptions").per_second, "count:/s"),
    ],
)
def test_a_unit_has_a_name_in_grafana(unit: Unit, expected: str) -> None:
    """Units are looked up; what is counted one by one needs no entry of its own."""
    assert expected == grafana_unit(unit)


@pytest.mark.parametrize(
    "unit", [CELSIUS.per_second, TOKENS * SECONDS, Unit(TOKENS.factors, 1000), MONEY]
)
def test_a_unit_without_a_name_is_refused(unit: Unit) -> None:
    """A unit that Grafana would print bare or wrongly is named in the error."""
    with pytest.raises(DashboardError) as caught:
        grafana_unit(unit)

    assert str(unit) in str(caught.value)


def test_a_moment_is_sent_in_milliseconds() -> None:
    """Prometheus counts seconds since 1970, Grafana milliseconds."""
    expression = greatest(STARTED.select())

    assert "max(process_start_time_seconds) * 1000" == to_text(shown(expression), GRAFANA)
    assert "dateTimeAsIso" == grafana_unit(shown_as(TIMESTAMP))

"""An alert as it is written: what it refuses, and what is handed on."""

from __future__ import annotations

from typing import Any

import pytest

from llmdash.alerts.alert import Alert, AlertGroup, Shown, alert_names
from llmdash.errors import AlertError
from llmdash.promql.expressions import total
from llmdash.promql.nodes import Binary, Number
from llmdash.promql.windows import Duration
from llmdash.slos.tiers import Severity
from tests.sources.examples import FULL

#: By room and wing; other labels are lost.
FULL_ROOMS = Binary(">", total(FULL.select(), ("room", "wing")), Number(0.7))


def alert(**changed: Any) -> Alert:
    """Return an alert, sound but for what is changed."""
    settings: dict[str, Any] = {
        "name": "InnIsFull",
        "expr": FULL_ROOMS,
        "severity": Severity.PAGE,
        "summary": "{{ $labels.room }} is full ({{ $value | humanize }})",
        "description": "Nobody finds a bed in {{ $labels.wing }}; severity {{ $labels.severity }}.",
    }
    return Alert(**{**settings, **changed})


def test_a_sound_alert() -> None:
    """Words may speak of the labels of the expression and of the alert's own; places are named."""
    sound = alert(labels={"team": "kitchen"}, panel=Shown("inn", "rooms", ("room", "team")))

    assert "alert InnIsFull" == sound.place
    assert {"severity": "critical", "team": "kitchen"} == sound.static_labels


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"summary": ""}, "expected a summary, got none"),
        ({"description": " \n"}, "expected a description, got none"),
        (
            {"summary": "{{ $labels.rom }} is full"},
            "expected a label of the alert in its summary, got rom; did you mean room?",
        ),
        (
            {"description": "Look at {{ $labels.floor }}."},
            "expected a label of the alert in its description, got floor",
        ),
        (
            {"panel": Shown("inn", "rooms", ("room", "floor"))},
            "expected a label of the alert in its panel, got floor",
        ),
        ({"labels": {"sev-erity": "page"}}, "expected a label name, got 'sev-erity'"),
        ({"labels": {"__name__": "page"}}, "expected a label name, got '__name__'"),
    ],
)
def test_an_alert_that_tells_nobody(changed: dict[str, Any], message: str) -> None:
    """Empty words, labels that no series has and names that are none are refused, with the nearest."""
    usual = {"description": "Nobody finds a bed."}
    with pytest.raises(AlertError) as caught:
        alert(**{**usual, **changed})

    assert f"alert InnIsFull: {message}" == str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "innIsFull", "Inn_is_full", "inn", "Inn Full", "Inn-Full", "7Inns"]
)
def test_a_name_that_is_none(name: str) -> None:
    """An alert's name is a small sentence in CamelCase."""
    with pytest.raises(AlertError) as caught:
        alert(name=name)

    assert f"alert {name}: expected a name in CamelCase, got {name!r}" == str(caught.value)


@pytest.mark.parametrize("name", ["InnIsFull", "Full", "GpuXid79", "KvCacheNearlyFull", "APIGone"])
def test_a_name(name: str) -> None:
    """What a name may be."""
    assert f"alert {name}" == alert(name=name).place


def test_names_are_listed_once() -> None:
    """Alerts of one name, told apart by their labels, share a runbook and are one name."""
    minute = Duration.parse("1m")
    groups = (
        AlertGroup("one", minute, (alert(), alert(name="Full"), alert(severity=Severity.TICKET))),
        AlertGroup("other", minute, (alert(name="Empty"), alert(name="Full"))),
    )

    assert ("InnIsFull", "Full", "Empty") == alert_names(groups)
